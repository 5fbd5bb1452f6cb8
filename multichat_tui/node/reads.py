"""Read marks: up to where a device's user has read what others wrote, said to the members of a channel, as a device statement.

Said a moment after reading, at most once in `limits.STATEMENT_PAUSE_MS`, unless the user does not want it, and only where each
device is told of by itself (`limits.MAX_READING_DEVICES`). A mark is the reader's own word about the reader, and of nothing else.
"""

from collections.abc import Callable

from multichat_tui.model.acts import Style
from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import Audience, DeviceStatement
from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import (
    MAX_READ_CHAINS,
    MAX_READING_DEVICES,
    READ_DELAY_MS,
    STATEMENT_PAUSE_MS,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.holdings import Holdings
from multichat_tui.node.kept_ids import KeptIds
from multichat_tui.node.read_marks import KIND, decode_read, encode_read, opened
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import End

DUE = b"reads-due"
"""In Space.SELF: channels in which something was read that is not said yet."""
SETTINGS = (b"receipts", b"receipts.read")
"""Space.SETTING: `off` in either if this user does not say what they have read."""
TOLD_ROWS = 256
"""So many of one's own messages are looked at again when somebody has read on: further up nobody looks for it at once."""


class Reads:
    def __init__(self, world: World, statements: DeviceStatements, holdings: Holdings) -> None:
        self._world = world
        self._statements = statements
        self._holdings = holdings
        self._kept = KeptIds(world, DUE)
        self._due = {ChannelId(each): world.now + READ_DELAY_MS for each in self._kept.load()}
        """Where something was read that is not said yet, and when it is."""
        self._ends = False
        """The node is to end."""
        self.on_said: Callable[[set[DeviceId]], None] = lambda devices: None
        """These have something of theirs read; set by the engine."""
        statements.readable[KIND] = lambda content: not isinstance(decode_read(content), Rejected)
        statements.on_taken[KIND] = self._taken

    # Others'

    def _taken(self, said: DeviceStatement) -> None:
        """Somebody has read on: our own messages up to there are shown so."""
        world = self._world
        channel, me = world.channels.get(ChannelId(said.audience)), world.identity.device
        end = None if channel is None else channel.chains.ends.get((Log.CONTENT, me[:PREFIX_SIZE]))
        reached = min(opened(said.content).get(me[:PREFIX_SIZE], -1), -1 if end is None else end.seq)
        if channel is not None and reached >= 0:
            self._holdings.delivery_changed(channel, max(0, reached - TOLD_ROWS), reached)

    # Ours

    def hurry(self) -> None:
        """The node ends: what was read is said now."""
        self._ends = True

    def tick(self) -> None:
        world = self._world
        for identifier in world.read_on:
            self._due.setdefault(identifier, world.now + READ_DELAY_MS)
        world.read_on.clear()
        for identifier, at in list(self._due.items()):
            if at > world.now and not self._ends:
                continue
            del self._due[identifier]
            channel = world.channels.get(identifier)
            if channel is not None and self._tells(channel):
                self._say(channel)
        self._kept.keep(self._due)

    def wake_times(self) -> list[int]:
        return list(self._due.values())

    def _tells(self, channel: Channel) -> bool:
        world = self._world
        if not channel.rooted or not channel.live or channel.standing.membership is not Membership.JOINED:
            return False
        if channel.view.style is Style.WORKSPACE or len(channel.audience(world.identity.device)) >= MAX_READING_DEVICES:
            return False
        others = channel.view.members.keys() - {world.identity.user}
        if channel.view.style is Style.DIRECT and any(world.blocked(user) for user in others):
            return False
        return all(world.txn.get(Space.SETTING, setting) != b"off" for setting in SETTINGS)

    def _say(self, channel: Channel) -> None:
        world = self._world
        me, audience = world.identity.device, Audience(channel.id)
        last = self._statements.find((audience, me, KIND))
        if last is not None and last.number + STATEMENT_PAUSE_MS > world.now >= last.number and not self._ends:
            # Others pass on no more in this time.
            self._due[channel.id] = last.number + STATEMENT_PAUSE_MS
            return
        known = {} if last is None else opened(last.content)
        reached: dict[Prefix, int] = {}
        authors: set[DeviceId] = set()
        for (log, prefix), end in channel.chains.ends.items():
            if log is not Log.CONTENT or end.device == me or len(reached) >= MAX_READ_CHAINS:
                continue
            seq = self._reached(channel, end, known.get(prefix, -1))
            if seq >= 0:
                reached[prefix] = seq
            if seq > known.get(prefix, -1):
                authors.add(end.device)
        if authors:
            self._statements.say(audience, KIND, encode_read(reached))
            self.on_said(authors)

    def _reached(self, channel: Channel, end: End, known: int) -> int:
        """The last place of a chain that had arrived when the user had read up to here; never before `known`."""
        txn, read_arrival = self._world.txn, channel.standing.read_arrival

        def was_here(seq: int) -> bool:
            arrival = txn.arrival_in_chain(channel.id, Log.CONTENT, end.device, seq)
            return arrival is not None and arrival <= read_arrival

        low, high = known, end.seq
        if high <= low or was_here(high):
            return max(low, high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if was_here(middle) else (low, middle)
        return low
