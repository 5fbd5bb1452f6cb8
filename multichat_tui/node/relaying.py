"""Who tells whom soon of records that came from somebody else.

Most members get a record from its author. Were everybody who has it to offer it to everybody else, it would cost as many frames
as there are pairs of members. So of those who are linked with us each is offered others' content soon by the few whose device ids
are nearest to its own (by exclusive or, as in Kademlia), as far as we can see; by us later, if we are none of these, together
with whatever else has gathered until then. Each offer that told a peer nothing new makes the next one later; of authors who are
linked with us, and so probably with the peer, much later. Nobody has to agree on any of this: it is about time alone. Control
logs are offered soon by everybody.
"""

from heapq import nsmallest

from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import (
    FIRST_RELAYS,
    LATER_RELAY_DELAY_MS,
    LEAST_RELAY_DELAY_MS,
    MAX_RELAY_DELAY_MS,
    METERED_RELAY_DELAY_MS,
    RELAY_DELAY_MS,
    RELAY_DELAY_PER_MEMBER_MS,
    SETTLED_LINK_MS,
)
from multichat_tui.model.values import dataclass
from multichat_tui.node.economy import costs
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Session

MAX_BACKOFF = 8
"""Doublings that bring the shortest delay to the longest."""


@dataclass(frozen=True, slots=True)
class Company:
    """The linked members of a channel."""

    count: int
    near: frozenset[DeviceId]
    """Those to whom we are among the nearest."""


class Relaying:
    """When others' records are offered on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[ChannelId, tuple[object, Company]] = {}

    def settled(self, author: DeviceId | None) -> bool:
        """Whether the author of what came is linked with us, and has been for long enough to be linked with the others too."""
        session = None if author is None else self._world.session_of(author)
        return session is not None and self._world.now - session.began_at > SETTLED_LINK_MS

    def delay_ms(self, session: Session, channel: Channel, key: ChainKey, *, settled: bool) -> int:
        """How long a record of this chain, which came from somebody else, waits before it is offered to a peer; 0: it is sent at
        once, as the peer had to ask for such. `settled`: the author is linked with us, and so probably with the peer."""
        world = self._world
        if costs(world, session):
            delay = METERED_RELAY_DELAY_MS
        elif key[1] in session.asked_of:
            return 0
        else:
            company = self._company(channel)
            soon = key[0] is Log.CONTROL or session.needs_us or session.device in company.near
            most = LEAST_RELAY_DELAY_MS
            if settled and key[0] is Log.CONTENT:
                most = min(MAX_RELAY_DELAY_MS, max(most, RELAY_DELAY_PER_MEMBER_MS * company.count))
            delay = min(most, (RELAY_DELAY_MS if soon else LATER_RELAY_DELAY_MS) << min(session.in_vain, MAX_BACKOFF))
        # Of two peers who both relay, the greater device id waits longer and is mostly told meanwhile.
        return delay + (delay // 2 if world.identity.device > session.device else 0)

    def _company(self, channel: Channel) -> Company:
        world = self._world
        state = (tuple(world.sessions), channel.view.mask)
        found = self._found.get(channel.id)
        if found is None or found[0] != state:
            here = {session.device for session in world.peers() if channel.serves(session.device)}
            company = Company(len(here), nearest_to(world.identity.device, here))
            found = self._found[channel.id] = (state, company)
            if len(self._found) > len(world.channels):
                self._found = {identifier: each for identifier, each in self._found.items() if identifier in world.channels}
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
