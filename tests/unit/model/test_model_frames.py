"""Frames: what a reader accepts of what is almost one, and how many bytes a message takes."""

import pytest

from multichat_tui.model.codec import Reason, Rejected, Value, encode
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import (
    Ack,
    ElidedItem,
    FullItem,
    JoinAnswer,
    JoinOutcome,
    MessageFrame,
    Offer,
    PairFrame,
    Request,
)
from multichat_tui.model.ids import Log
from multichat_tui.model.limits import (
    MAX_ETS,
    MAX_FRAME_BYTES,
    MAX_INTEGER,
    MAX_REQUEST_IDS,
    MAX_REQUEST_RANGES,
    MAX_STATEMENTS,
    MAX_TIMESTAMP_MS,
    PAGE_RECORDS,
)

ID, KEY, PREFIX, SIGNATURE = b"i" * 32, b"k" * 32, b"p" * 8, b"s" * 64
TIP: list[Value] = [PREFIX, 1, 7, PREFIX]
ITEM: list[Value] = [0, 3, 250, PREFIX, SIGNATURE, b"body"]
FULL: list[Value] = [b"header", SIGNATURE, b"body"]

VALID: dict[str, dict[int, Value]] = {
    "offer": {0: 1, 1: 5, 2: [[ID, [TIP]]], 3: [[ID, 1, 9]]},
    "request": {0: 2, 1: PREFIX, 2: [[PREFIX, 0, 3, 3]], 3: [ID], 4: [[ID, 1]]},
    "message": {0: 3, 1: PREFIX, 2: [PREFIX], 3: 1000, 4: [ITEM, [*ITEM, {0: 0}], FULL], 5: [b"statement"]},
    "ack": {0: 4, 1: [[PREFIX, [TIP]]], 2: 5, 3: [[ID, 1, 9]]},
    "join": {0: 5, 1: b"join"},
    "join answer": {0: 6, 1: KEY, 2: "admitted"},
    "pair": {0: 7, 1: KEY, 2: b"devices", 3: b"profile", 4: KEY, 5: False},
}
OPTIONAL = {("message", 5), ("offer", 2), ("offer", 3), ("ack", 1), ("ack", 2), ("ack", 3)}


def decoded(fields: object) -> object:
    return decode_frame(encode(fields))


@pytest.mark.parametrize("name", VALID)
def test_a_frame_is_read_and_written_again_to_the_byte(name: str) -> None:
    frame = decoded(VALID[name])
    assert not isinstance(frame, Rejected)
    if name != "message":  # times are counted from the earliest of them, which this one does not do
        assert encode_frame(frame) == encode(VALID[name])


@pytest.mark.parametrize("name", VALID)
def test_every_field_is_needed_and_newer_ones_are_no_hindrance(name: str) -> None:
    for key in VALID[name]:
        shorter = decoded({k: v for k, v in VALID[name].items() if k != key})
        assert isinstance(shorter, Rejected) == ((name, key) not in OPTIONAL), key
        assert isinstance(decoded({**VALID[name], key: {0: None}}), Rejected), key
    assert decoded({**VALID[name], 40: "newer"}) == decoded(VALID[name])


@pytest.mark.parametrize("value", [None, 1, [], [1, 2], {}, {0: 0}, {0: 8}, {0: "1"}, {0: 2**32}, {1: 1}], ids=repr)
def test_what_has_no_known_type_is_rejected(value: object) -> None:
    assert isinstance(decoded(value), Rejected)


def test_an_unknown_type_is_told_apart() -> None:
    rejected = decoded({0: 99, 1: b"newer"})
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.UNKNOWN


WRONG: list[tuple[str, dict[int, Value]]] = [
    ("offer", {1: -1}),
    ("offer", {2: [[ID[:8], [TIP]]]}),
    ("offer", {2: [[ID, [[PREFIX, 2, 7, PREFIX]]]]}),
    ("offer", {2: [[ID, [[PREFIX, 1, 7, ID]]]]}),
    ("offer", {2: [[ID]]}),
    ("offer", {3: [[ID, 0, 9]]}),
    ("offer", {3: [[ID, 256, 9]]}),
    ("request", {1: ID}),
    ("request", {2: [[PREFIX, 0, 4, 3]]}),
    ("request", {2: [[PREFIX, 0, -1, 3]]}),
    ("request", {2: [[PREFIX, 0, 3, 3]] * (MAX_REQUEST_RANGES + 1)}),
    ("request", {3: [ID] * (MAX_REQUEST_IDS + 1)}),
    ("request", {4: [[ID, 1]] * (MAX_STATEMENTS + 1)}),
    ("request", {5: 1}),
    ("message", {3: MAX_TIMESTAMP_MS}),
    ("message", {3: MAX_TIMESTAMP_MS - 250}),
    ("message", {2: []}),
    ("message", {4: [ITEM] * (PAGE_RECORDS + 1)}),
    ("message", {4: [[1, *ITEM[1:]]]}),
    ("message", {4: [[-1, *ITEM[1:]]]}),
    ("message", {4: [[False, *ITEM[1:]]]}),
    ("message", {4: [[ITEM[0], -1, *ITEM[2:]]]}),
    ("message", {4: [[*ITEM[:2], -1, *ITEM[3:]]]}),
    ("message", {4: [[*ITEM[:3], PREFIX[:7], *ITEM[4:]]]}),
    ("message", {4: [ITEM[:5]]}),
    ("message", {4: [ITEM[:4]]}),
    ("message", {4: [ITEM[:2]]}),
    ("message", {4: [[*ITEM, {}, 0]]}),
    ("message", {4: [[*ITEM, []]]}),
    ("message", {4: [[*ITEM, {7: 0}]]}),
    ("message", {4: [[*ITEM, {0: 2}]]}),
    ("message", {4: [[*ITEM, {1: [[1, 0]]}]]}),
    ("message", {4: [[*ITEM, {1: [[0, 0]] * 17}]]}),
    ("message", {4: [[*ITEM, {3: MAX_ETS}]]}),
    ("message", {4: [[*ITEM, {4: 0}]]}),
    ("message", {4: [[*ITEM, {6: [PREFIX]}]]}),
    ("message", {4: [[*ITEM[:4], SIGNATURE[:63], b"body"]]}),
    ("message", {4: [[*ITEM[:5], None]]}),
    ("message", {4: [[*ITEM[:5], bytes(32 * 1024 + 1)]]}),
    ("message", {4: [[bytes(2049), SIGNATURE, None]]}),
    ("message", {5: [bytes(4097)]}),
    ("ack", {1: [[ID, [TIP]]]}),
    ("ack", {2: -1}),
    ("join", {1: bytes(4097)}),
    ("join answer", {1: PREFIX}),
    ("join answer", {2: "a" * 33}),
    ("pair", {1: PREFIX}),
    ("pair", {4: b"short"}),
    ("pair", {5: 1}),
    ("pair", {2: bytes(24 * 1024 + 1)}),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=[f"{name} {n}" for n, (name, _) in enumerate(WRONG)])
def test_a_frame_that_breaks_one_bound_is_rejected(name: str, wrong: dict[int, Value]) -> None:
    assert isinstance(decoded({**VALID[name], **wrong}), Rejected)


def test_the_bounds_themselves_are_allowed() -> None:
    assert isinstance(decoded({**VALID["request"], 2: [[PREFIX, 1, MAX_INTEGER, MAX_INTEGER]] * MAX_REQUEST_RANGES}), Request)
    assert isinstance(decoded({**VALID["message"], 3: MAX_TIMESTAMP_MS - 251, 4: [ITEM] * PAGE_RECORDS}), MessageFrame)
    assert isinstance(decoded({**VALID["message"], 4: [[b"header", SIGNATURE, None]]}), MessageFrame)


def test_what_an_elided_record_leaves_out_is_none() -> None:
    frame = decoded(VALID["message"])
    assert isinstance(frame, MessageFrame)
    bare, control, full = frame.items
    assert isinstance(bare, ElidedItem)
    assert isinstance(control, ElidedItem)
    assert (bare.log, bare.timestamp_ms, bare.seq) == (Log.CONTENT, 1250, 3)
    assert control.log is Log.CONTROL
    assert {bare.parents, bare.control_heads, bare.ets, bare.kind, bare.expires_ms, bare.recipients} == {None}
    assert full == FullItem(header_bytes=b"header", signature=SIGNATURE, body=b"body")


def test_a_newer_outcome_of_a_join_is_a_refusal() -> None:
    assert decoded({0: 6, 1: KEY, 2: "postponed"}) == JoinAnswer(join_key=KEY, outcome=JoinOutcome.REFUSED)


def test_a_frame_of_more_than_a_mebibyte_is_rejected() -> None:
    assert decode_frame(bytes(MAX_FRAME_BYTES + 1)) == Rejected(
        Reason.TOO_LARGE, f"{MAX_FRAME_BYTES + 1} bytes, at most {MAX_FRAME_BYTES}"
    )


def test_a_short_message_costs_little_beside_its_text() -> None:
    item = ElidedItem(
        device=0,
        log=Log.CONTENT,
        seq=1000,
        timestamp_ms=1_750_000_000_000,
        check=PREFIX,
        signature=SIGNATURE,
        body=bytes(32) + bytes(206),
    )
    frame = MessageFrame(channel=PREFIX, devices=(PREFIX,), items=(item,))
    assert len(encode_frame(frame)) <= 360
    assert len(encode_frame(Ack())) == 5
    assert len(encode_frame(Offer(number=1, channels=()))) == 9


def test_the_greatest_frames_of_the_limits_fit() -> None:
    pair = PairFrame(invitation=KEY, devices=bytes(24 * 1024), profile=bytes(4096), share=KEY, confirmed=True)
    assert decode_frame(encode_frame(pair)) == pair
