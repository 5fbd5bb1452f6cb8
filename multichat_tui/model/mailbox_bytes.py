"""The mailbox's frames as bytes: `frame_bytes` hands them over (docs/protocol/mailbox-protocol.md)."""

from collections.abc import Mapping
from typing import assert_never

from multichat_tui.model.codec import Value
from multichat_tui.model.limits import (
    MAX_ALLOWED_AT_ONCE,
    MAX_DELETED_AT_ONCE,
    MAX_ENVELOPE_BYTES,
    MAX_FETCHED_AT_ONCE,
    MAX_FRAME_BYTES,
    MAX_HAS_AT_ONCE,
    MAX_INTEGER,
    MAX_LISTED_ENVELOPES,
    MAX_QUEUE_BYTES,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.mailbox_frames import (
    WRITER_PREFIX_BYTES,
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    DepositReceipt,
    Envelopes,
    FetchedEnvelope,
    FetchEnvelopes,
    GrantUsage,
    HasEnvelopes,
    ListedEnvelope,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxFrame,
    MailboxFrameType,
    OpenQueue,
    PutEnvelope,
    ShowGrant,
    ShowWriter,
    TakeQueue,
    Word,
    WriterPrefix,
)
from multichat_tui.model.mailboxes import as_queue_id
from multichat_tui.model.records import SIGNATURE_BYTES
from multichat_tui.model.schema import Malformed, as_bool, as_bytes, as_enum, as_id, as_int, as_list, as_text

NONCE_BYTES = 32
MAX_WORD_CHARACTERS = 32


def mailbox_value(frame: MailboxFrame) -> Value:
    """The frame as a value to be encoded."""
    fields: dict[int, Value] = {0: _TYPES[type(frame)].value, 1: frame.number}
    match frame:
        case ShowGrant():
            fields |= {2: frame.grant, 3: frame.signature}
        case OpenQueue():
            fields |= {2: frame.queue_key, 3: frame.signature, 4: frame.quota_bytes}
        case TakeQueue():
            fields |= {2: frame.queue_key, 3: frame.signature}
        case AllowWriters():
            fields |= {2: frame.queue, 3: [[verifier, quota] for verifier, quota in frame.allow]}
            if frame.forbid:
                fields[4] = frame.forbid
        case ShowWriter():
            fields |= {2: frame.queue, 3: frame.verifier, 4: frame.signature}
        case PutEnvelope():
            fields |= {2: frame.queue, 3: frame.writer, 4: frame.envelope, 5: frame.expires_ms}
        case ListEnvelopes():
            fields |= {2: frame.queue, 3: frame.after, 4: frame.limit}
            if frame.subscribe:
                fields[5] = True
        case FetchEnvelopes() | DeleteEnvelopes():
            fields |= {2: frame.queue, 3: frame.serials}
        case CloseQueue():
            fields[2] = frame.queue
        case Challenge():
            fields |= {2: frame.queue, 3: frame.envelope, 4: frame.nonce}
        case HasEnvelopes():
            fields |= {2: frame.queue, 3: frame.envelopes}
        case Deposited():
            fields[2] = [[r.envelope, r.expires_ms, r.signature] for r in frame.receipts]
            if frame.collected:
                fields[3] = frame.collected
        case Listing():
            listed: Value = [[e.serial, e.envelope, e.size, e.writer, e.stored_ms] for e in frame.envelopes]
            fields |= {2: frame.queue, 3: listed, 4: frame.more}
        case Envelopes():
            fetched: Value = [[e.serial, e.writer, e.envelope] for e in frame.envelopes]
            fields |= {2: frame.queue, 3: fetched, 4: frame.following}
        case MailboxAnswer():
            fields[2] = frame.word.value
            if frame.retry_after_ms is not None:
                fields[3] = frame.retry_after_ms
            if frame.proof:
                fields[4] = frame.proof
            if frame.usage is not None:
                usage = frame.usage
                fields[5] = [usage.used_bytes, usage.quota_bytes, usage.queues, usage.most_queues]
        case _:
            assert_never(frame)
    return fields


_TYPES: dict[type, MailboxFrameType] = {
    ShowGrant: MailboxFrameType.GRANT,
    OpenQueue: MailboxFrameType.OPEN,
    TakeQueue: MailboxFrameType.TAKE,
    AllowWriters: MailboxFrameType.ALLOW,
    ShowWriter: MailboxFrameType.WRITE,
    PutEnvelope: MailboxFrameType.PUT,
    ListEnvelopes: MailboxFrameType.LIST,
    FetchEnvelopes: MailboxFrameType.FETCH,
    DeleteEnvelopes: MailboxFrameType.DELETE,
    CloseQueue: MailboxFrameType.CLOSE,
    Challenge: MailboxFrameType.CHALLENGE,
    HasEnvelopes: MailboxFrameType.HAS,
    Deposited: MailboxFrameType.DEPOSITED,
    Listing: MailboxFrameType.LISTING,
    Envelopes: MailboxFrameType.ENVELOPES,
    MailboxAnswer: MailboxFrameType.ANSWER,
}
_NEEDED = {
    MailboxFrameType.GRANT: 4,
    MailboxFrameType.OPEN: 4,
    MailboxFrameType.TAKE: 4,
    MailboxFrameType.ALLOW: 4,
    MailboxFrameType.WRITE: 5,
    MailboxFrameType.PUT: 6,
    MailboxFrameType.LIST: 5,
    MailboxFrameType.FETCH: 4,
    MailboxFrameType.DELETE: 4,
    MailboxFrameType.CLOSE: 3,
    MailboxFrameType.CHALLENGE: 5,
    MailboxFrameType.HAS: 4,
    MailboxFrameType.DEPOSITED: 3,
    MailboxFrameType.LISTING: 5,
    MailboxFrameType.ENVELOPES: 5,
    MailboxFrameType.ANSWER: 3,
}
"""Fields below these numbers are always there."""


def is_mailbox_type(value: Value) -> bool:
    """Whether a frame's type is one of these."""
    return type(value) is int and MailboxFrameType.GRANT <= value <= MailboxFrameType.ANSWER


def mailbox_frame(fields: Mapping[int, Value]) -> MailboxFrame:
    """The frame of decoded fields, of which 0 is there. Raises `schema.Malformed`."""
    kind = as_enum(fields[0], "frame type", MailboxFrameType)
    if any(key not in fields for key in range(1, _NEEDED[kind])):
        raise Malformed("frame: a field is missing")
    number = as_int(fields[1], "number", MAX_INTEGER)
    match kind:
        case MailboxFrameType.GRANT:
            return ShowGrant(number=number, grant=as_id(fields[2], "grant"), signature=_signature(fields[3]))
        case MailboxFrameType.OPEN:
            return OpenQueue(
                number=number,
                queue_key=as_id(fields[2], "queue key"),
                signature=_signature(fields[3]),
                quota_bytes=as_int(fields[4], "quota", MAX_INTEGER) if 4 in fields else MAX_QUEUE_BYTES,
            )
        case MailboxFrameType.TAKE:
            return TakeQueue(number=number, queue_key=as_id(fields[2], "queue key"), signature=_signature(fields[3]))
        case MailboxFrameType.ALLOW:
            return AllowWriters(
                number=number,
                queue=as_queue_id(fields[2]),
                allow=tuple(_allowed(e) for e in as_list(fields[3], "allowed", MAX_ALLOWED_AT_ONCE)),
                forbid=tuple(_writer(e) for e in as_list(fields[4], "forbidden", MAX_ALLOWED_AT_ONCE)) if 4 in fields else (),
            )
        case MailboxFrameType.WRITE:
            return ShowWriter(
                number=number,
                queue=as_queue_id(fields[2]),
                verifier=as_id(fields[3], "verifier"),
                signature=_signature(fields[4]),
            )
        case MailboxFrameType.PUT:
            return PutEnvelope(
                number=number,
                queue=as_queue_id(fields[2]),
                writer=_writer(fields[3]),
                # One that is too large is answered so, which needs the rest of the request.
                envelope=as_bytes(fields[4], "envelope", MAX_FRAME_BYTES),
                expires_ms=_time(fields[5]),
            )
        case MailboxFrameType.LIST:
            return ListEnvelopes(
                number=number,
                queue=as_queue_id(fields[2]),
                after=as_int(fields[3], "after", MAX_INTEGER),
                limit=as_int(fields[4], "limit", MAX_LISTED_ENVELOPES),
                subscribe=as_bool(fields[5], "subscribe") if 5 in fields else False,
            )
        case MailboxFrameType.FETCH:
            return FetchEnvelopes(number=number, queue=as_queue_id(fields[2]), serials=_serials(fields[3], MAX_FETCHED_AT_ONCE))
        case MailboxFrameType.DELETE:
            return DeleteEnvelopes(number=number, queue=as_queue_id(fields[2]), serials=_serials(fields[3], MAX_DELETED_AT_ONCE))
        case MailboxFrameType.CLOSE:
            return CloseQueue(number=number, queue=as_queue_id(fields[2]))
        case MailboxFrameType.CHALLENGE:
            return Challenge(
                number=number,
                queue=as_queue_id(fields[2]),
                envelope=as_id(fields[3], "envelope"),
                nonce=as_bytes(fields[4], "nonce", NONCE_BYTES, NONCE_BYTES),
            )
        case MailboxFrameType.HAS:
            return HasEnvelopes(
                number=number,
                queue=as_queue_id(fields[2]),
                envelopes=tuple(as_id(e, "envelope") for e in as_list(fields[3], "envelopes", MAX_HAS_AT_ONCE)),
            )
        case MailboxFrameType.DEPOSITED:
            receipts = tuple(_receipt(e) for e in as_list(fields[2], "receipts", MAX_HAS_AT_ONCE))
            collected = as_list(fields[3], "collected", MAX_HAS_AT_ONCE) if 3 in fields else ()
            return Deposited(number=number, receipts=receipts, collected=tuple(as_id(e, "envelope") for e in collected))
        case MailboxFrameType.LISTING:
            return Listing(
                number=number,
                queue=as_queue_id(fields[2]),
                envelopes=tuple(_listed(e) for e in as_list(fields[3], "listing", MAX_LISTED_ENVELOPES)),
                more=as_bool(fields[4], "more"),
            )
        case MailboxFrameType.ENVELOPES:
            return Envelopes(
                number=number,
                queue=as_queue_id(fields[2]),
                envelopes=tuple(_fetched(e) for e in as_list(fields[3], "envelopes", MAX_FETCHED_AT_ONCE)),
                following=as_int(fields[4], "following", MAX_FETCHED_AT_ONCE),
            )
        case MailboxFrameType.ANSWER:
            return _answer(number, fields)
        case _:
            assert_never(kind)


def _answer(number: int, fields: Mapping[int, Value]) -> MailboxAnswer:
    try:
        word = Word(as_text(fields[2], "word", MAX_WORD_CHARACTERS))
    except ValueError:
        word = Word.REFUSED
    return MailboxAnswer(
        number=number,
        word=word,
        retry_after_ms=as_int(fields[3], "retry after", MAX_TIMESTAMP_MS) if 3 in fields else None,
        proof=as_bytes(fields[4], "proof", 32, 32) if 4 in fields else b"",
        usage=_usage(fields[5]) if 5 in fields else None,
    )


def _usage(value: Value) -> GrantUsage:
    parts = [as_int(part, "usage", MAX_INTEGER) for part in as_list(value, "usage", 4, 4)]
    return GrantUsage(used_bytes=parts[0], quota_bytes=parts[1], queues=parts[2], most_queues=parts[3])


def _signature(value: Value) -> bytes:
    return as_bytes(value, "signature", SIGNATURE_BYTES, SIGNATURE_BYTES)


def _writer(value: Value) -> WriterPrefix:
    return as_bytes(value, "writer", WRITER_PREFIX_BYTES, WRITER_PREFIX_BYTES)


def _envelope(value: Value) -> bytes:
    return as_bytes(value, "envelope", MAX_ENVELOPE_BYTES, 1)


def _time(value: Value) -> int:
    return as_int(value, "time", MAX_TIMESTAMP_MS - 1)


def _serials(value: Value, most: int) -> tuple[int, ...]:
    return tuple(as_int(entry, "serial", MAX_INTEGER, 1) for entry in as_list(value, "serials", most))


def _allowed(value: Value) -> tuple[bytes, int]:
    parts = as_list(value, "allowed", 2, 2)
    return as_id(parts[0], "verifier"), as_int(parts[1], "quota", MAX_INTEGER)


def _receipt(value: Value) -> DepositReceipt:
    parts = as_list(value, "receipt", 3, 3)
    return DepositReceipt(envelope=as_id(parts[0], "envelope"), expires_ms=_time(parts[1]), signature=_signature(parts[2]))


def _listed(value: Value) -> ListedEnvelope:
    parts = as_list(value, "listed", 5, 5)
    return ListedEnvelope(
        serial=as_int(parts[0], "serial", MAX_INTEGER, 1),
        envelope=as_id(parts[1], "envelope"),
        size=as_int(parts[2], "size", MAX_ENVELOPE_BYTES, 1),
        writer=_writer(parts[3]),
        stored_ms=_time(parts[4]),
    )


def _fetched(value: Value) -> FetchedEnvelope:
    parts = as_list(value, "fetched", 3, 3)
    return FetchedEnvelope(
        serial=as_int(parts[0], "serial", MAX_INTEGER, 1), writer=_writer(parts[1]), envelope=_envelope(parts[2])
    )
