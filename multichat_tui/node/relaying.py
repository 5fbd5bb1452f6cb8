"""Who tells whom soon of records that came from somebody else.

Most members get a record from its author. Were everybody who has it to offer it to everybody else, it would cost as many frames
as there are pairs of members. So of those who are linked with us each is offered others' content soon by the few whose device ids
are nearest to its own (by exclusive or, as in Kademlia), as far as we can see; by us later, if we are none of these, together
with whatever else has gathered until then. Nobody has to agree on who is near: it is about time alone. Control logs are offered
soon by everybody.
"""

from heapq import nsmallest

from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import FIRST_RELAYS, LATER_RELAY_DELAY_MS, METERED_RELAY_DELAY_MS, RELAY_DELAY_MS
from multichat_tui.node.economy import costs
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Session


class Relaying:
    """When others' records are offered on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._near: dict[ChannelId, tuple[object, frozenset[DeviceId]]] = {}

    def delay_ms(self, session: Session, channel: Channel, key: ChainKey) -> int:
        """How long a record of this chain, which came from somebody else, waits before it is offered to a peer; 0: it is sent at
        once, as the peer had to ask for such."""
        world = self._world
        delay = session.relay_delay.get(key[1], RELAY_DELAY_MS)
        tie = RELAY_DELAY_MS // 2
        if costs(world, session):
            delay = METERED_RELAY_DELAY_MS
        elif not delay:
            return 0
        elif key[0] is Log.CONTENT and not session.needs_us and session.device not in self._nearest(channel):
            delay, tie = LATER_RELAY_DELAY_MS, LATER_RELAY_DELAY_MS // 2
        # Of two peers who both relay, the greater device id waits longer and is mostly told meanwhile.
        return delay + (tie if world.identity.device > session.device else 0)

    def _nearest(self, channel: Channel) -> frozenset[DeviceId]:
        """The linked peers to whom we are among the nearest of a channel."""
        world = self._world
        state = (tuple(world.sessions), channel.view.mask)
        found = self._near.get(channel.id)
        if found is None or found[0] != state:
            here = {session.device for session in world.peers() if channel.serves(session.device)}
            found = self._near[channel.id] = (state, nearest_to(world.identity.device, here))
            if len(self._near) > len(world.channels):
                self._near = {identifier: near for identifier, near in self._near.items() if identifier in world.channels}
        return found[1]


def nearest_to(me: DeviceId, others: set[DeviceId]) -> frozenset[DeviceId]:
    """Those of whom `me` is among the FIRST_RELAYS nearest of all."""
    if len(others) <= FIRST_RELAYS:
        return frozenset(others)
    places = {device: int.from_bytes(device[:PREFIX_SIZE]) for device in {me, *others}}
    near = set()
    for other in others:
        there = places[other]
        distances = (place ^ there for device, place in places.items() if device != other)
        if places[me] ^ there <= nsmallest(FIRST_RELAYS, distances)[-1]:
            near.add(other)
    return frozenset(near)
