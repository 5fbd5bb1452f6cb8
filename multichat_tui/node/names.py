"""Names as they are shown: made safe, and told apart."""

from collections.abc import Mapping
from types import MappingProxyType

from multichat_tui.model.ids import UserId
from multichat_tui.model.ranks import MEMBER, Permission
from multichat_tui.model.text import display_names
from multichat_tui.node.world import Channel, World

NOBODY: Mapping[UserId, str] = MappingProxyType({})


def names_of(
    world: World, users: set[UserId], said: Mapping[UserId, str] = NOBODY, kept: Mapping[UserId, str] = NOBODY
) -> dict[UserId, str]:
    """Safe names, told apart among everybody that this node knows. `said`: what others call those whose own word is not known.
    `kept`: whose own word does not count, and what they are called."""
    known = {world.identity.user, *world.contacts, *users}
    return display_names({user: kept.get(user) or world.name_of(user) or said.get(user, "") for user in known})


def channel_names(world: World, channel: Channel) -> dict[UserId, str]:
    """Names of everybody who ever was in a channel, or asked to be; kept until somebody's name or the membership changes."""
    bound = channel.rooted and channel.view.threshold(Permission.PROFILE) > MEMBER
    mask = channel.view.mask if bound else 0
    key = (world.name_version, len(channel.control.certificates), len(channel.control.petitioners), mask)
    cached = world.name_cache.get(channel.id)
    if cached is None or cached[0] != key:
        users = {certificate.user for certificate in channel.control.certificates.values()}
        kept = names_kept(channel) if bound else NOBODY
        cached = (key, names_of(world, users | channel.control.petitioners, kept=kept))
        world.name_cache[channel.id] = cached
    return cached[1]


def names_kept(channel: Channel) -> dict[UserId, str]:
    """Of members who may not change their names here, those that they joined with."""
    view = channel.view
    kept = {user: channel.control.joined_as(user) for user in view.members if not view.may(user, Permission.PROFILE)}
    return {user: name for user, name in kept.items() if name}
