"""What this profile keeps: texts that came longer ago than its user wants go from here, and from here alone.

By the order in which they came, a slice at a time. What others still have to get from here stays until they have it, and what
takes texts away stays for good.
"""

from multichat_tui.model.acts import Redact
from multichat_tui.model.ids import ChannelId, Log
from multichat_tui.model.intents import DAY_MS
from multichat_tui.model.keeping import SETTING, parse_keeping
from multichat_tui.model.limits import SWEEP_BODIES, SWEEP_PAUSE_MS
from multichat_tui.model.ports import Space
from multichat_tui.model.records import Absence, Record
from multichat_tui.model.snapshots import Delivery
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.bodies import Bodies
from multichat_tui.node.message_rows import MessageRows
from multichat_tui.node.world import Channel, World


class Keeping:
    def __init__(self, world: World, bodies: Bodies, rows: MessageRows) -> None:
        self._world = world
        self._bodies = bodies
        self._rows = rows
        self._after: dict[ChannelId, int] = {}
        """Up to which arrival was looked, since the start or the last change of the setting."""
        self._at: int | None = world.now

    def tick(self) -> None:
        """At the end of a batch."""
        world = self._world
        if world.keeping_changed:
            world.keeping_changed = False
            self._after.clear()
            self._at = world.now
        if self._at is None or self._at > world.now:
            return
        self._at = None
        try:
            span_ms = parse_keeping((world.txn.get(Space.SETTING, SETTING.encode()) or b"all").decode()) * DAY_MS
        except ValueError:
            return
        for channel in list(world.channels.values()) if span_ms else ():
            self._look(channel, span_ms)

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
        if any(isinstance(act, Redact) for act in acts_of(record)):
            return True
        row = self._rows.message(record.id) if record.header.device == self._world.identity.device else None
        return row is not None and row.state in (Delivery.QUEUED, Delivery.SOME)

    def _again(self, at: int) -> None:
        self._at = at if self._at is None else min(self._at, at)

    def wake_times(self) -> list[int]:
        return [] if self._at is None else [self._at]
