"""The four frames by which two people compare words or emoji (docs/protocol/introductions.md, section 17), and how
they are encoded.

START and KEY agree on a key, CONFIRM says that the sender's user saw the same words, END that it is over.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import NewType, TypeAlias

from multichat_tui.model.codec import Value
from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.limits import MAX_COMPARISON_BOX_BYTES, MAX_NAME_CHARACTERS, NEARBY_ID_BYTES
from multichat_tui.model.schema import as_bool, as_bytes, as_enum, as_id, as_text
from multichat_tui.model.values import dataclass

ComparisonId = NewType("ComparisonId", bytes)
"""32 random bytes, chosen by who begins."""

START, KEY, CONFIRM, END = 16, 17, 18, 19
"""Frame types."""


class Purpose(IntEnum):
    """What follows when both have confirmed."""

    MEET = 1
    """Two people nearby become contacts, each verified to the other."""
    VERIFY = 2
    """Two contacts become verified."""


class EndReason(StrEnum):
    DIFFERENT = "different"
    """The sender's user saw other words."""
    REFUSED = "refused"
    """The sender's user does not want to."""
    BUSY = "busy"
    """The sender compares with somebody else just now, or is asked too often."""
    TIMED_OUT = "timed-out"
    FAILED = "failed"
    """What the receiver has sent does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareStart:
    """`commitment` binds the sender to its key before it has seen the other's. `name` and `nearby` are claims, for MEET."""

    comparison: ComparisonId
    purpose: Purpose
    commitment: bytes
    name: str = ""
    nearby: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareKey:
    comparison: ComparisonId
    public: bytes
    """X25519, 32 bytes."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareConfirm:
    comparison: ComparisonId
    box: bytes
    """Sealed under the agreed key: who the sender is."""
    heard: bool
    """The sender has the other's box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareEnd:
    comparison: ComparisonId
    reason: EndReason


CompareFrame: TypeAlias = CompareStart | CompareKey | CompareConfirm | CompareEnd


def compare_value(frame: CompareFrame) -> Value:
    """The frame as it is encoded."""
    match frame:
        case CompareStart():
            fields: dict[int, Value] = {0: START, 1: frame.comparison, 2: frame.purpose.value, 3: frame.commitment}
            if frame.purpose is Purpose.MEET:
                fields[4] = frame.name
                if frame.nearby:
                    fields[5] = frame.nearby
            return fields
        case CompareKey():
            return {0: KEY, 1: frame.comparison, 2: frame.public, 3: frame.name}
        case CompareConfirm():
            return {0: CONFIRM, 1: frame.comparison, 2: frame.box, 3: frame.heard}
        case CompareEnd():
            return {0: END, 1: frame.comparison, 2: frame.reason.value}


def compare_frame(kind: int, fields: Mapping[int, Value]) -> CompareFrame:
    """The frame of one of the four types; the needed fields are there. Raises `schema.Malformed` only."""
    comparison = ComparisonId(as_id(fields[1], "comparison"))
    if kind == START:
        return CompareStart(
            comparison=comparison,
            purpose=as_enum(fields[2], "purpose", Purpose),
            commitment=as_bytes(fields[3], "commitment", ID_SIZE, ID_SIZE),
            name=as_text(fields[4], "name", MAX_NAME_CHARACTERS) if 4 in fields else "",
            nearby=as_bytes(fields[5], "nearby", NEARBY_ID_BYTES, NEARBY_ID_BYTES) if 5 in fields else b"",
        )
    if kind == KEY:
        return CompareKey(
            comparison=comparison,
            public=as_bytes(fields[2], "public key", ID_SIZE, ID_SIZE),
            name=as_text(fields[3], "name", MAX_NAME_CHARACTERS),
        )
    if kind == CONFIRM:
        return CompareConfirm(
            comparison=comparison,
            box=as_bytes(fields[2], "box", MAX_COMPARISON_BOX_BYTES),
            heard=as_bool(fields[3], "heard"),
        )
    reason = as_text(fields[2], "reason", 32)
    known = {each.value: each for each in EndReason}
    return CompareEnd(comparison=comparison, reason=known.get(reason, EndReason.FAILED))
