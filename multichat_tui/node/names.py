"""Names as they are shown: made safe, and told apart."""

from collections.abc import Mapping
from types import MappingProxyType

from multichat_tui.model.ids import UserId
from multichat_tui.model.text import display_names
from multichat_tui.node.world import Channel, World


def names_of(world: World, users: set[UserId], said: Mapping[UserId, str] = MappingProxyType({})) -> dict[UserId, str]:
    """Safe names, told apart among everybody that this node knows. `said`: what others call those whose own word is not known."""
    known = {world.identity.user, *world.contacts, *users}
    return display_names({user: world.name_of(user) or said.get(user, "") for user in known})


def channel_names(world: World, channel: Channel) -> dict[UserId, str]:
    """Names of everybody who ever was in a channel, or asked to be; kept until somebody's name or the membership changes."""
    key = (world.name_version, len(channel.control.certificates), len(channel.control.petitioners))
    cached = world.name_cache.get(channel.id)
    if cached is None or cached[0] != key:
        users = {certificate.user for certificate in channel.control.certificates.values()}
        cached = (key, names_of(world, users | channel.control.petitioners))
        world.name_cache[channel.id] = cached
    return cached[1]
