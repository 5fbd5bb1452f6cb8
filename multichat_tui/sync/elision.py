"""Elision: a record on the wire without what its reader can rebuild, and the record back from that.

Full: header (about 250 bytes), signature, body. Elided: place, time, eight bytes of the id, signature, body. The id covers every
header byte, so a wrong guess shows as a mismatch: then the full form is asked for, without blame.
"""

from collections.abc import Callable

from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.frames import ElidedItem, FullItem, Item, Prefix, Ref
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId
from multichat_tui.model.limits import MAX_HEADER_BYTES
from multichat_tui.model.records import (
    Header,
    Kind,
    Record,
    assemble,
    body_hash,
    decode_record,
    encode_header,
    expected_ets,
    known_whole,
    shape_fault,
    size_bucket,
)
from multichat_tui.model.values import dataclass

EXPECTED_KIND = {Log.CONTROL: Kind.CONTROL, Log.CONTENT: Kind.CONTENT}


class DeviceTable:
    """The devices that one frame names, by the order of their first use."""

    __slots__ = ("_indexes", "prefixes")

    def __init__(self) -> None:
        self.prefixes: list[Prefix] = []
        self._indexes: dict[Prefix, int] = {}

    def index(self, device: bytes) -> int:
        prefix = device[:PREFIX_SIZE]
        index = self._indexes.get(prefix)
        if index is None:
            index = self._indexes[prefix] = len(self.prefixes)
            self.prefixes.append(prefix)
        return index


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record stands, and its ets."""

    device: DeviceId
    seq: int
    ets: int
    forked: bool = False
    """In a chain known to fork: the place does not say which record is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A record cannot be rebuilt or delivered before these: places in chains, and ids.

    Where the record itself is known, `id` and `device` say which and whose; `branch` is its prev if that is what is missing of a
    chain that is held up to there: its branch begins further down.
    """

    places: tuple[tuple[Log, Prefix, int], ...] = ()
    ids: tuple[RecordId, ...] = ()
    id: RecordId | None = None
    device: DeviceId | None = None
    branch: tuple[Log, Prefix, int, RecordId] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The expected values were not the author's: the full form is needed."""

    log: Log
    device: Prefix
    seq: int


def full(record: Record) -> FullItem:
    return FullItem(header_bytes=record.header_bytes, signature=record.signature, body=record.body)


def elide(
    record: Record,
    table: DeviceTable,
    place: Callable[[RecordId], Place | None],
    prev_control_heads: tuple[RecordId, ...] | None,
) -> Item:
    """The shortest form of a record. `place` tells where a held record stands; `prev_control_heads` are those of its prev."""
    header = record.header
    if record.body is None or header.channel is None or header.version != 1 or not known_whole(record):
        return full(record)
    before = [place(identifier) for identifier in (*header.parents, *header.control_heads)]
    places = [found for found in before if found is not None]
    if len(places) < len(before):
        return full(record)
    usual_parents = () if header.prev is None else (header.prev,)
    parents, heads = None, None
    if header.parents != usual_parents:
        parents = _refs(places[: len(header.parents)], table)
    if header.control_heads != prev_control_heads:
        heads = _refs(places[len(header.parents) :], table)
    named = (() if parents is None else places[: len(header.parents)], () if heads is None else places[len(header.parents) :])
    if any(found.forked for group in named for found in group):
        return full(record)
    expected = expected_ets(header.timestamp_ms, (found.ets for found in places))
    return ElidedItem(
        device=table.index(header.device),
        log=header.log,
        seq=header.seq,
        timestamp_ms=header.timestamp_ms,
        check=record.id[:PREFIX_SIZE],
        signature=record.signature,
        body=record.body,
        parents=parents,
        control_heads=heads,
        ets=None if header.ets == expected else header.ets,
        kind=None if header.kind == EXPECTED_KIND[header.log] else header.kind,
        expires_ms=header.expires_ms,
        recipients=header.recipients,
    )


def _refs(places: list[Place], table: DeviceTable) -> tuple[Ref, ...]:
    return tuple(Ref(device=table.index(found.device), seq=found.seq) for found in places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a reader knows of a channel: how places are looked up while rebuilding."""

    channel: ChannelId
    device: Callable[[Prefix], DeviceId | None]
    at: Callable[[Log, Prefix, int], RecordId | None]
    """The id of the held record at a place."""
    ets: Callable[[RecordId], int]
    """Of a held record."""
    control_heads: Callable[[RecordId], tuple[RecordId, ...]]
    """Of a held record."""


def restore(item: Item, devices: tuple[Prefix, ...], around: Surroundings) -> Record | Missing | Mismatch | Rejected:
    """The record of an item; its signature is not verified, its dependencies are known for the elided form only."""
    if isinstance(item, FullItem):
        return decode_record(item.header_bytes, item.signature, item.body)
    prefix = devices[item.device]
    device = around.device(prefix)
    if device is None:
        return Rejected(Reason.UNKNOWN, "a device that the channel does not know")
    missing: list[tuple[Log, Prefix, int]] = []

    def resolve(log: Log, place: Prefix, seq: int) -> RecordId | None:
        found = around.at(log, place, seq)
        if found is None:
            missing.append((log, place, seq))
        return found

    prev = resolve(item.log, prefix, item.seq - 1) if item.seq else None
    parents = None if item.parents is None else [resolve(item.log, devices[ref.device], ref.seq) for ref in item.parents]
    heads = (
        None if item.control_heads is None else [resolve(Log.CONTROL, devices[ref.device], ref.seq) for ref in item.control_heads]
    )
    if missing:
        return Missing(places=tuple(missing))
    parent_ids = tuple(sorted(p for p in parents if p)) if parents is not None else ((prev,) if prev else ())
    if heads is not None:
        head_ids = tuple(sorted(h for h in heads if h))
    else:
        head_ids = around.control_heads(prev) if prev is not None and item.log == Log.CONTENT else ()
    header = Header(
        kind=EXPECTED_KIND[item.log] if item.kind is None else item.kind,
        channel=around.channel,
        log=item.log,
        device=device,
        seq=item.seq,
        prev=prev,
        parents=parent_ids,
        control_heads=head_ids,
        timestamp_ms=item.timestamp_ms,
        ets=expected_ets(item.timestamp_ms, map(around.ets, (*parent_ids, *head_ids))) if item.ets is None else item.ets,
        expires_ms=item.expires_ms,
        recipients=item.recipients,
        body_hash=body_hash(item.body) if len(item.body) >= 32 else bytes(32),
        body_size_bucket=size_bucket(len(item.body)),
    )
    fault = shape_fault(header)
    if fault is not None:
        return fault
    header_bytes = encode_header(header)
    if len(header_bytes) > MAX_HEADER_BYTES:
        # What `decode_header` would refuse must not come in by the short way: no reader could take it from the database again.
        return Rejected(Reason.LIMIT, "header size")
    record = assemble(header, header_bytes, item.signature, item.body)
    if isinstance(record, Record) and record.id[:PREFIX_SIZE] != item.check:
        return Mismatch(log=item.log, device=prefix, seq=item.seq)
    return record
