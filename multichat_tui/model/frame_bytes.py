"""Frames as bytes: deterministic CBOR, as in docs/protocol/frames.md. What is none is a `codec.Rejected`, never an exception."""

from collections.abc import Mapping

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.comparing import (
    CompareConfirm,
    CompareEnd,
    CompareKey,
    CompareStart,
    compare_frame,
    compare_value,
)
from multichat_tui.model.frames import (
    FINGERPRINT_BYTES,
    TABLE_TAG_BYTES,
    Ack,
    ChainRange,
    ChainTip,
    ChannelAck,
    ChannelOffer,
    DeviceStatementOffer,
    ElidedItem,
    Frame,
    FrameType,
    HeldIsland,
    HoleRange,
    Islands,
    JoinAnswer,
    JoinFrame,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    Prefix,
    ReadFrame,
    ReceiptOffer,
    Request,
    ReturnFrame,
    ReturnStage,
    StatementOffer,
    Vector,
    Withheld,
    WithheldRange,
)
from multichat_tui.model.identity import MAX_DEVICE_LIST_BYTES
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.item_bytes import item_value, read_item
from multichat_tui.model.limits import (
    LISTS_PER_FRAME,
    MAX_DEVICE_STATEMENT_BYTES,
    MAX_DEVICE_STATEMENTS,
    MAX_FRAME_BYTES,
    MAX_HEADER_BYTES,
    MAX_INTEGER,
    MAX_JOIN_BYTES,
    MAX_OFFER_CHANNELS,
    MAX_RECEIPTS,
    MAX_REQUEST_IDS,
    MAX_REQUEST_RANGES,
    MAX_STATEMENTS,
    MAX_TAKEN_STATEMENTS,
    MAX_TIMESTAMP_MS,
    MAX_TIPS,
    MAX_TOPIC_CHARACTERS,
    MAX_WITHHELD,
    PAGE_RECORDS,
)
from multichat_tui.model.mailbox_bytes import is_mailbox_type, mailbox_frame, mailbox_value
from multichat_tui.model.mailbox_frames import MailboxFrame
from multichat_tui.model.receipts import MAX_RECEIPT_BYTES
from multichat_tui.model.records import SIGNATURE_BYTES
from multichat_tui.model.schema import (
    Malformed,
    as_bool,
    as_bytes,
    as_enum,
    as_id,
    as_int,
    as_list,
    as_map,
    as_prefix,
    as_text,
    read,
)
from multichat_tui.model.statements import MAX_STATEMENT_BYTES
from multichat_tui.model.usual_frames import decode_usual, encode_usual


def encode_frame(frame: Frame | MailboxFrame) -> bytes:
    """At most 1 MiB: senders page by PAGE_RECORDS and PAGE_BYTES and stay well below."""
    if not isinstance(frame, MailboxFrame):
        return encode(_frame_value(frame))
    usual = encode_usual(frame)
    return encode(mailbox_value(frame)) if usual is None else usual


def _frame_value(frame: Frame) -> Value:
    match frame:
        case Offer():
            channels: Value = [[entry.channel, [_tip_value(tip) for tip in entry.tips]] for entry in frame.channels]
            if frame.fingerprint:
                return {0: 1, 1: frame.number, 4: frame.fingerprint}
            offer: dict[int, Value] = {0: 1, 1: frame.number, 2: channels}
            offer[3] = [[s.user, s.kind, s.number] for s in frame.statements]
            if frame.vectors:
                offer[5] = [[v.channel, v.table, [part for place in v.places for part in place]] for v in frame.vectors]
            if frame.receipts:
                offer[6] = frame.receipts
            if frame.receipt_numbers:
                offer[7] = [[r.channel, r.device, r.number] for r in frame.receipt_numbers]
            if frame.device_statements:
                offer[8] = frame.device_statements
            if frame.device_numbers:
                offer[9] = [[d.audience, d.device, d.kind, d.number] for d in frame.device_numbers]
            return offer
        case Request():
            ranges: Value = [[r.device, r.log.value, r.first, r.last] for r in frame.ranges]
            statements: Value = [[user, kind] for user, kind in frame.statements]
            request: dict[int, Value] = {0: 2, 1: frame.channel, 2: ranges, 3: frame.ids, 4: statements}
            if frame.full:
                request[5] = True
            if frame.receipts:
                request[7] = [[channel, device] for channel, device in frame.receipts]
            if frame.newest:
                request[6] = frame.newest
            if frame.device_statements:
                request[8] = [[audience, device, kind] for audience, device, kind in frame.device_statements]
            return request
        case MessageFrame():
            base = min((i.timestamp_ms for i in frame.items if isinstance(i, ElidedItem)), default=0)
            fields: dict[int, Value] = {0: 3, 1: frame.channel, 2: frame.devices, 3: base}
            fields[4] = [item_value(item, base) for item in frame.items]
            if frame.statements:
                fields[5] = frame.statements
            if frame.following is not None:
                fields[6] = frame.following
            if frame.lists:
                fields[16] = frame.lists
            if frame.return_key:
                fields[17] = frame.return_key
            if frame.return_key_held:
                fields[18] = frame.return_key_held
            if frame.device_statements:
                fields[19] = frame.device_statements
            if frame.receipts:
                fields[20] = frame.receipts
            return fields
        case Ack():
            fields = {0: 4}
            if frame.channels or frame.same is None:
                fields[1] = [[a.channel, [_tip_value(tip) for tip in a.tips]] for a in frame.channels]
            if frame.offer is not None:
                fields[2] = frame.offer
            if frame.statements:
                fields[3] = [[s.user, s.kind, s.number] for s in frame.statements]
            if frame.same is not None:
                fields[4] = frame.same
            if frame.unread:
                fields[5] = frame.unread
            if frame.device_statements:
                fields[6] = [[d.audience, d.device, d.kind, d.number] for d in frame.device_statements]
            return fields
        case JoinFrame():
            return {0: 5, 1: frame.join}
        case ReadFrame():
            return {0: 10, 1: frame.join_key, 2: [_tip_value(tip) for tip in frame.tips]}
        case JoinAnswer():
            answer: dict[int, Value] = {0: 6, 1: frame.join_key, 2: frame.outcome.value}
            return answer | {3: frame.reason} if frame.reason else answer
        case PairFrame():
            return {0: 7, 1: frame.invitation, 2: frame.devices, 3: frame.profile, 4: frame.share, 5: frame.confirmed}
        case ReturnFrame():
            parts = (frame.account_list, frame.account_profile, frame.teller_list, frame.teller_profile)
            fields = {0: 24, 1: frame.stage.value, 2: frame.proof, 3: frame.share}
            return fields | {number: part for number, part in enumerate(parts, 4) if part}
        case CompareStart() | CompareKey() | CompareConfirm() | CompareEnd():
            return compare_value(frame)
        case Islands():
            islands: Value = [[i.device, i.first, i.last, i.hash] for i in frame.islands]
            fields = {0: 8, 1: frame.channel, 2: islands}
            if frame.holes:
                fields[3] = [[h.device, h.first, h.last] for h in frame.holes]
            return fields
        case Withheld():
            ranges = [[r.first, r.header_bytes, r.signature] for r in frame.ranges]
            return {0: 9, 1: frame.channel, 2: ranges}


def _tip_value(tip: ChainTip) -> Value:
    return [tip.device, tip.log.value, tip.seq, tip.hash]


def decode_frame(encoded: bytes) -> Frame | MailboxFrame | Rejected:
    """A frame of at most 1 MiB, or why it is none."""
    usual = decode_usual(encoded)
    return read(encoded, MAX_FRAME_BYTES, _frame) if usual is None else usual


def _frame(value: Value) -> Frame | MailboxFrame:
    fields = as_map(value, "frame")
    if 0 not in fields:
        raise Malformed("frame: no type")
    if is_mailbox_type(fields[0]):
        return mailbox_frame(fields)
    kind = as_enum(fields[0], "frame type", FrameType)
    if any(key not in fields for key in range(1, _NEEDED[kind])):
        raise Malformed("frame: a field is missing")
    match kind:
        case FrameType.OFFER:
            return Offer(
                number=as_int(fields[1], "number", MAX_INTEGER),
                channels=tuple(_channel_offer(e) for e in as_list(fields[2], "channels", MAX_OFFER_CHANNELS))
                if 2 in fields
                else (),
                statements=_statement_offers(fields[3]) if 3 in fields else (),
                fingerprint=as_bytes(fields[4], "fingerprint", FINGERPRINT_BYTES, FINGERPRINT_BYTES) if 4 in fields else b"",
                vectors=_vectors(fields[5]) if 5 in fields else (),
                receipts=tuple(as_bytes(e, "receipt", MAX_RECEIPT_BYTES) for e in as_list(fields[6], "receipts", MAX_RECEIPTS))
                if 6 in fields
                else (),
                receipt_numbers=tuple(_receipt_offer(e) for e in as_list(fields[7], "receipt numbers", MAX_TIPS))
                if 7 in fields
                else (),
                device_statements=_device_statements(fields[8]) if 8 in fields else (),
                device_numbers=tuple(_device_offer(e) for e in as_list(fields[9], "device statement numbers", MAX_TIPS))
                if 9 in fields
                else (),
            )
        case FrameType.REQUEST:
            return Request(
                channel=as_prefix(fields[1], "channel"),
                ranges=tuple(_range(e) for e in as_list(fields[2], "ranges", MAX_REQUEST_RANGES)),
                ids=tuple(RecordId(as_id(e, "id")) for e in as_list(fields[3], "ids", MAX_REQUEST_IDS)),
                statements=tuple(_statement_request(e) for e in as_list(fields[4], "statements", MAX_STATEMENTS)),
                full=as_bool(fields[5], "full") if 5 in fields else False,
                receipts=tuple(_receipt_request(e) for e in as_list(fields[7], "receipts", MAX_RECEIPTS)) if 7 in fields else (),
                newest=as_int(fields[6], "newest", MAX_INTEGER, 1) if 6 in fields else 0,
                device_statements=tuple(
                    _device_request(e) for e in as_list(fields[8], "device statements", MAX_DEVICE_STATEMENTS)
                )
                if 8 in fields
                else (),
            )
        case FrameType.MESSAGE:
            return _message(fields)
        case FrameType.ACK:
            return Ack(
                channels=tuple(_channel_ack(e) for e in as_list(fields[1], "channels", MAX_OFFER_CHANNELS))
                if 1 in fields
                else (),
                offer=as_int(fields[2], "offer", MAX_INTEGER) if 2 in fields else None,
                statements=_statement_offers(fields[3]) if 3 in fields else (),
                same=as_int(fields[4], "same", 255) if 4 in fields else None,
                unread=tuple(as_prefix(e, "channel") for e in as_list(fields[5], "unread", MAX_OFFER_CHANNELS))
                if 5 in fields
                else (),
                device_statements=tuple(_device_offer(e) for e in as_list(fields[6], "taken", MAX_TAKEN_STATEMENTS))
                if 6 in fields
                else (),
            )
        case FrameType.JOIN:
            return JoinFrame(join=as_bytes(fields[1], "join", MAX_JOIN_BYTES))
        case FrameType.READ:
            tips = tuple(_chain_tip(entry) for entry in as_list(fields[2], "tips", MAX_TIPS))
            return ReadFrame(join_key=as_id(fields[1], "join key"), tips=tips)
        case FrameType.JOIN_ANSWER:
            try:
                outcome = JoinOutcome(as_text(fields[2], "outcome", 32))
            except ValueError:
                outcome = JoinOutcome.REFUSED
            reason = as_text(fields[3], "reason", MAX_TOPIC_CHARACTERS, 1) if 3 in fields else ""
            return JoinAnswer(join_key=as_id(fields[1], "join key"), outcome=outcome, reason=reason)
        case FrameType.PAIR:
            confirmed = fields[5]
            if type(confirmed) is not bool:
                raise Malformed("confirmed: a boolean is needed")
            return PairFrame(
                invitation=as_id(fields[1], "invitation"),
                devices=as_bytes(fields[2], "devices", MAX_DEVICE_LIST_BYTES),
                profile=as_bytes(fields[3], "profile", MAX_STATEMENT_BYTES),
                share=as_id(fields[4], "share"),
                confirmed=confirmed,
            )
        case FrameType.ISLANDS:
            return Islands(
                channel=as_prefix(fields[1], "channel"),
                islands=tuple(_island(e) for e in as_list(fields[2], "islands", MAX_TIPS)),
                holes=tuple(_hole(e) for e in as_list(fields[3], "holes", MAX_TIPS)) if 3 in fields else (),
            )
        case FrameType.WITHHELD:
            return Withheld(
                channel=as_prefix(fields[1], "channel"),
                ranges=tuple(_withheld(e) for e in as_list(fields[2], "withheld", MAX_WITHHELD, 1)),
            )
        case FrameType.RETURN:
            return _return(fields)
        case FrameType.COMPARE_START | FrameType.COMPARE_KEY | FrameType.COMPARE_CONFIRM | FrameType.COMPARE_END:
            return compare_frame(kind, fields)


def _return(fields: Mapping[int, Value]) -> ReturnFrame:
    def part(number: int, most: int) -> bytes:
        return as_bytes(fields[number], "return", most) if number in fields else b""

    return ReturnFrame(
        stage=as_enum(fields[1], "stage", ReturnStage),
        proof=as_id(fields[2], "proof"),
        share=as_id(fields[3], "share"),
        account_list=part(4, MAX_DEVICE_LIST_BYTES),
        account_profile=part(5, MAX_STATEMENT_BYTES),
        teller_list=part(6, MAX_DEVICE_LIST_BYTES),
        teller_profile=part(7, MAX_STATEMENT_BYTES),
    )


_NEEDED = {
    FrameType.OFFER: 2,
    FrameType.REQUEST: 5,
    FrameType.MESSAGE: 5,
    FrameType.ACK: 1,
    FrameType.JOIN: 2,
    FrameType.JOIN_ANSWER: 3,
    FrameType.PAIR: 6,
    FrameType.ISLANDS: 3,
    FrameType.WITHHELD: 3,
    FrameType.READ: 3,
    FrameType.RETURN: 4,
    FrameType.COMPARE_START: 4,
    FrameType.COMPARE_KEY: 4,
    FrameType.COMPARE_CONFIRM: 4,
    FrameType.COMPARE_END: 3,
}


def _device_statements(value: Value) -> tuple[bytes, ...]:
    entries = as_list(value, "device statements", MAX_DEVICE_STATEMENTS)
    return tuple(as_bytes(e, "device statement", MAX_DEVICE_STATEMENT_BYTES) for e in entries)


def _device_offer(value: Value) -> DeviceStatementOffer:
    parts = as_list(value, "device statement", 4, 4)
    return DeviceStatementOffer(
        audience=as_prefix(parts[0], "audience"),
        device=as_prefix(parts[1], "device"),
        kind=as_int(parts[2], "kind", 255, 1),
        number=as_int(parts[3], "number", MAX_INTEGER),
    )


def _device_request(value: Value) -> tuple[Prefix, Prefix, int]:
    parts = as_list(value, "device statement", 3, 3)
    return as_prefix(parts[0], "audience"), as_prefix(parts[1], "device"), as_int(parts[2], "kind", 255, 1)


def _chain_tip(value: Value) -> ChainTip:
    parts = as_list(value, "tip", 4, 4)
    return ChainTip(
        device=as_prefix(parts[0], "device"),
        log=as_enum(parts[1], "log", Log),
        seq=as_int(parts[2], "seq", MAX_INTEGER),
        hash=as_prefix(parts[3], "hash"),
    )


def _vectors(value: Value) -> tuple[Vector, ...]:
    vectors = tuple(_vector(entry) for entry in as_list(value, "vectors", MAX_OFFER_CHANNELS))
    if sum(len(vector.places) for vector in vectors) > MAX_TIPS:
        raise Malformed("vectors: too many places")
    return vectors


def _vector(value: Value) -> Vector:
    parts = as_list(value, "vector", 3, 3)
    flat = as_list(parts[2], "places", 3 * MAX_TIPS)
    if len(flat) % 3:
        raise Malformed("places: three entries each")
    return Vector(
        channel=as_prefix(parts[0], "channel"),
        table=as_bytes(parts[1], "table", TABLE_TAG_BYTES, TABLE_TAG_BYTES),
        places=tuple(
            (as_int(flat[i], "device", 2 * MAX_TIPS), as_int(flat[i + 1], "seq", MAX_INTEGER), as_prefix(flat[i + 2], "hash"))
            for i in range(0, len(flat), 3)
        ),
    )


def _receipt_offer(value: Value) -> ReceiptOffer:
    parts = as_list(value, "receipt", 3, 3)
    return ReceiptOffer(
        channel=as_prefix(parts[0], "channel"),
        device=as_prefix(parts[1], "device"),
        number=as_int(parts[2], "number", MAX_INTEGER),
    )


def _receipt_request(value: Value) -> tuple[Prefix, Prefix]:
    parts = as_list(value, "receipt", 2, 2)
    return as_prefix(parts[0], "channel"), as_prefix(parts[1], "device")


def _island(value: Value) -> HeldIsland:
    parts = as_list(value, "island", 4, 4)
    first = as_int(parts[1], "first", MAX_INTEGER, 1)
    return HeldIsland(
        device=as_prefix(parts[0], "device"),
        first=first,
        last=as_int(parts[2], "last", MAX_INTEGER, first),
        hash=as_prefix(parts[3], "hash"),
    )


def _hole(value: Value) -> HoleRange:
    parts = as_list(value, "hole", 3, 3)
    first = as_int(parts[1], "first", MAX_INTEGER)
    last = as_int(parts[2], "last", MAX_INTEGER, first)
    return HoleRange(device=as_prefix(parts[0], "device"), first=first, last=last)


def _withheld(value: Value) -> WithheldRange:
    parts = as_list(value, "withheld", 3, 3)
    return WithheldRange(
        first=as_int(parts[0], "first", MAX_INTEGER),
        header_bytes=as_bytes(parts[1], "header", MAX_HEADER_BYTES),
        signature=as_bytes(parts[2], "signature", SIGNATURE_BYTES, SIGNATURE_BYTES),
    )


def _channel_offer(value: Value) -> ChannelOffer:
    parts = as_list(value, "offer", 2, 2)
    tips = tuple(_chain_tip(tip) for tip in as_list(parts[1], "tips", MAX_TIPS))
    return ChannelOffer(channel=ChannelId(as_id(parts[0], "channel")), tips=tips)


def _channel_ack(value: Value) -> ChannelAck:
    parts = as_list(value, "ack", 2, 2)
    tips = tuple(_chain_tip(tip) for tip in as_list(parts[1], "tips", MAX_TIPS))
    return ChannelAck(channel=as_prefix(parts[0], "channel"), tips=tips)


def _statement_offers(value: Value) -> tuple[StatementOffer, ...]:
    return tuple(_statement_offer(entry) for entry in as_list(value, "statements", MAX_OFFER_CHANNELS))


def _statement_offer(value: Value) -> StatementOffer:
    parts = as_list(value, "statement", 3, 3)
    return StatementOffer(
        user=UserId(as_id(parts[0], "user")),
        kind=as_int(parts[1], "kind", 255, 1),
        number=as_int(parts[2], "number", MAX_INTEGER),
    )


def _statement_request(value: Value) -> tuple[UserId, int]:
    parts = as_list(value, "statement", 2, 2)
    return UserId(as_id(parts[0], "user")), as_int(parts[1], "kind", 255, 1)


def _range(value: Value) -> ChainRange:
    parts = as_list(value, "range", 4, 4)
    first = as_int(parts[2], "first", MAX_INTEGER)
    return ChainRange(
        device=as_prefix(parts[0], "device"),
        log=as_enum(parts[1], "log", Log),
        first=first,
        last=as_int(parts[3], "last", MAX_INTEGER, first),
    )


def _message(table: Mapping[int, Value]) -> MessageFrame:
    devices = tuple(as_prefix(e, "device") for e in as_list(table[2], "devices", MAX_TIPS))
    base = as_int(table[3], "base", MAX_TIMESTAMP_MS - 1)
    return MessageFrame(
        channel=as_prefix(table[1], "channel"),
        devices=devices,
        items=tuple(read_item(e, base, len(devices)) for e in as_list(table[4], "items", PAGE_RECORDS)),
        statements=tuple(as_bytes(e, "statement", MAX_STATEMENT_BYTES) for e in as_list(table[5], "statements", MAX_STATEMENTS))
        if 5 in table
        else (),
        following=as_int(table[6], "following", MAX_INTEGER) if 6 in table else None,
        lists=tuple(as_bytes(e, "list", MAX_DEVICE_LIST_BYTES) for e in as_list(table[16], "lists", LISTS_PER_FRAME))
        if 16 in table
        else (),
        return_key=as_id(table[17], "return key") if 17 in table else b"",
        return_key_held=as_prefix(table[18], "return key") if 18 in table else b"",
        device_statements=_device_statements(table[19]) if 19 in table else (),
        receipts=tuple(as_bytes(e, "receipt", MAX_RECEIPT_BYTES) for e in as_list(table[20], "receipts", MAX_RECEIPTS))
        if 20 in table
        else (),
    )
