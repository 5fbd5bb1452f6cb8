"""Audiences: those to whom this device says by what way it is written to: contacts, one's own other devices, channels."""

from multichat_tui.model.device_statements import Audience
from multichat_tui.model.ids import ChannelId, DeviceId, UserId
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.device_statements import stated
from multichat_tui.node.world import World


def audiences(world: World) -> list[Audience]:
    """One's own first, then contacts, then channels, each by id."""
    if world.identity.stopped:
        return []
    own = world.identity.user
    found = [Audience(own)] if len(world.identity.devices.living) > 1 else []
    found += [Audience(user) for user in sorted(world.contacts) if user != own and not world.blocked(user)]
    for channel in sorted(world.channels.values(), key=lambda each: each.id):
        joined = channel.standing.membership is Membership.JOINED and not channel.shut and not channel.beyond
        if joined and stated(world, channel) and channel.serves(world.identity.device):
            found.append(Audience(channel.id))
    return found


def devices_of(world: World, audience: Audience) -> tuple[DeviceId, ...]:
    """The devices that may write to what is for this audience, but for our own."""
    me = world.identity.device
    channel = world.channels.get(ChannelId(audience))
    if channel is not None:
        return tuple(device for device in channel.audience(me) if device not in world.revoked)
    if audience == Audience(world.identity.user):
        return tuple(c.device for c in world.identity.devices.living if c.device != me)
    contact = world.contacts.get(UserId(audience))
    if contact is None or world.blocked(contact.user):
        return ()
    return tuple(c.device for c in contact.devices.living)


def is_channel(world: World, audience: Audience) -> bool:
    return ChannelId(audience) in world.channels
