"""Bodies apart from headers: which are kept of what comes, which are lacking and asked for, and which are sent to whom.

The rule: a body is gone for a reason that everybody can see (`channel.bodies.excuse`), or it is missing. What is missing is asked
of every peer in turn, whoever withheld it, and taken from whoever has it: a record's id vouches for its body.
"""

from collections.abc import Callable
from dataclasses import replace

from multichat_tui.channel.bodies import excuse, expires_at, retention_of
from multichat_tui.channel.resources import registry
from multichat_tui.model.act_bytes import decode_acts
from multichat_tui.model.acts import Act, Message, Redact, act_type
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.codec import Rejected
from multichat_tui.model.frames import Request
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.limits import (
    MAX_LACKING_BODIES,
    MAX_TIMESTAMP_MS,
    MIN_LIFE_MS,
    SALT_BYTES,
    SWEEP_BODIES,
    SWEEP_EVERY_MS,
    SWEEP_PAUSE_MS,
)
from multichat_tui.model.ports import Transaction
from multichat_tui.model.records import Absence, Kind, Record
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.redacted import goes_with, redaction_of, told_about
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import chain_key
from multichat_tui.sync.session import Session

BODILESS_VERSION = 4
"""The first version of the link protocol that takes a record without its body."""


def load_lacking(txn: Transaction, channel: Channel, now: int) -> None:
    """What is stored of the bodies that a channel lacks."""
    for identifier in txn.missing_bodies(channel.id, MAX_LACKING_BODIES):
        record = txn.record(identifier)
        if record is not None:
            channel.lacking.add(identifier, chain_key(record.header), record.header.seq, now)


class Bodies:
    def __init__(self, world: World) -> None:
        self._world = world
        self._next_at = world.txn.next_expiry()
        """When the next body expires."""
        self._swept_at = 0
        self.on_expiry: Callable[[Channel, Record], None] = lambda channel, record: None
        """The time of a held record is over, its body is still here; set by the ledger."""
        self.on_filled: Callable[[Channel, Record, tuple[Act, ...]], None] = lambda channel, record, acts: None
        """A missing body has come; set by the ledger."""
        self.on_gone_with: Callable[[Channel, RecordId, Record], None] = lambda channel, target, record: None
        """A text went with that of what it tells about; set by `redactions`."""
        self.on_gone: Callable[[Channel, Record], None] = lambda channel, record: None
        """A body is gone, or it is known why it is not here; set by the ledger."""

    # What is kept

    def excuse(self, channel: Channel, record: Record) -> Absence | None:
        """Why this node need not, and does not, keep the body of a record."""
        return excuse(
            record.header,
            now=self._world.now,
            reader=self._world.identity.user,
            author=channel.control.user_of(record.header.device),
            redacted=redaction_of(self._world.txn, channel, record) is not None,
            retention_ms=retention_of(channel.control, record.header),
        )

    def due(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> int | None:
        """When the body of a record expires. What takes texts away stays: else they would come back. Its author gives
        that no end, so a record without end whose body is not here may be such: no rule says that it need not be here."""
        due = expires_at(record.header, retention_of(channel.control, record.header))
        if due is None:
            return None
        if all(isinstance(act, Redact) for act in acts) and (acts or record.header.expires_ms is None):
            return None
        return due

    def as_kept(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> tuple[Record, tuple[Act, ...]]:
        """What is to be stored of a record that is about to be delivered."""
        if record.body is not None and self._stays(channel, record) and not channel.redacts and _is_mere(acts):
            # Nearly every record.
            return record, acts
        absence = self.excuse(channel, record)
        if absence is Absence.EXPIRED and self.due(channel, record, acts) is None:
            absence = None
        if absence is None and goes_with(self._world.txn, channel, record, acts) is not None:
            absence = Absence.REDACTED
        if absence is not None:
            if absence is Absence.NOT_FOR_US and record.body is not None:
                self._world.count("body-not-for-us")
            return replace(record, body=None, absence=absence), ()
        if record.body is None:
            return replace(record, absence=absence or Absence.MISSING), ()
        return record, acts

    def _stays(self, channel: Channel, record: Record) -> bool:
        """Whether it is for all, for good."""
        header = record.header
        return header.expires_ms is None and header.recipients is None and not retention_of(channel.control, header)

    def kept(self, channel: Channel, record: Record, acts: tuple[Act, ...]) -> None:
        """It was stored: note what follows from its body, or from there being none. `acts`: what it said when it came."""
        if record.absence is Absence.MISSING:
            channel.lacking.add(record.id, chain_key(record.header), record.header.seq, self._world.now)
        due = self.due(channel, record, acts)
        if due is not None and record.absence is not Absence.EXPIRED:
            self._expires(record.id, due)
        targets = told_about(acts) if record.absence is Absence.REDACTED else ()
        if targets:
            # If the redaction turns out to be void, this is found again.
            self._world.txn.refer(record.id, [(target, act_type(act)) for target, act in zip(targets, acts, strict=True)])
            self.on_gone_with(channel, targets[0], record)

    def _expires(self, record: RecordId, due: int) -> None:
        self._world.txn.expire_at(record, due)
        self._next_at = due if self._next_at is None else min(self._next_at, due)

    def hear(self, channel: Channel, record: Record) -> None:
        """A record that is held already has come again: it may bring the body that is lacking."""
        if record.id not in channel.lacking:
            return
        world = self._world
        if record.body is None:
            channel.lacking.denied(record.id, world.now)
            return
        held = world.txn.record(record.id)
        if held is None or held.absence is not Absence.MISSING:
            channel.lacking.remove(record.id)
            return
        acts: tuple[Act, ...] | Rejected = ()
        if record.header.kind != Kind.MERGE:
            acts = decode_acts(record.body[SALT_BYTES:], record.header.log)
        absence = self.excuse(channel, record)
        due = None if isinstance(acts, Rejected) or not acts else self.due(channel, record, acts)
        if absence is not None and not (absence is Absence.EXPIRED and acts and not isinstance(acts, Rejected) and due is None):
            self.drop(channel, record.id, absence)
            return
        if not isinstance(acts, Rejected) and goes_with(world.txn, channel, record, acts) is not None:
            self.drop(channel, record.id, Absence.REDACTED)
            self.kept(channel, replace(held, absence=Absence.REDACTED), acts)
            return
        channel.lacking.remove(record.id)
        if isinstance(acts, Rejected):
            # Its author has signed what nobody can read; nobody else will have another body for it.
            world.count("record-acts")
            return
        world.txn.fill_body(record.id, record.body)
        if due is not None:
            self._expires(record.id, due)
        self.on_filled(channel, replace(held, body=record.body, absence=None), acts)

    def drop(self, channel: Channel, record: RecordId, absence: Absence) -> None:
        """The body of a held record goes, or the reason why it is not here becomes another one."""
        world = self._world
        held = world.txn.record(record)
        if held is None or held.absence is absence:
            return
        # What it acted on is another thing without it.
        world.acted_on.update((target, channel.id) for target, _ in registry().targets(acts_of(held)))
        world.txn.drop_body(record, absence)
        gone = replace(held, body=None, absence=absence)
        if absence is Absence.MISSING:
            channel.lacking.add(record, chain_key(held.header), held.header.seq, world.now)
        else:
            channel.lacking.remove(record)
        self.on_gone(channel, gone)

    # What is sent

    def as_sent(self, session: Session, channel: Channel, record: Record) -> Record:
        """A record as this peer may have it: what is due to go is not given to anybody, swept or not."""
        if record.body is None:
            return record
        absence = excuse(
            record.header,
            now=self._world.now,
            reader=session.user or self._world.identity.user,
            author=channel.control.user_of(record.header.device),
            # What is redacted has lost its body at once.
            redacted=False,
            retention_ms=retention_of(channel.control, record.header),
        )
        if absence is None or (absence is Absence.EXPIRED and self.due(channel, record, acts_of(record)) is None):
            return record
        return replace(record, body=None, absence=absence)

    # What expires

    def life(self, channel: Channel, acts: tuple[Act, ...], wish_ms: int) -> int | None:
        """Until when what is written now is to be kept by everybody: as its author wishes (0: no wish), no longer than the
        channel keeps anything, and no longer than what it tells about."""
        now, txn = self._world.now, self._world.txn
        ends = [now + wish_ms] if wish_ms else []
        keeps = channel.view.setting(SettingKey.RETENTION)
        if all(isinstance(act, Redact) for act in acts):
            return None
        ends += [now + max(MIN_LIFE_MS, keeps)] if keeps else []
        for target in told_about(acts):
            held = txn.record(target)
            due = None if held is None else expires_at(held.header, retention_of(channel.control, held.header))
            ends += [] if due is None else [max(now + MIN_LIFE_MS, due)]
        return min((*ends, MAX_TIMESTAMP_MS - 1)) if ends else None

    def sweep(self) -> None:
        """At the end of a batch: a slice of what is due goes."""
        world = self._world
        if self._next_at is None or self._next_at > world.now or self._swept_at + SWEEP_PAUSE_MS > world.now:
            return
        for identifier in world.txn.expired(world.now, SWEEP_BODIES):
            record = world.txn.record(identifier)
            channel = None if record is None else world.channels.get(record.channel)
            if record is not None and channel is not None:
                self.on_expiry(channel, record)
                self.drop(channel, identifier, Absence.EXPIRED)
            world.txn.done_expiring(identifier)
        self._swept_at, self._next_at = world.now, world.txn.next_expiry()

    # What is lacking

    def linked(self, session: Session) -> None:
        """A peer that may have what is lacking."""
        for channel in self._world.channels.values():
            if len(channel.lacking) and channel.serves(session.device):
                channel.lacking.linked(self._world.now)

    def unlinked(self, session: Session) -> None:
        for channel in self._world.channels.values():
            channel.lacking.unlinked(session.link)

    def ask(self) -> None:
        """At the end of a batch: ask for what is due to be asked for."""
        world = self._world
        for channel in world.channels.values():
            at = channel.lacking.next_at
            if at is None or at > world.now or not channel.hears:
                continue
            sessions = [session for session in world.peers() if channel.serves(session.device) and not session.closing]
            for session, due in channel.lacking.plan(sessions, world.now):
                world.send(session, Request(channel=channel.id[:PREFIX_SIZE], ids=due))

    def wake_times(self) -> list[int]:
        pause = SWEEP_EVERY_MS
        if self._next_at is not None and self._next_at <= self._world.now:
            pause = SWEEP_PAUSE_MS
        sweeps = [] if self._next_at is None else [max(self._next_at, self._swept_at + pause)]
        return sweeps + [
            channel.lacking.next_at
            for channel in self._world.channels.values()
            if channel.lacking.next_at is not None and channel.hears
        ]


def is_whole(record: Record, version: int) -> bool:
    """Whether a peer of this version of the link protocol takes the record as it is."""
    return record.body is not None or version >= BODILESS_VERSION or record.header.log is Log.CONTROL


def _is_mere(acts: tuple[Act, ...]) -> bool:
    """One message, which is about no other record."""
    return len(acts) == 1 and type(acts[0]) is Message
