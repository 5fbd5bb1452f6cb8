"""Channels that the user takes part in."""

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.world import Channel, World

NEEDS_NEWER = "This channel needs a newer version of Multichat: nothing is sent or received here until then."
GET_NEWER = "What is here can be read. Update the program; all that you miss comes then."


def joined(world: World, channel: ChannelId) -> Channel:
    """The channel, if we take part in it. `errors.NotFound`, `errors.IntentRefused`."""
    found = world.channels.get(channel)
    if found is None or found.standing.membership in (Membership.LEFT, Membership.ASKED):
        raise NotFound("There is no such channel.", "/join LINK joins one, /create NAME makes one.")
    match found.standing.membership:
        case Membership.JOINED:
            if found.beyond:
                raise IntentRefused(Refusal.NEWER, NEEDS_NEWER, GET_NEWER)
            return found
        case Membership.JOINING:
            raise IntentRefused(Refusal.NOT_A_MEMBER, "You are not in this channel yet.", found.standing.note)
        case Membership.REMOVED:
            raise IntentRefused(Refusal.NOT_A_MEMBER, "You were removed from this channel.")
        case Membership.READING:
            raise IntentRefused(
                Refusal.NOT_A_MEMBER, "You read this channel, and are no member of it.", "An invitation and /join bring you in."
            )
        case _:
            raise IntentRefused(Refusal.NOT_A_MEMBER, "You were not admitted to this channel.", found.standing.note)
