"""Messages to some members: whom they are for, as decided by the author's node. All hold the header; who else is given the body,
and takes it, `node.bodies` says."""

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.ids import RecordId, UserId
from multichat_tui.model.intents import SendMessage
from multichat_tui.model.limits import MAX_NAMED_RECIPIENTS
from multichat_tui.node.world import Channel, World


def recipients_for(world: World, channel: Channel, intent: SendMessage) -> tuple[UserId, ...] | None:
    """Whom a message is for, but for its author; None: for all. `errors.IntentRefused`."""
    me = world.identity.user
    if not intent.recipients:
        return None if intent.reply_to is None else inherited(world, channel, intent.reply_to)
    if world.partner(channel) is not None:
        raise IntentRefused(Refusal.NOT_ALLOWED, "In a direct conversation there is nobody to leave out.")
    if any(user not in channel.view.members for user in intent.recipients):
        raise IntentRefused(Refusal.NOT_A_MEMBER, "Not all of those are members of this channel.")
    chosen = tuple(sorted(set(intent.recipients) - {me}))
    if not chosen:
        raise IntentRefused(Refusal.EMPTY, "A message to nobody but yourself is not sent.")
    if len(chosen) > MAX_NAMED_RECIPIENTS:
        raise IntentRefused(
            Refusal.LIMIT, f"A message is for at most {MAX_NAMED_RECIPIENTS} people, or for all.", "Make a channel for them."
        )
    return chosen


def inherited(world: World, channel: Channel, about: RecordId) -> tuple[UserId, ...] | None:
    """Whom something is for that is about a held record: all who have that one's text, but for the author of the new one."""
    record = world.txn.record(about)
    if record is None or record.header.recipients is None:
        return None
    author = channel.control.user_of(record.header.device)
    people = {*record.header.recipients, *((author,) if author is not None else ())} - {world.identity.user}
    return tuple(sorted(people & channel.view.members.keys()))[:MAX_NAMED_RECIPIENTS]
