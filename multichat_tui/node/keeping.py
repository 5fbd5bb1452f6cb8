"""What this profile keeps: texts that came longer ago than its user wants, or that are older than so many newest messages of a
channel, go from here, and from here alone.

A slice at a time. What others still have to get from here stays until they have it, and what takes texts away stays for good.
"""

from multichat_tui.channel.resources.message import EDIT
from multichat_tui.model.acts import Redact
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.intents import DAY_MS
from multichat_tui.model.keeping import OF_CHANNEL, SETTING, Keep, keep_of, keep_setting, parse_keeping
from multichat_tui.model.limits import MAX_REFERENCES, SWEEP_BODIES, SWEEP_PAUSE_MS
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Absence, Record
from multichat_tui.model.snapshots import Delivery, Position
from multichat_tui.model.values import dataclass
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.bodies import Bodies
from multichat_tui.node.message_rows import MessageRows
from multichat_tui.node.world import Channel, World

SLACK = 8
"""Where messages are counted: an eighth more than wanted may be here until it is looked again."""
MOST_FRESH = 999
"""But not more than this; the store counts what is new up to one more."""


@dataclass(slots=True, kw_only=True)
class Pass:
    """Where messages are counted: from the newest down to the last that stays, then over what came, in that order."""

    left: int
    """So many more messages stay."""
    place: Position | None = None
    """Down to where was counted."""
    floor: tuple[int, RecordId] | None = None
    """(ets, id) of the last that stays."""
    after: int
    """Up to which arrival was looked for what is older."""
    kept_after: int | None = None
    """The next pass begins behind this arrival: nothing that came before it is here any more."""
    newest: int
    """The greatest arrival of a message when the pass began."""


class Keeping:
    def __init__(self, world: World, bodies: Bodies, rows: MessageRows) -> None:
        self._world = world
        self._bodies = bodies
        self._rows = rows
        self._usual = Keep()
        self._own: dict[ChannelId, Keep] = {}
        """Of channels that have a rule of their own."""
        self._after: dict[ChannelId, int] = {}
        """Up to which arrival was looked, since the start or the last change of a setting."""
        self._passes: dict[ChannelId, Pass] = {}
        self._counted: dict[ChannelId, tuple[int, int]] = {}
        """Of the last whole pass: (behind which arrival the next begins, the greatest arrival of a message then)."""
        self._at: int | None = world.now
        world.keeping_changed = True

    def tick(self) -> None:
        """At the end of a batch."""
        world = self._world
        if world.keeping_changed:
            world.keeping_changed = False
            self._after.clear()
            self._passes.clear()
            self._counted.clear()
            self._at = world.now
            self._read()
        if any(keep.count for keep in self._own.values()):
            self._begin()
        if self._at is None or self._at > world.now:
            return
        self._at = None
        for channel in list(world.channels.values()):
            keep = self._keep(channel)
            if keep.days:
                self._look(channel, keep.days * DAY_MS)
            elif channel.id in self._passes:
                self._count(channel, self._passes[channel.id])

    def _read(self) -> None:
        world, txn = self._world, self._world.txn
        try:
            self._usual = Keep(days=parse_keeping((txn.get(Space.SETTING, SETTING.encode()) or b"all").decode()))
        except ValueError:
            self._usual = Keep()
        stored = {key.decode(): keep_of(value) for key, value in txn.scan(Space.SETTING) if key.startswith(OF_CHANNEL.encode())}
        self._own = {}
        for channel in world.channels.values():
            keep = stored.get(keep_setting(channel.id))
            if keep is not None:
                self._own |= {part.id: keep for part in world.conversation(channel)}

    def _keep(self, channel: Channel) -> Keep:
        return self._own.get(channel.id, self._usual)

    def _again(self, at: int) -> None:
        self._at = at if self._at is None else min(self._at, at)

    def wake_times(self) -> list[int]:
        return [] if self._at is None else [self._at]

    # By days

    def _look(self, channel: Channel, span_ms: int) -> None:
        world = self._world
        found = world.txn.arrivals(channel.id, Log.CONTENT, self._after.get(channel.id, 0), SWEEP_BODIES)
        for arrival, record in found:
            came = world.txn.arrival(record.id)
            if came is not None and came[1] + span_ms > world.now:
                self._again(came[1] + span_ms)
                return
            self._after[channel.id] = arrival
            if record.body is not None and not self._is_needed(record):
                self._bodies.drop(channel, record.id, Absence.LOCAL)
        # Whatever comes from now on is kept for so long.
        self._again(world.now + (SWEEP_PAUSE_MS if len(found) == SWEEP_BODIES else span_ms))

    def _is_needed(self, record: Record) -> bool:
        return _stays(record) or self._is_waited_for(record)

    def _is_waited_for(self, record: Record) -> bool:
        row = self._rows.message(record.id) if record.header.device == self._world.identity.device else None
        return row is not None and row.state in (Delivery.QUEUED, Delivery.STORED, Delivery.SOME)

    # By number

    def _begin(self) -> None:
        """A pass over each channel in which messages are counted and enough have come since the last."""
        world = self._world
        for identifier, keep in self._own.items():
            channel, count = world.channels.get(identifier), keep.count
            if channel is None or not count or identifier in self._passes:
                continue
            after, newest = self._counted.get(channel.id, (0, 0))
            if channel.id in self._counted:
                fresh, _ = world.txn.unread((channel.id,), newest, ())
                if fresh <= min(count // SLACK, MOST_FRESH):
                    continue
            greatest = world.txn.newest((channel.id,))
            self._passes[channel.id] = Pass(left=count, after=after, newest=0 if greatest is None else greatest[1])
            self._again(world.now)

    def _count(self, channel: Channel, under_way: Pass) -> None:
        whole = self._find_floor(channel, under_way) if under_way.floor is None else self._drop_older(channel, under_way)
        if whole:
            after = under_way.after if under_way.kept_after is None else under_way.kept_after
            self._counted[channel.id] = (after, under_way.newest)
            del self._passes[channel.id]
        else:
            self._again(self._world.now + SWEEP_PAUSE_MS)

    def _find_floor(self, channel: Channel, under_way: Pass) -> bool:
        """Whether there are not so many messages here."""
        found = self._world.txn.timeline((channel.id,), before=under_way.place, after=None, limit=SWEEP_BODIES)
        for entry, _ in reversed(found):
            under_way.place = Position(ets=entry.ets, id=entry.id)
            under_way.left -= not entry.notice
            if not under_way.left:
                under_way.floor = (entry.ets, entry.id)
                return False
        return len(found) < SWEEP_BODIES

    def _drop_older(self, channel: Channel, under_way: Pass) -> bool:
        """Whether that was all."""
        assert under_way.floor is not None
        found = self._world.txn.arrivals(channel.id, Log.CONTENT, under_way.after, SWEEP_BODIES)
        for arrival, record in found:
            is_here = record.body is not None
            if (record.header.ets, record.id) >= under_way.floor or (is_here and self._is_waited_for(record)):
                goes_later = is_here or record.absence is Absence.MISSING
            else:
                goes_later = record.absence is Absence.MISSING
                if is_here and not _stays(record):
                    self._drop_with_edits(channel, record)
            if goes_later and under_way.kept_after is None:
                under_way.kept_after = under_way.after
            under_way.after = arrival
        return len(found) < SWEEP_BODIES

    def _drop_with_edits(self, channel: Channel, record: Record) -> None:
        """A later edit is another text of the same message."""
        self._bodies.drop(channel, record.id, Absence.LOCAL)
        for edit in self._world.txn.references(record.id, MAX_REFERENCES, kinds=(EDIT.number,)):
            if edit.body is not None and len(acts_of(edit)) == 1 and not self._is_waited_for(edit):
                self._bodies.drop(channel, edit.id, Absence.LOCAL)


def _stays(record: Record) -> bool:
    """What takes texts away stays for good: else they would come back."""
    return any(isinstance(act, Redact) for act in acts_of(record))
