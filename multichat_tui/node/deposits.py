"""Deposits: parcels that were sealed for a device and go to its mailboxes; how far each has come.

A row is kept until the device is known to hold what it covers, or its time is over. The sealed bytes stand apart, so that looking
at rows does not read them.
"""

from collections.abc import Iterator
from dataclasses import field
from enum import IntEnum

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, ChannelId, DeviceId, Log
from multichat_tui.model.limits import (
    DEPOSIT_MS,
    GATHER_FROM,
    GATHER_MS,
    MAX_COVERS,
    MAX_DEPOSIT_BYTES_PER_DEVICE,
    MAX_DEPOSIT_TARGETS,
    MAX_DEPOSITS_PER_DEVICE,
    MAX_GATHER_MS,
    MAX_INTEGER,
    MAX_PUT_RETRY_MS,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.mailboxes import QUEUE_ID_BYTES, MailboxId, QueueId
from multichat_tui.model.parcels import Cover, covers_of
from multichat_tui.model.ports import Space, Transaction
from multichat_tui.model.schema import as_bool, as_bytes, as_enum, as_id, as_int, as_list, read
from multichat_tui.model.values import dataclass

SERIAL_BYTES = 8
MAX_ROW_BYTES = 128 * MAX_COVERS


class Stage(IntEnum):
    """How far a deposit has come at one mailbox."""

    WAITING = 0
    """To be put there."""
    STORED = 1
    """It has given its receipt."""
    REFUSED = 2
    """It will not have it; another one is tried."""
    GONE = 3
    """It had it and has it no more: fetched, or lost."""


@dataclass(slots=True, kw_only=True)
class Target:
    """One queue of the device, at one mailbox."""

    mailbox: MailboxId
    queue: QueueId
    stage: Stage = Stage.WAITING
    at_ms: int = 0
    """Since when it stands so; or when it is tried again."""
    tries: int = 0
    asked: bool = False
    """An answer is under way. Not stored."""
    collected: bool = False
    """The mailbox says that its owner has taken it."""

    @property
    def counts(self) -> bool:
        """It has it, or nothing is known against its taking it soon."""
        return self.stage is Stage.STORED or (self.stage is Stage.WAITING and not self.tries)

    def as_value(self) -> Value:
        return [self.mailbox, self.queue, self.stage.value, self.at_ms, self.tries, self.collected]


@dataclass(slots=True, kw_only=True)
class Deposit:
    device: DeviceId
    serial: int
    covers: tuple[Cover, ...]
    """Empty: nobody will say that it has come."""
    made_ms: int
    expires_ms: int
    size: int
    """Of what is sealed, in bytes."""
    wanted: int
    """At how many mailboxes it is to lie."""
    targets: list[Target] = field(default_factory=list)
    frozen: bool = False
    """Something in it was taken away since: it is put nowhere any more."""
    checked_ms: int = 0
    """When mailboxes were last asked whether they still have it."""
    failed: list[MailboxId] = field(default_factory=list)
    """Those in whose place others were taken, as they were silent or had lost it."""
    told: int = 0
    """At how many it lay when it was kept last. Not stored."""

    @property
    def stored(self) -> int:
        return sum(target.stage is Stage.STORED for target in self.targets)

    @property
    def settled(self) -> bool:
        """It lies wherever it is to lie."""
        return self.stored >= self.wanted

    @property
    def collected(self) -> bool:
        """A mailbox says that its owner has taken it, and none has it any more."""
        gone = not any(target.counts for target in self.targets)
        return gone and any(target.stage is Stage.GONE and target.collected for target in self.targets)

    @property
    def name(self) -> bytes:
        return self.device + self.serial.to_bytes(SERIAL_BYTES, "big")

    def encoded(self) -> bytes:
        covers = [cover.as_value() for cover in self.covers]
        targets = [target.as_value() for target in self.targets]
        failed: list[Value] = [list(self.failed)] if self.failed else []
        fields: list[Value] = [
            self.made_ms,
            self.expires_ms,
            self.size,
            self.wanted,
            covers,
            targets,
            self.checked_ms,
            self.frozen,
        ]
        return encode([*fields, *failed])


def decode_deposit(name: bytes, value: bytes) -> Deposit | Rejected:
    def build(parts: Value) -> Deposit:
        fields = as_list(parts, "deposit", 9, 8)
        return Deposit(
            device=DeviceId(name[:ID_SIZE]),
            serial=int.from_bytes(name[ID_SIZE:], "big"),
            made_ms=as_int(fields[0], "made", MAX_TIMESTAMP_MS),
            expires_ms=as_int(fields[1], "expires", MAX_TIMESTAMP_MS),
            size=as_int(fields[2], "size", MAX_INTEGER),
            wanted=as_int(fields[3], "wanted", MAX_DEPOSIT_TARGETS),
            covers=covers_of(fields[4]),
            targets=[_target(each) for each in as_list(fields[5], "targets", MAX_DEPOSIT_TARGETS)],
            checked_ms=as_int(fields[6], "checked", MAX_TIMESTAMP_MS),
            frozen=as_bool(fields[7], "frozen"),
            failed=[
                MailboxId(as_id(each, "mailbox")) for part in fields[8:] for each in as_list(part, "failed", MAX_DEPOSIT_TARGETS)
            ],
        )

    return read(value, MAX_ROW_BYTES, build)


def _target(value: Value) -> Target:
    parts = as_list(value, "target", 6, 5)
    return Target(
        mailbox=MailboxId(as_id(parts[0], "mailbox")),
        queue=QueueId(as_bytes(parts[1], "queue", QUEUE_ID_BYTES, QUEUE_ID_BYTES)),
        stage=as_enum(parts[2], "stage", Stage),
        at_ms=as_int(parts[3], "at", MAX_TIMESTAMP_MS),
        tries=as_int(parts[4], "tries", MAX_INTEGER),
        collected=len(parts) > 5 and as_bool(parts[5], "collected"),
    )


class Deposits:
    """All that are under way, by device; in memory and in the store alike."""

    def __init__(self) -> None:
        self._rows: dict[DeviceId, dict[int, Deposit]] = {}
        self._next = 0
        self.refusals: dict[tuple[DeviceId, MailboxId], Word | None] = {}
        """With what word a mailbox has refused what is for a device, since it took something for it last; None: it said nothing.
        Not stored."""
        self.changes = 0
        """Counts up whenever a row is added, is changed or goes."""
        self.size = 0
        """Bytes of all that is sealed."""
        self.fewer: list[Deposit] = []
        """What lies at fewer mailboxes, or is gone, since this was emptied."""

    def load(self, txn: Transaction, now: int) -> None:
        """What a clock that was ahead has put off is due again as if that had been now."""
        self._rows.clear()
        self.changes += 1
        self.size = 0
        for name, value in txn.scan(Space.DEPOSIT):
            row = decode_deposit(name, value)
            if isinstance(row, Rejected):
                txn.delete(Space.DEPOSIT, name)
                txn.delete(Space.SEALED, name)
                continue
            row.made_ms, row.checked_ms = min(row.made_ms, now), min(row.checked_ms, now)
            row.expires_ms = min(row.expires_ms, now + DEPOSIT_MS)
            for target in row.targets:
                target.at_ms = min(target.at_ms, now + (MAX_PUT_RETRY_MS if target.stage is Stage.WAITING else 0))
            row.told = row.stored
            self._rows.setdefault(row.device, {})[row.serial] = row
            self._next = max(self._next, row.serial + 1)
            self.size += row.size

    def __bool__(self) -> bool:
        return bool(self._rows)

    @property
    def devices(self) -> tuple[DeviceId, ...]:
        return tuple(self._rows)

    def of(self, device: DeviceId) -> list[Deposit]:
        """The older first."""
        return list(self._rows.get(device, {}).values())

    def all(self) -> list[Deposit]:
        return [row for rows in self._rows.values() for row in rows.values()]

    def has(self, row: Deposit) -> bool:
        """It is still under way."""
        return self._rows.get(row.device, {}).get(row.serial) is row

    def full(self, device: DeviceId) -> bool:
        """As much is under way to a device as may be before it acknowledges some."""
        rows = self.of(device)
        return len(rows) >= MAX_DEPOSITS_PER_DEVICE or sum(row.size for row in rows) >= MAX_DEPOSIT_BYTES_PER_DEVICE

    def gathers_until(self, device: DeviceId, now: int) -> int:
        """Until when what is written to a device is gathered, as much is under way to it; 0: it goes at once."""
        rows = self.of(device)
        if len(rows) < GATHER_FROM:
            return 0
        return min(now, rows[-1].made_ms) + min(MAX_GATHER_MS, GATHER_MS << ((len(rows) - GATHER_FROM) // 2))

    def covers(self, device: DeviceId) -> list[Cover]:
        return [cover for row in self.of(device) for cover in row.covers]

    def add(
        self, txn: Transaction, device: DeviceId, sealed: bytes, covers: tuple[Cover, ...], now: int, expires_ms: int, wanted: int
    ) -> Deposit:
        row = Deposit(
            device=device,
            serial=self._next,
            covers=covers,
            made_ms=now,
            expires_ms=expires_ms,
            size=len(sealed),
            wanted=wanted,
            checked_ms=now,
        )
        self._next += 1
        self.changes += 1
        self.size += row.size
        self._rows.setdefault(device, {})[row.serial] = row
        txn.put(Space.SEALED, row.name, sealed)
        txn.put(Space.DEPOSIT, row.name, row.encoded())
        return row

    def note_failed(self, row: Deposit, mailbox: MailboxId) -> None:
        """To be kept with the row."""
        if mailbox not in row.failed and len(row.failed) < MAX_DEPOSIT_TARGETS:
            row.failed.append(mailbox)

    def keep(self, txn: Transaction, row: Deposit) -> None:
        """It has changed."""
        self.changes += 1
        self._tell(row, row.stored)
        if row.serial in self._rows.get(row.device, {}):
            txn.put(Space.DEPOSIT, row.name, row.encoded())

    def _tell(self, row: Deposit, stored: int) -> None:
        if stored < row.told:
            self.fewer.append(row)
        row.told = stored

    def sealed(self, txn: Transaction, row: Deposit) -> bytes | None:
        return txn.get(Space.SEALED, row.name)

    def remove(self, txn: Transaction, row: Deposit) -> None:
        rows = self._rows.get(row.device, {})
        if rows.pop(row.serial, None) is None:
            return
        self.changes += 1
        self._tell(row, 0)
        if not rows:
            del self._rows[row.device]
        self.size -= row.size
        txn.delete(Space.DEPOSIT, row.name)
        txn.delete(Space.SEALED, row.name)

    def copies(self, device: DeviceId, channel: ChannelId, author: DeviceId, seq: int) -> tuple[int, int]:
        """At how many mailboxes a record of a content chain lies for a device, of how many; (0, 0) if it is in no deposit."""
        found = self._with(device, channel, author, seq)
        return max(((min(row.stored, row.wanted), row.wanted) for row in found), default=(0, 0))

    def was_collected(self, device: DeviceId, channel: ChannelId, author: DeviceId, seq: int) -> bool:
        """Whether the device has taken a record of a content chain out of its mailboxes, as these say."""
        return any(row.collected for row in self._with(device, channel, author, seq))

    def spans(self, device: DeviceId, channel: ChannelId, author: DeviceId) -> list[tuple[int, int]]:
        """(first, last) of what lies at mailboxes for a device, of a content chain."""
        return sorted(
            (cover.first, cover.last)
            for row in self._rows.get(device, {}).values()
            if row.stored
            for cover in row.covers
            if cover.channel == channel and cover.log is Log.CONTENT and cover.device[:PREFIX_SIZE] == author[:PREFIX_SIZE]
        )

    def failed(self, device: DeviceId, channel: ChannelId, author: DeviceId, seq: int) -> tuple[MailboxId, ...]:
        """The mailboxes that were to keep such a record, and have not taken it, are silent, or had it no more."""
        rows = list(self._with(device, channel, author, seq))
        targets = [target for row in rows for target in row.targets]
        failed = [mailbox for row in rows for mailbox in row.failed]
        failed += [
            each.mailbox for each in targets if each.stage is Stage.REFUSED or (each.stage is Stage.WAITING and each.tries)
        ]
        return tuple(dict.fromkeys(failed))

    def _with(self, device: DeviceId, channel: ChannelId, author: DeviceId, seq: int) -> Iterator[Deposit]:
        for row in self._rows.get(device, {}).values():
            for cover in row.covers:
                same = (
                    cover.channel == channel and cover.log is Log.CONTENT and cover.device[:PREFIX_SIZE] == author[:PREFIX_SIZE]
                )
                if same and cover.first <= seq <= cover.last:
                    yield row
                    break
