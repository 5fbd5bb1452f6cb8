"""Records and acts: every rule of a header by itself, bodies and their hashes, the order of display."""

import dataclasses

import pytest
from builders import START_MS, Person, make_root, person

from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.acts import Admit, Create, Invite, Leave, Message, Remove, Style, Tip, UnknownAct
from multichat_tui.model.codec import Reason, Rejected, encode
from multichat_tui.model.ids import DeviceId, Log, UserId
from multichat_tui.model.limits import LIFTING_ETS, MAX_BODY_BYTES, MAX_ETS, MAX_HEADER_BYTES, MAX_TIMESTAMP_MS, SALT_BYTES
from multichat_tui.model.records import (
    Header,
    Kind,
    body_hash,
    decode_header,
    decode_record,
    encode_header,
    expected_ets,
    record_id,
    seal_body,
    shape_fault,
    size_bucket,
)

SALT = bytes(range(32))
BODY = seal_body(b"\xa0", SALT)
A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))
CONTENT = {
    0: 1,
    1: 1,
    2: Kind.CONTENT.value,
    3: C,
    4: 1,
    5: bytes(32),
    6: 1,
    7: A,
    8: [A, B],
    9: [B],
    10: START_MS,
    11: START_MS + 1,
    14: body_hash(BODY),
    15: 0,
}
CONTROL = {**CONTENT, 2: Kind.CONTROL.value, 4: 0, 9: []}
ROOT = {key: value for key, value in {**CONTROL, 2: Kind.ROOT.value, 6: 0, 8: []}.items() if key not in (3, 7)}


def header_of(fields: dict[int, object]) -> Header | Rejected:
    return decode_header(encode(dict(sorted(fields.items()))))


@pytest.mark.parametrize("fields", [CONTENT, CONTROL, ROOT, {**CONTENT, 12: START_MS, 13: [A, B]}])
def test_a_header_that_keeps_the_rules_is_read(fields: dict[int, object]) -> None:
    header = header_of(fields)
    assert isinstance(header, Header)
    assert encode_header(header) == encode(dict(sorted(fields.items())))
    assert shape_fault(header) is None


@pytest.mark.parametrize("key", sorted(ROOT))
def test_every_field_is_needed(key: int) -> None:
    assert isinstance(header_of({k: v for k, v in ROOT.items() if k != key}), Rejected)


def test_the_channel_and_prev_are_absent_only_where_they_must_be() -> None:
    without_channel = {k: v for k, v in CONTENT.items() if k != 3}
    assert isinstance(header_of(without_channel), Rejected)
    assert isinstance(header_of({k: v for k, v in CONTENT.items() if k != 7}), Rejected)
    assert isinstance(header_of({**CONTENT, 6: 0}), Rejected)
    assert isinstance(header_of({k: v for k, v in {**CONTENT, 6: 0}.items() if k != 7}), Header)
    assert isinstance(header_of({**ROOT, 3: C}), Rejected)
    assert isinstance(header_of({**ROOT, 6: 1, 7: A}), Rejected)


@pytest.mark.parametrize(
    "wrong",
    [
        {0: 0},
        {0: 256},
        {1: 0},
        {2: 0},
        {2: 256},
        {2: Kind.CONTROL.value},
        {2: Kind.ROOT.value},
        {3: C[:-1]},
        {3: None},
        {4: 0},
        {4: 2},
        {4: True},
        {5: bytes(33)},
        {6: -1},
        {7: B[:-1]},
        {8: [B, A]},
        {8: [A, A]},
        {8: [bytes((n,)) * 32 for n in range(17)]},
        {8: A},
        {9: []},
        {9: [bytes((n,)) * 32 for n in range(17)]},
        {9: [B, A]},
        {10: -1},
        {10: MAX_TIMESTAMP_MS},
        {11: MAX_ETS},
        {11: -1},
        {12: MAX_TIMESTAMP_MS},
        {12: None},
        {13: [B, A]},
        {13: [A[:-1]]},
        {13: None},
        {14: bytes(31)},
        {14: "a" * 32},
        {15: 64},
        {15: -1},
        {15: False},
    ],
    ids=repr,
)
def test_a_content_header_that_breaks_one_rule_is_rejected(wrong: dict[int, object]) -> None:
    assert isinstance(header_of({**CONTENT, **wrong}), Rejected)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        (CONTROL, {8: []}),
        (CONTROL, {9: [A]}),
        (CONTROL, {4: 1}),
        (ROOT, {8: [A]}),
        (ROOT, {9: [A]}),
        (ROOT, {4: 1}),
        (ROOT, {4: 1, 9: [A]}),
    ],
)
def test_a_control_header_that_breaks_one_rule_is_rejected(fields: dict[int, object], wrong: dict[int, object]) -> None:
    assert isinstance(header_of({**fields, **wrong}), Rejected)


def test_the_bounds_themselves_are_allowed() -> None:
    edges = {6: 2**63 - 1, 8: [bytes((n,)) * 32 for n in range(16)], 10: MAX_TIMESTAMP_MS - 1, 11: MAX_ETS - 1, 15: 63}
    assert isinstance(header_of({**CONTENT, **edges}), Header)


def test_newer_kinds_stand_in_either_log() -> None:
    assert isinstance(header_of({**CONTENT, 2: 200}), Header)
    assert isinstance(header_of({**CONTROL, 2: 200}), Header)
    assert isinstance(header_of({**CONTENT, 2: Kind.MERGE.value}), Header)
    assert isinstance(header_of({**CONTROL, 2: Kind.MERGE.value}), Header)


def test_a_header_has_room_for_all_its_parents_and_some_recipients() -> None:
    many = [bytes((n,)) * 32 for n in range(16)]
    full = {**CONTENT, 6: 2**63 - 1, 8: many, 9: many, 12: START_MS, 13: [bytes((n,)) * 32 for n in range(20)]}
    assert isinstance(header_of(full), Header)
    assert isinstance(header_of({**full, 13: [bytes((n,)) * 32 for n in range(30)]}), Rejected)
    assert header_of({**CONTENT, 16: bytes(MAX_HEADER_BYTES)}).reason is Reason.TOO_LARGE


def test_keys_from_sixteen_on_belong_to_newer_versions() -> None:
    assert header_of({**CONTENT, 16: [b"newer"], 65535: None}) == header_of(CONTENT)


def test_a_newer_key_is_kept_to_the_byte_and_signed() -> None:
    encoded = encode({**CONTENT, 16: b"newer"})
    record = decode_record(encoded, bytes(64), BODY)
    assert not isinstance(record, Rejected)
    assert record.header_bytes == encoded
    assert record.id == record_id(encoded) != record_id(encode(CONTENT))


def test_dependencies_are_everything_named_once() -> None:
    header = header_of(CONTENT)
    assert isinstance(header, Header)
    assert header.dependencies == (A, B)


# Bodies


@pytest.mark.parametrize(("size", "bucket"), [(0, 0), (33, 0), (64, 0), (65, 1), (128, 1), (129, 2), (32768, 9), (32769, 10)])
def test_a_bucket_is_the_smallest_that_holds(size: int, bucket: int) -> None:
    assert size_bucket(size) == bucket


def record_with(body: bytes, **other: int) -> object:
    fields = {**CONTENT, 14: body_hash(body), 15: other.get("bucket", size_bucket(len(body)))}
    return decode_record(encode(fields), bytes(other.get("signature", 64)), body)


def test_bodies_are_bounded_and_are_never_a_salt_alone() -> None:
    assert not isinstance(record_with(SALT + b"a"), Rejected)
    assert not isinstance(record_with(SALT + bytes(MAX_BODY_BYTES - SALT_BYTES)), Rejected)
    for size in (MAX_BODY_BYTES + 1, SALT_BYTES):
        rejected = record_with(bytes(size))
        assert isinstance(rejected, Rejected)
        assert rejected.reason is Reason.LIMIT
    assert isinstance(decode_record(encode(CONTENT), bytes(64), b""), Rejected)


def test_a_body_is_the_one_that_was_hashed() -> None:
    header = encode(CONTENT)
    assert not isinstance(decode_record(header, bytes(64), BODY), Rejected)
    for other in (BODY[:-1] + b"\xa1", b"\xff" + BODY[1:], BODY + b"\0", BODY[:-1]):
        assert isinstance(decode_record(header, bytes(64), other), Rejected)
    assert isinstance(record_with(BODY, bucket=1), Rejected)


def test_the_salt_hides_what_a_body_was() -> None:
    assert body_hash(seal_body(b"yes", SALT)) != body_hash(seal_body(b"yes", bytes(32)))
    with pytest.raises(ValueError, match="32"):
        seal_body(b"yes", bytes(31))


def test_a_record_may_come_without_its_body_and_never_without_a_signature() -> None:
    record = decode_record(encode(CONTENT), bytes(64), None)
    assert not isinstance(record, Rejected)
    assert record.body is None
    for size in (0, 63, 65):
        assert isinstance(record_with(BODY, signature=size), Rejected)


def test_the_root_is_its_own_channel() -> None:
    root = make_root((person("ada"),))
    assert root.channel == root.id


# Order


@pytest.mark.parametrize(
    ("timestamp_ms", "parents", "ets"),
    [
        (5, [], 5),
        (5, [3], 5),
        (5, [5], 6),
        (5, [9, 7], 10),
        (5, [LIFTING_ETS], 5),
        (5, [LIFTING_ETS - 1], LIFTING_ETS),
        (5, [MAX_ETS - 1, 8], 9),
    ],
)
def test_a_record_stands_after_its_parents_unless_their_place_is_absurd(timestamp_ms: int, parents: list[int], ets: int) -> None:
    assert expected_ets(timestamp_ms, parents) == ets


def test_headers_built_by_hand_are_checked_alike() -> None:
    header = header_of(CONTENT)
    assert isinstance(header, Header)
    for change in ({"prev": None}, {"parents": (B, A)}, {"control_heads": ()}, {"log": Log.CONTROL}, {"recipients": (A, A)}):
        assert isinstance(shape_fault(dataclasses.replace(header, **change)), Rejected)


# Acts


@pytest.fixture
def ada() -> Person:
    return person("ada")


@pytest.fixture
def grace() -> Person:
    return person("grace")


def create(*founders: tuple[Person, ...], style: Style = Style.GROUP, nonce: bytes = bytes(16)) -> bytes:
    certificates = tuple(tuple(p.certificate for p in founder) for founder in founders)
    return encode_acts((Create(style=style, name="harbour", founders=certificates, nonce=nonce),))


def test_a_channel_has_founders_each_of_one_account(ada: Person, grace: Person) -> None:
    assert isinstance(decode_acts(create((ada,), (grace,)), Log.CONTROL), tuple)
    assert isinstance(decode_acts(create((ada, person("ada", 1)), style=Style.GROUP), Log.CONTROL), tuple)
    assert isinstance(decode_acts(create((ada,), (grace,), style=Style.DIRECT), Log.CONTROL), tuple)
    wrong = [
        create(),
        create(()),
        create((ada, grace)),
        create((ada,), (ada,)),
        create((ada,), style=Style.DIRECT),
        create((ada,), (grace,), (person("eve"),), style=Style.DIRECT),
        create(*((person(str(n)),) for n in range(17))),
        create((ada,), nonce=bytes(15)),
        create((ada,), nonce=bytes(33)),
    ]
    assert all(isinstance(decode_acts(encoded, Log.CONTROL), Rejected) for encoded in wrong)


def test_create_admit_and_leave_stand_alone(ada: Person) -> None:
    root = make_root((ada,))
    assert root.body is not None
    founding = decode_acts(root.body[SALT_BYTES:], Log.CONTROL)
    assert isinstance(founding, tuple)
    for act in (founding[0], Admit(join=b"join"), Leave()):
        assert decode_acts(encode_acts((act,)), Log.CONTROL) == (act,)
        assert isinstance(decode_acts(encode_acts((act, Message(text="hi"))), Log.CONTROL), Rejected)


def test_control_acts_do_not_stand_among_content() -> None:
    mixed = encode_acts((Message(text="hi"), Leave()))
    assert isinstance(decode_acts(mixed, Log.CONTENT), Rejected)
    assert isinstance(decode_acts(encode_acts((UnknownAct(type=63, fields={}),)), Log.CONTENT), Rejected)
    newer = (UnknownAct(type=64 + 1, fields={1: b"x"}),)
    assert decode_acts(encode_acts(newer), Log.CONTENT) == newer


@pytest.mark.parametrize(
    "fields",
    [
        {0: 64},
        {0: 64, 1: ""},
        {0: 64, 1: "a" * 8001},
        {0: 64, 1: b"a"},
        {0: 64, 1: "a", 2: b"short"},
        {0: 0},
        {0: 2**16 + 1},
        {0: "64"},
        {1: "a"},
        {0: 2, 1: A, 2: B, 3: 101, 4: 1, 5: 0},
        {0: 2, 1: A, 2: B, 3: 50, 4: 0, 5: 0},
        {0: 2, 1: A, 2: B, 3: 50, 4: 1025, 5: 0},
        {0: 2, 1: A, 2: B, 3: 50, 4: 1, 5: 2**48},
        {0: 2, 1: A, 2: B, 3: 50, 4: 1},
        {0: 3, 1: A, 2: 16},
        {0: 4, 1: bytes(4097)},
        {0: 5, 1: A, 2: [[A, 2, 0, B]], 3: ""},
        {0: 5, 1: A, 2: [[A, 0, 0]], 3: ""},
        {0: 5, 1: A, 2: [], 3: "a" * 301},
        {0: 7, 1: "a" * 301},
        {0: 8, 1: ""},
        {0: 8, 1: "a" * 49},
    ],
    ids=repr,
)
def test_an_act_that_breaks_its_bounds_is_rejected(fields: dict[int, object]) -> None:
    assert isinstance(decode_acts(encode({0: [fields]}), Log.CONTROL), Rejected)


@pytest.mark.parametrize("content", [{}, {0: []}, {0: [[]]}, {0: [{0: 6}] * 17}, {0: None}, [], None, {1: [{0: 6}]}], ids=repr)
def test_content_without_acts_is_rejected(content: object) -> None:
    assert isinstance(decode_acts(encode(content), Log.CONTROL), Rejected)


def test_the_longest_message_fits_a_record() -> None:
    longest = Message(text="\U0001f600" * 8000, reply_to=A)
    content = encode_acts((longest,))
    assert decode_acts(content, Log.CONTENT) == (longest,)
    assert len(content) + SALT_BYTES <= MAX_BODY_BYTES


def test_nothing_and_too_much_are_not_written() -> None:
    for acts in ((), (Leave(),) * 17):
        with pytest.raises(ValueError, match="1 to 16"):
            encode_acts(acts)


def test_fields_of_newer_versions_do_not_hinder(ada: Person) -> None:
    tip = Tip(device=DeviceId(A), log=Log.CONTENT, seq=3, hash=B)
    removal = Remove(user=UserId(C), fence=(tip,), reason="spam")
    assert decode_acts(encode_acts((removal,)), Log.CONTROL) == (removal,)
    newer = encode({0: [{0: 64, 1: "hi", 9: b"newer"}], 5: None})
    assert decode_acts(newer, Log.CONTENT) == (Message(text="hi"),)
    invite = Invite(join_key=A, token_key=B, rank=0, uses=1024, expires_ms=0)
    assert decode_acts(encode_acts((invite,)), Log.CONTROL) == (invite,)
