"""Texts taken away, few or many: many targets become several records, written a few at a time, so that nothing waits for them."""

from collections.abc import Iterable

from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.intents import Accepted, PurgeMessages, RedactMessages
from multichat_tui.model.limits import MAX_TARGETS, PURGE_RECORDS, SWEEP_PAUSE_MS
from multichat_tui.model.snapshots import PURGING, Membership
from multichat_tui.model.values import dataclass
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.moderating import clean_reason
from multichat_tui.node.redacting import Redacting
from multichat_tui.node.world import Channel, World


@dataclass(slots=True)
class _Purge:
    """What is still to be taken away, under one reason."""

    channel: ChannelId
    targets: list[RecordId]
    total: int
    reason: str


class Purging:
    """What is under way is not kept: after a new start the user begins what is left anew."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self._choosing = Redacting(world)
        self._purges: list[_Purge] = []
        self._next_at: int | None = None

    def begin(self, intent: RedactMessages | PurgeMessages) -> Accepted:
        """`errors.IntentRefused`, `errors.NotFound`: nothing has changed."""
        reason = clean_reason(intent.reason)
        match intent:
            case RedactMessages():
                channel, targets = self._choosing.chosen(intent)
            case PurgeMessages():
                channel, targets = self._choosing.written(intent)
        return self._begin(channel, targets, reason)

    def _begin(self, channel: Channel, targets: Iterable[RecordId], reason: str) -> Accepted:
        purge = _Purge(channel=channel.id, targets=list(targets), total=0, reason=reason)
        purge.total = len(purge.targets)
        record = self._write_next(channel, purge)
        if purge.targets:
            self._purges.append(purge)
            self._next_at = self._world.now + SWEEP_PAUSE_MS
            self._tell(purge)
        return Accepted(record=record, channel=channel.id)

    def _write_next(self, channel: Channel, purge: _Purge) -> RecordId:
        chunk, purge.targets = tuple(purge.targets[:MAX_TARGETS]), purge.targets[MAX_TARGETS:]
        return self._ledger.author(channel, Log.CONTENT, (self._choosing.act(channel, chunk, purge.reason),)).id

    def tick(self) -> None:
        """At the end of a batch: a few more records of what is under way."""
        world = self._world
        if self._next_at is None or self._next_at > world.now:
            return
        purge = self._purges[0]
        channel = world.channels.get(purge.channel)
        try:
            for _ in range(PURGE_RECORDS):
                if channel is None or channel.standing.membership is not Membership.JOINED:
                    purge.targets.clear()
                if not purge.targets or channel is None:
                    break
                self._write_next(channel, purge)
        except IntentRefused:
            # The right to it has gone meanwhile.
            purge.targets.clear()
        self._tell(purge)
        if not purge.targets:
            self._purges.pop(0)
        self._next_at = world.now + SWEEP_PAUSE_MS if self._purges else None

    def _tell(self, purge: _Purge) -> None:
        done = purge.total - len(purge.targets)
        self._world.tell_progress(f"purge {purge.channel.hex()}", PURGING, done, purge.total)

    def wake_times(self) -> list[int]:
        return [] if self._next_at is None else [self._next_at]
