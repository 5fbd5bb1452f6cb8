"""Custody: who deposits what for a device that is away. Its author does; the other members, in an order that differs from record
to record's reader, only after a while, and only what the author has not said to have deposited.
"""

from typing import TypeAlias

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.device_statements import Audience, DeviceStatement, DeviceStatementKind
from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, digest
from multichat_tui.model.limits import (
    CUSTODY_MS,
    CUSTODY_STEP_MS,
    DEPOSITED_DELAY_MS,
    MAX_DEPOSITED_PLACES,
    MAX_DEVICE_STATEMENT_BYTES,
    MAX_INTEGER,
)
from multichat_tui.model.schema import as_bytes, as_enum, as_int, as_list, read
from multichat_tui.node.device_statements import DeviceStatements, stated
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey

Places: TypeAlias = dict[tuple[Prefix, Prefix, Log], int]
"""By channel, the chain's device and log: up to which seq."""


def encode_deposited(reached: dict[DeviceId, Places]) -> bytes:
    """What was left for which device: `[[device prefix, [[channel prefix, chain's device prefix, log, seq], ...]], ...]`."""
    return encode(
        [
            [device[:PREFIX_SIZE], [[channel, chain, log.value, seq] for (channel, chain, log), seq in sorted(places.items())]]
            for device, places in sorted(reached.items())
        ]
    )


def decode_deposited(content: bytes) -> dict[Prefix, Places] | Rejected:
    return read(content, MAX_DEVICE_STATEMENT_BYTES, _deposited)


def _deposited(value: Value) -> dict[Prefix, Places]:
    found: dict[Prefix, Places] = {}
    for each in as_list(value, "deposited", MAX_DEPOSITED_PLACES):
        device, places = as_list(each, "deposited", 2, 2)
        told = found.setdefault(as_bytes(device, "device", PREFIX_SIZE, PREFIX_SIZE), {})
        for place in as_list(places, "deposited", MAX_DEPOSITED_PLACES):
            channel, chain, log, seq = as_list(place, "place", 4, 4)
            name = (
                as_bytes(channel, "channel", PREFIX_SIZE, PREFIX_SIZE),
                as_bytes(chain, "chain", PREFIX_SIZE, PREFIX_SIZE),
                as_enum(log, "log", Log),
            )
            told[name] = as_int(seq, "seq", MAX_INTEGER)
    return found


class Custody:
    def __init__(self, world: World, statements: DeviceStatements) -> None:
        self._world = world
        self._statements = statements
        self._read: dict[tuple[ChannelId, DeviceId], tuple[DeviceStatement, dict[Prefix, Places]]] = {}
        """What each member says to have deposited, as it was read last."""
        self._first_at: dict[tuple[DeviceId, ChannelId, ChainKey], tuple[int, int]] = {}
        """By reader and chain: the seq that somebody's word is relied on for, and since when."""
        self._tell_at: dict[ChannelId, int] = {}
        """Channels in which it is to be told what we have deposited, and when."""
        statements.readable[DeviceStatementKind.DEPOSITED] = lambda content: not isinstance(decode_deposited(content), Rejected)

    # Others'

    def wait_ms(self, channel: Channel, device: DeviceId, linked: set[DeviceId]) -> int:
        """How long we leave it to others to deposit for a device: by our place among the members who are linked."""
        world = self._world
        here = [each for each in channel.audience(world.identity.device) if each in linked and each != device]
        order = sorted((*here, world.identity.device), key=lambda each: digest("mc.custody", device + each))
        return CUSTODY_STEP_MS * (1 + order.index(world.identity.device))

    def words(self, channel: Channel, device: DeviceId) -> dict[ChainKey, int]:
        """Up to which seq of each chain its author, or a member who comes before us, says to have deposited for a device. A word
        that nothing comes of is relied on for a while only."""
        world = self._world
        me = world.identity.device
        ours = digest("mc.custody", device + me)
        found: dict[ChainKey, int] = {}
        for member in channel.audience(me):
            told = self._said(channel, member).get(device[:PREFIX_SIZE])
            if told is None or member == device:
                continue
            before = digest("mc.custody", device + member) < ours
            for (prefix, chain, log), seq in told.items():
                key: ChainKey = (log, chain)
                if prefix == channel.id[:PREFIX_SIZE] and (before or chain == member[:PREFIX_SIZE]):
                    found[key] = max(seq, found.get(key, -1))
        return {key: seq for key, seq in found.items() if self._is_relied_on(channel, key, device, seq)}

    def _is_relied_on(self, channel: Channel, key: ChainKey, device: DeviceId, said: int) -> bool:
        world, name = self._world, (device, channel.id, key)
        if said <= world.peer_top(device, channel.id, key):
            self._first_at.pop(name, None)
            return False
        seq, since = self._first_at.get(name, (-1, world.now))
        if said > seq:
            since = world.now
            self._first_at[name] = said, since
        return since + CUSTODY_MS > world.now

    def _said(self, channel: Channel, member: DeviceId) -> dict[Prefix, Places]:
        statement = self._statements.find((Audience(channel.id), member, DeviceStatementKind.DEPOSITED))
        if statement is None:
            return {}
        name = channel.id, member
        known = self._read.get(name)
        if known is None or known[0] is not statement:
            found = decode_deposited(statement.content)
            known = self._read[name] = statement, {} if isinstance(found, Rejected) else found
        return known[1]

    # Ours

    def changed(self, channel: Channel) -> None:
        """We have deposited something of this channel."""
        self._tell_at.setdefault(channel.id, self._world.now + DEPOSITED_DELAY_MS)

    def tick(self) -> None:
        """Tell the members who are linked what we have deposited for those who are not."""
        world = self._world
        for identifier, at in list(self._tell_at.items()):
            if at > world.now:
                continue
            del self._tell_at[identifier]
            channel = world.channels.get(identifier)
            if channel is not None and stated(world, channel) and any(channel.serves(s.device) for s in world.peers()):
                self._tell(channel)

    def _tell(self, channel: Channel) -> None:
        world = self._world
        me = world.identity.device
        reached: dict[DeviceId, Places] = {}
        room = MAX_DEPOSITED_PLACES
        for device in channel.audience(me):
            places: Places = {}
            for cover in (cover for row in world.deposits.of(device) if row.settled for cover in row.covers):
                if cover.channel == channel.id and not cover.leaf:
                    name = (channel.id[:PREFIX_SIZE], cover.device[:PREFIX_SIZE], cover.log)
                    places[name] = max(cover.last, places.get(name, -1))
            if places and room >= len(places) + 1:
                room -= len(places) + 1
                reached[device] = places
        last = self._statements.find((Audience(channel.id), me, DeviceStatementKind.DEPOSITED))
        content = encode_deposited(reached)
        if reached and (last is None or last.content != content):
            self._statements.say(Audience(channel.id), DeviceStatementKind.DEPOSITED, content)

    def wake_times(self) -> list[int]:
        return list(self._tell_at.values())
