"""The bytes of acts: what a record's body says, written and read strictly. docs/protocol/records.md lists the fields."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from multichat_tui.model.acts import (
    CAUSE,
    MAX_DEVICE_TIPS,
    MAX_FOUNDERS,
    MAX_RANK,
    Act,
    Admit,
    Ask,
    Ban,
    CloseInvitation,
    Create,
    Devices,
    Invite,
    Leave,
    Listing,
    Mark,
    Message,
    Redact,
    RefuseJoin,
    Remove,
    Rename,
    Report,
    SetRank,
    SetThreshold,
    Setting,
    Settlement,
    SettleReport,
    SetTopic,
    Style,
    Tip,
    Type,
    Unban,
    UnknownAct,
    WayIn,
    WideFence,
    is_control,
)
from multichat_tui.model.codec import Reason, Rejected, Value, decode_text, encode
from multichat_tui.model.identity import (
    MAX_CERTIFICATE_BYTES,
    MAX_DEVICE_LIST_BYTES,
    decode_certificate,
)
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId, Log, RecordId, UserId
from multichat_tui.model.limits import (
    CAUSE_BYTES,
    LINK_SEED_BYTES,
    MAX_ACTS,
    MAX_BODY_BYTES,
    MAX_ETS,
    MAX_INTEGER,
    MAX_JOIN_BYTES,
    MAX_MARKS,
    MAX_NAME_CHARACTERS,
    MAX_REPORTED,
    MAX_SETTING_BYTES,
    MAX_TARGETS,
    MAX_TEXT_CHARACTERS,
    MAX_TIMESTAMP_MS,
    MAX_TIPS,
    MAX_TOPIC_CHARACTERS,
    MAX_USES,
)
from multichat_tui.model.ranks import FOUNDER, MEMBER, MUTED, Permission
from multichat_tui.model.schema import Malformed, as_bytes, as_enum, as_id, as_int, as_list, as_map, as_text, frozen, read


def encode_acts(acts: tuple[Act, ...]) -> bytes:
    """The content of a record's body."""
    if not 1 <= len(acts) <= MAX_ACTS:
        raise ValueError("a record has 1 to 16 acts")
    return encode({0: [_marked(act, _encode(act)) for act in acts]})


def decode_acts(content: bytes, log: Log) -> tuple[Act, ...] | Rejected:
    """The acts of a record in `log`. Control acts cannot stand in the content log."""
    if log == Log.CONTENT and content.startswith(_ONE_MESSAGE):
        text = decode_text(content, len(_ONE_MESSAGE))
        if text is not None and 1 <= len(text) <= MAX_TEXT_CHARACTERS and len(content) <= MAX_BODY_BYTES:
            return (Message(text=text),)
    return read(content, MAX_BODY_BYTES, lambda value: _acts(value, log))


_ONE_MESSAGE = bytes.fromhex("a10081a200184001")
"""What the content of a record with one message, which answers none, begins with, up to the text: nearly every record. With a
text in its one encoding to the end it is the one encoding of that; whatever is otherwise is left to the decoder of all."""


def _acts(value: Value, log: Log) -> tuple[Act, ...]:
    fields = as_map(value, "content")
    if 0 not in fields:
        raise Malformed("content: no acts")
    acts = tuple(_decode(as_map(entry, "act")) for entry in as_list(fields[0], "acts", MAX_ACTS, 1))
    if log == Log.CONTENT and any(map(is_control, acts)):
        raise Malformed("a control act in the content log")
    if len(acts) > 1 and any(isinstance(act, Create | Admit | Leave | Devices) for act in acts):
        raise Malformed("create, admit, leave and devices stand alone")
    return acts


def _encode(act: Act) -> Value:
    match act:
        case Create():
            founders = [[certificate.encoded for certificate in founder] for founder in act.founders]
            return {0: Type.CREATE.value, 1: act.style.value, 2: act.name, 3: founders, 4: act.nonce}
        case Invite():
            return {
                0: Type.INVITE.value,
                1: act.join_key,
                2: act.token_key,
                3: act.rank,
                4: act.uses,
                5: act.expires_ms,
            }
        case CloseInvitation():
            return {0: Type.CLOSE_INVITATION.value, 1: act.invitation, 2: act.index}
        case Admit():
            return {0: Type.ADMIT.value, 1: act.join}
        case Remove():
            return {0: Type.REMOVE.value, 1: act.user, 2: _fence_value(act.fence), 3: act.reason}
        case Leave():
            return {0: Type.LEAVE.value}
        case SetTopic():
            return {0: Type.TOPIC.value, 1: act.topic}
        case Rename():
            return {0: Type.RENAME.value, 1: act.name}
        case Devices():
            return {0: Type.DEVICES.value, 1: act.devices, 2: _fence_value(act.fence)}
        case SetRank():
            rank: dict[int, Value] = {0: Type.RANK.value, 1: act.user, 2: act.rank, 3: _fence_value(act.fence), 4: act.reason}
            return rank | {5: act.until_ms} if act.until_ms else rank
        case Ban():
            return {0: Type.BAN.value, 1: act.user, 2: _fence_value(act.fence), 3: act.until_ms, 4: act.reason}
        case Unban():
            return {0: Type.UNBAN.value, 1: act.user, 2: act.reason}
        case SetThreshold():
            return {
                0: Type.THRESHOLD.value,
                1: act.permission.value,
                2: act.rank,
                3: wide_fence_value(act.fence),
                4: act.reason,
            }
        case RefuseJoin():
            return {0: Type.REFUSE_JOIN.value, 1: act.user, 2: act.join_key, 3: act.reason}
        case Ask():
            return {0: Type.ASK.value, 1: act.join}
        case Setting():
            return {0: Type.SETTING.value, 1: int(act.key), 2: act.value, 3: wide_fence_value(act.fence), 4: act.reason}
        case Listing():
            way = act.way_in
            listed: dict[int, Value] = {0: Type.LISTING.value, 1: act.channel, 2: act.name, 3: act.topic}
            listed |= {} if way is None else {4: [way.seed, way.user, way.expires_ms]}
            return listed | {5: act.least} if act.least > MEMBER else listed
        case Message():
            fields: dict[int, Value] = {0: Type.MESSAGE.value, 1: act.text}
            if act.reply_to is not None:
                fields[2] = act.reply_to
            return fields
        case Redact():
            redact: dict[int, Value] = {0: Type.REDACT.value, 1: list(act.targets), 2: act.reason}
            return redact | {3: list(act.also)} if act.also else redact
        case Report():
            report: dict[int, Value] = {0: Type.REPORT.value, 1: list(act.targets), 2: act.reason}
            return report if act.user is None else report | {3: act.user}
        case SettleReport():
            return {0: Type.REPORT.value, 2: act.reason, 4: act.report, 5: act.outcome.value}
        case UnknownAct():
            return {0: act.type, **act.fields}


def _fence_value(fence: tuple[Tip, ...]) -> Value:
    return [[tip.device, tip.log.value, tip.seq, tip.hash] for tip in fence]


def wide_fence_value(fence: WideFence) -> Value:
    marks: list[Value] = [[mark.device, mark.seq] for mark in fence.marks]
    return [fence.floor_ets, *marks]


def _marked(act: Act, encoded: Value) -> Value:
    """With the mark of what it carries out, if it has one."""
    if not isinstance(act, Remove | SetRank | Ban | Unban) or not act.cause:
        return encoded
    assert isinstance(encoded, dict)
    return encoded | {CAUSE: act.cause}


def _need(fields: Mapping[int, Value], *keys: int) -> None:
    if any(key not in fields for key in keys):
        raise Malformed("act: a field is missing")


def _decode(fields: Mapping[int, Value]) -> Act:
    _need(fields, 0)
    number = as_int(fields[0], "act type", 2**16, 1)
    try:
        kind = Type(number)
    except ValueError:
        return UnknownAct(type=number, fields={key: value for key, value in fields.items() if key})
    act = _decode_known(kind, fields)
    if CAUSE in fields and isinstance(act, Remove | SetRank | Ban | Unban):
        return replace(act, cause=as_bytes(fields[CAUSE], "cause", CAUSE_BYTES, CAUSE_BYTES))
    return act


def _decode_known(kind: Type, fields: Mapping[int, Value]) -> Act:
    match kind:
        case Type.CREATE:
            return _create(fields)
        case Type.INVITE:
            _need(fields, 1, 2, 3, 4, 5)
            return Invite(
                join_key=as_id(fields[1], "join key"),
                token_key=as_id(fields[2], "token key"),
                rank=as_int(fields[3], "rank", MAX_RANK),
                uses=as_int(fields[4], "uses", MAX_USES, 1),
                expires_ms=as_int(fields[5], "expires", MAX_TIMESTAMP_MS - 1),
            )
        case Type.CLOSE_INVITATION:
            _need(fields, 1, 2)
            return CloseInvitation(
                invitation=RecordId(as_id(fields[1], "invitation")), index=as_int(fields[2], "index", MAX_ACTS - 1)
            )
        case Type.ADMIT:
            _need(fields, 1)
            return Admit(join=as_bytes(fields[1], "join", MAX_JOIN_BYTES))
        case Type.REMOVE:
            _need(fields, 1, 2, 3)
            return Remove(
                user=UserId(as_id(fields[1], "user")),
                fence=tuple(_tip(entry) for entry in as_list(fields[2], "fence", MAX_TIPS)),
                reason=as_text(fields[3], "reason", MAX_TOPIC_CHARACTERS),
            )
        case Type.LEAVE:
            return Leave()
        case Type.TOPIC:
            _need(fields, 1)
            return SetTopic(topic=as_text(fields[1], "topic", MAX_TOPIC_CHARACTERS))
        case Type.RENAME:
            _need(fields, 1)
            return Rename(name=as_text(fields[1], "name", MAX_NAME_CHARACTERS, 1))
        case Type.DEVICES:
            _need(fields, 1, 2)
            return Devices(
                devices=as_bytes(fields[1], "devices", MAX_DEVICE_LIST_BYTES),
                fence=tuple(_tip(entry) for entry in as_list(fields[2], "fence", MAX_DEVICE_TIPS)),
            )
        case Type.RANK:
            _need(fields, 1, 2, 3, 4)
            return SetRank(
                user=UserId(as_id(fields[1], "user")),
                rank=as_int(fields[2], "rank", MAX_RANK, MUTED),
                fence=tuple(_tip(entry) for entry in as_list(fields[3], "fence", MAX_TIPS)),
                reason=as_text(fields[4], "reason", MAX_TOPIC_CHARACTERS),
                until_ms=as_int(fields[5], "until", MAX_TIMESTAMP_MS - 1) if 5 in fields else 0,
            )
        case Type.BAN:
            _need(fields, 1, 2, 3, 4)
            return Ban(
                user=UserId(as_id(fields[1], "user")),
                fence=tuple(_tip(entry) for entry in as_list(fields[2], "fence", MAX_TIPS)),
                until_ms=as_int(fields[3], "until", MAX_TIMESTAMP_MS - 1),
                reason=as_text(fields[4], "reason", MAX_TOPIC_CHARACTERS),
            )
        case Type.UNBAN:
            _need(fields, 1, 2)
            return Unban(user=UserId(as_id(fields[1], "user")), reason=as_text(fields[2], "reason", MAX_TOPIC_CHARACTERS))
        case Type.THRESHOLD:
            _need(fields, 1, 2, 3, 4)
            return SetThreshold(
                permission=as_enum(fields[1], "permission", Permission),
                rank=_threshold(fields[2]),
                fence=wide_fence(fields[3]),
                reason=as_text(fields[4], "reason", MAX_TOPIC_CHARACTERS),
            )
        case Type.REFUSE_JOIN:
            _need(fields, 1, 2, 3)
            return RefuseJoin(
                user=UserId(as_id(fields[1], "user")),
                join_key=as_id(fields[2], "join key"),
                reason=as_text(fields[3], "reason", MAX_TOPIC_CHARACTERS),
            )
        case Type.ASK:
            _need(fields, 1)
            return Ask(join=as_bytes(fields[1], "join", MAX_JOIN_BYTES))
        case Type.SETTING:
            return _setting(fields)
        case Type.LISTING:
            _need(fields, 1, 2, 3)
            return Listing(
                channel=ChannelId(as_id(fields[1], "channel")),
                name=as_text(fields[2], "name", MAX_NAME_CHARACTERS),
                topic=as_text(fields[3], "topic", MAX_TOPIC_CHARACTERS),
                way_in=_way_in(fields[4]) if 4 in fields else None,
                least=as_int(fields[5], "least", MAX_RANK, MEMBER + 1) if 5 in fields else MEMBER,
            )
        case Type.MESSAGE:
            _need(fields, 1)
            return Message(
                text=as_text(fields[1], "text", MAX_TEXT_CHARACTERS, 1),
                reply_to=RecordId(as_id(fields[2], "reply to")) if 2 in fields else None,
            )
        case Type.REDACT:
            _need(fields, 1, 2)
            also = as_list(fields[3], "also", MAX_TARGETS) if 3 in fields else ()
            return Redact(
                targets=tuple(RecordId(as_id(entry, "target")) for entry in as_list(fields[1], "targets", MAX_TARGETS, 1)),
                reason=as_text(fields[2], "reason", MAX_TOPIC_CHARACTERS),
                also=tuple(RecordId(as_id(entry, "also")) for entry in also),
            )
        case Type.REPORT:
            return _report(fields)


def _report(fields: Mapping[int, Value]) -> Act:
    """A report, or with key 4 what was made of one."""
    if 4 in fields:
        _need(fields, 2, 4, 5)
        return SettleReport(
            report=RecordId(as_id(fields[4], "report")),
            outcome=as_enum(fields[5], "outcome", Settlement),
            reason=as_text(fields[2], "reason", MAX_TOPIC_CHARACTERS),
        )
    _need(fields, 1, 2)
    targets = tuple(RecordId(as_id(entry, "target")) for entry in as_list(fields[1], "targets", MAX_REPORTED))
    user = UserId(as_id(fields[3], "user")) if 3 in fields else None
    if user is None and not targets:
        raise Malformed("report: about nothing")
    return Report(reason=as_text(fields[2], "reason", MAX_TOPIC_CHARACTERS), user=user, targets=targets)


def _setting(fields: Mapping[int, Value]) -> Setting:
    _need(fields, 1, 2, 3, 4)
    if len(encode(fields[2])) > MAX_SETTING_BYTES:
        raise Malformed("a setting's value is too long", Reason.LIMIT)
    return Setting(
        key=as_int(fields[1], "setting", 2**16, 1),
        value=frozen(fields[2]),
        fence=wide_fence(fields[3]),
        reason=as_text(fields[4], "reason", MAX_TOPIC_CHARACTERS),
    )


def _threshold(value: Value) -> int:
    """A rank that can be given, or the founders' own."""
    return FOUNDER if value == FOUNDER else as_int(value, "threshold", MAX_RANK, MUTED)


def _create(fields: Mapping[int, Value]) -> Create:
    _need(fields, 1, 2, 3, 4)
    style = as_enum(fields[1], "style", Style)
    founders = []
    for entry in as_list(fields[3], "founders", MAX_FOUNDERS, 1):
        certificates = []
        for encoded in as_list(entry, "founder", MAX_FOUNDERS, 1):
            certificate = decode_certificate(as_bytes(encoded, "certificate", MAX_CERTIFICATE_BYTES))
            if isinstance(certificate, Rejected):
                raise Malformed(certificate.detail, certificate.reason)
            certificates.append(certificate)
        if len({c.account_key for c in certificates}) != 1:
            raise Malformed("founder: certificates of two accounts")
        founders.append(tuple(certificates))
    if len({f[0].account_key for f in founders}) != len(founders):
        raise Malformed("a founder twice")
    if style == Style.DIRECT and len(founders) != 2:
        raise Malformed("a direct channel has two founders")
    return Create(
        style=style,
        name=as_text(fields[2], "name", MAX_NAME_CHARACTERS),
        founders=tuple(founders),
        nonce=as_bytes(fields[4], "nonce", 32, 16),
    )


def wide_fence(value: Value) -> WideFence:
    floor, *entries = as_list(value, "fence", MAX_MARKS + 1, 1)
    marks = []
    for entry in entries:
        device, seq = as_list(entry, "mark", 2, 2)
        marks.append(Mark(device=as_bytes(device, "device", PREFIX_SIZE, PREFIX_SIZE), seq=as_int(seq, "seq", MAX_INTEGER)))
    if any(one.device >= other.device for one, other in pairwise(marks)):
        raise Malformed("fence: marks out of order")
    return WideFence(marks=tuple(marks), floor_ets=as_int(floor, "floor", MAX_ETS - 1))


def _way_in(value: Value) -> WayIn:
    seed, user, expires_ms = as_list(value, "way in", 3, 3)
    return WayIn(
        seed=as_bytes(seed, "seed", LINK_SEED_BYTES, LINK_SEED_BYTES),
        user=UserId(as_id(user, "user")),
        expires_ms=as_int(expires_ms, "expires", MAX_TIMESTAMP_MS - 1),
    )


def _tip(value: Value) -> Tip:
    parts = as_list(value, "tip", 4, 4)
    return Tip(
        device=DeviceId(as_id(parts[0], "device")),
        log=as_enum(parts[1], "log", Log),
        seq=as_int(parts[2], "seq", MAX_INTEGER),
        hash=as_id(parts[3], "hash"),
    )
