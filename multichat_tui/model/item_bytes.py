"""Records on the wire as bytes: whole, or with what their receiver can rebuild left out (docs/protocol/synchronisation.md)."""

from collections.abc import Sequence

from multichat_tui.model.codec import Value
from multichat_tui.model.frames import (
    ElidedItem,
    FullItem,
    Item,
    Ref,
)
from multichat_tui.model.ids import PREFIX_SIZE, Log, UserId
from multichat_tui.model.limits import (
    MAX_BODY_BYTES,
    MAX_CONTROL_HEADS,
    MAX_ETS,
    MAX_HEADER_BYTES,
    MAX_INTEGER,
    MAX_PARENTS,
    MAX_RECIPIENTS,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.records import SIGNATURE_BYTES
from multichat_tui.model.schema import Malformed, as_bytes, as_enum, as_id, as_int, as_list, as_map, as_prefix


def item_value(item: Item, base: int) -> Value:
    """`base`: what times count from, in milliseconds."""
    if isinstance(item, FullItem):
        return [item.header_bytes, item.signature, item.body]
    extras: dict[int, Value] = {}
    if item.log != Log.CONTENT:
        extras[0] = item.log.value
    if item.parents is not None:
        extras[1] = [[ref.device, ref.seq] for ref in item.parents]
    if item.control_heads is not None:
        extras[2] = [[ref.device, ref.seq] for ref in item.control_heads]
    if item.ets is not None:
        extras[3] = item.ets
    if item.kind is not None:
        extras[4] = item.kind
    if item.expires_ms is not None:
        extras[5] = item.expires_ms
    if item.recipients is not None:
        extras[6] = item.recipients
    fields: list[Value] = [item.device, item.seq, item.timestamp_ms - base, item.check, item.signature, item.body]
    if extras:
        fields.append(extras)
    return fields


def read_item(value: Value, base: int, devices: int) -> Item:
    """`devices`: how many the frame names. `schema.Malformed`."""
    parts = as_list(value, "item", 7, 3)
    if len(parts) == 3:
        body = parts[2]
        return FullItem(
            header_bytes=as_bytes(parts[0], "header", MAX_HEADER_BYTES),
            signature=as_bytes(parts[1], "signature", SIGNATURE_BYTES, SIGNATURE_BYTES),
            body=None if body is None else as_bytes(body, "body", MAX_BODY_BYTES),
        )
    if len(parts) == 6 and (usual := _usual_item(parts, base, devices)) is not None:
        return usual
    if len(parts) < 6:
        raise Malformed("item: 3, 6 or 7 entries")
    extras = as_map(parts[6], "extras") if len(parts) == 7 else {}
    if any(key > 6 for key in extras):
        raise Malformed("item: an unknown extra; the full form carries what is new")
    return ElidedItem(
        device=as_int(parts[0], "device", devices - 1),
        log=as_enum(extras[0], "log", Log) if 0 in extras else Log.CONTENT,
        seq=as_int(parts[1], "seq", MAX_INTEGER),
        timestamp_ms=as_int(base + as_int(parts[2], "time", MAX_TIMESTAMP_MS), "time", MAX_TIMESTAMP_MS - 1),
        check=as_prefix(parts[3], "check"),
        signature=as_bytes(parts[4], "signature", SIGNATURE_BYTES, SIGNATURE_BYTES),
        body=as_bytes(parts[5], "body", MAX_BODY_BYTES),
        parents=_refs(extras[1], "parents", MAX_PARENTS, devices) if 1 in extras else None,
        control_heads=_refs(extras[2], "control heads", MAX_CONTROL_HEADS, devices) if 2 in extras else None,
        ets=as_int(extras[3], "ets", MAX_ETS - 1) if 3 in extras else None,
        kind=as_int(extras[4], "kind", 255, 1) if 4 in extras else None,
        expires_ms=as_int(extras[5], "expires", MAX_TIMESTAMP_MS - 1) if 5 in extras else None,
        recipients=tuple(UserId(as_id(e, "recipient")) for e in as_list(extras[6], "recipients", MAX_RECIPIENTS))
        if 6 in extras
        else None,
    )


def _usual_item(parts: Sequence[Value], base: int, devices: int) -> ElidedItem | None:
    """An elided item of a content record without extras, as nearly all are, looked at in one step. None: the general way will
    tell what is wrong with it."""
    device, seq, time, check, signature, body = parts
    if type(device) is not int or type(seq) is not int or type(time) is not int:
        return None
    if type(check) is not bytes or type(signature) is not bytes or type(body) is not bytes:
        return None
    timely = 0 <= time <= MAX_TIMESTAMP_MS and base + time < MAX_TIMESTAMP_MS
    sized = len(check) == PREFIX_SIZE and len(signature) == SIGNATURE_BYTES and len(body) <= MAX_BODY_BYTES
    if not (0 <= device < devices and 0 <= seq <= MAX_INTEGER and timely and sized):
        return None
    return ElidedItem(
        device=device, log=Log.CONTENT, seq=seq, timestamp_ms=base + time, check=check, signature=signature, body=body
    )


def _refs(value: Value, what: str, most: int, devices: int) -> tuple[Ref, ...]:
    return tuple(_ref(entry, what, devices) for entry in as_list(value, what, most))


def _ref(value: Value, what: str, devices: int) -> Ref:
    parts = as_list(value, what, 2, 2)
    return Ref(device=as_int(parts[0], what, devices - 1), seq=as_int(parts[1], what, MAX_INTEGER))
