"""Links that grant a place in a mailbox, and the frames of its protocol: what is read, and what is not."""

import pytest

from multichat_tui.crypto.keys import Signer
from multichat_tui.crypto.mailboxes import audit_proof, deposit_holds, sign_deposit
from multichat_tui.model.codec import Reason, Rejected, Value, encode
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.invitations import pack_link
from multichat_tui.model.limits import (
    MAX_ALLOWED_AT_ONCE,
    MAX_DELETED_AT_ONCE,
    MAX_ENVELOPE_BYTES,
    MAX_FETCHED_AT_ONCE,
    MAX_HAS_AT_ONCE,
    MAX_INTEGER,
    MAX_LISTED_ENVELOPES,
    MAX_TIMESTAMP_MS,
)
from multichat_tui.model.mailbox_frames import DepositReceipt, GrantUsage, MailboxAnswer, PutEnvelope, Word
from multichat_tui.model.mailboxes import (
    MailboxAddress,
    MailboxGrant,
    MailboxId,
    decode_mailbox_address,
    envelope_hash,
    parse_mailbox_link,
    queue_id,
)

ADDRESS = MailboxAddress(mailbox=MailboxId(b"m" * 32), door_key=b"d" * 32, addresses=("203.0.113.5:4711", "[2001:db8::1]:4711"))
GRANT = MailboxGrant(address=ADDRESS, seed=b"s" * 16)


def test_a_grant_comes_back_from_its_link_even_wrapped():
    assert parse_mailbox_link(GRANT.link) == GRANT
    wrapped = "\n  ".join(GRANT.link[i : i + 30] for i in range(0, len(GRANT.link), 30))
    assert parse_mailbox_link(f" {wrapped}\n") == GRANT
    assert GRANT.link.startswith("multichat:mailbox/")


def test_a_link_that_is_cut_or_of_another_kind_is_told_apart():
    cut = parse_mailbox_link(GRANT.link[:-1])
    assert isinstance(cut, Rejected)
    assert cut.detail == "the link is cut off or mistyped"
    other = parse_mailbox_link(GRANT.link.replace("mailbox/", "pair/"))
    assert isinstance(other, Rejected)
    assert other.detail == "a mailbox link begins with multichat:mailbox/"


@pytest.mark.parametrize(
    "body",
    [
        {0: 2, 1: ADDRESS.value, 2: b"s" * 16},
        {0: 1, 1: ADDRESS.value, 2: b"s" * 15},
        {0: 1, 1: ADDRESS.value},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 32}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 31, 1: b"d" * 32, 2: ["h:1"]}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 31, 2: ["h:1"]}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 32, 2: []}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 32, 2: ["h:1"] * 5}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 32, 2: ["h 1"]}, 2: b"s" * 16},
        {0: 1, 1: {0: b"m" * 32, 1: b"d" * 32, 2: ["h\x1b:1"]}, 2: b"s" * 16},
        [1],
    ],
)
def test_a_link_with_something_else_in_it_is_refused(body: Value):
    assert isinstance(parse_mailbox_link(pack_link("mailbox", encode(body))), Rejected)


def test_nothing_of_a_grant_shows_when_it_is_printed():
    assert "s" * 16 not in repr(GRANT)
    assert "d" * 32 not in repr(ADDRESS)


def test_an_address_stands_for_itself():
    assert decode_mailbox_address(encode(ADDRESS.value)) == ADDRESS


def test_a_receipt_is_that_mailboxs_for_that_envelope_queue_and_time():
    signer, queue, other = Signer(bytes(32)), queue_id(b"q" * 32), queue_id(b"r" * 32)
    receipt = sign_deposit(signer, queue, envelope_hash(b"envelope"), 5)
    box = MailboxId(signer.public)
    assert deposit_holds(box, queue, receipt)
    assert not deposit_holds(box, other, receipt)
    assert not deposit_holds(MailboxId(b"m" * 32), queue, receipt)
    changed = DepositReceipt(envelope=receipt.envelope, expires_ms=6, signature=receipt.signature)
    assert not deposit_holds(box, queue, changed)
    changed = DepositReceipt(envelope=envelope_hash(b"another"), expires_ms=5, signature=receipt.signature)
    assert not deposit_holds(box, queue, changed)


def test_a_proof_is_of_one_envelope_under_one_nonce():
    proofs = {audit_proof(nonce, envelope) for nonce in (bytes(32), b"\1" * 32) for envelope in (b"a", b"b")}
    assert len(proofs) == 4


KEY, SIGNATURE, QUEUE, WRITER = b"k" * 32, b"s" * 64, b"q" * 16, b"w" * 8
VALID: dict[str, dict[int, Value]] = {
    "grant": {0: 32, 1: 1, 2: KEY, 3: SIGNATURE},
    "open": {0: 33, 1: 1, 2: KEY, 3: SIGNATURE, 4: 9},
    "take": {0: 34, 1: 1, 2: KEY, 3: SIGNATURE},
    "allow": {0: 35, 1: 1, 2: QUEUE, 3: [[KEY, 7]], 4: [WRITER]},
    "write": {0: 36, 1: 1, 2: QUEUE, 3: KEY, 4: SIGNATURE},
    "put": {0: 37, 1: 1, 2: QUEUE, 3: WRITER, 4: b"envelope", 5: 9},
    "list": {0: 38, 1: 1, 2: QUEUE, 3: 0, 4: 9, 5: True},
    "fetch": {0: 39, 1: 1, 2: QUEUE, 3: [1, 2]},
    "delete": {0: 40, 1: 1, 2: QUEUE, 3: [1, 2]},
    "close": {0: 41, 1: 1, 2: QUEUE},
    "challenge": {0: 42, 1: 1, 2: QUEUE, 3: KEY, 4: KEY},
    "has": {0: 43, 1: 1, 2: QUEUE, 3: [KEY]},
    "deposited": {0: 44, 1: 1, 2: [[KEY, 9, SIGNATURE]], 3: [KEY]},
    "listing": {0: 45, 1: 0, 2: QUEUE, 3: [[1, KEY, 9, WRITER, 5]], 4: False},
    "envelopes": {0: 46, 1: 1, 2: QUEUE, 3: [[1, WRITER, b"envelope"]], 4: 0},
    "answer": {0: 47, 1: 1, 2: "done", 3: 500, 4: KEY, 5: [1, 2, 3, 4]},
}
OPTIONAL = {("allow", 4), ("open", 4), ("deposited", 3), ("list", 5), ("answer", 3), ("answer", 4), ("answer", 5)}


@pytest.mark.parametrize("name", VALID)
def test_a_frame_of_the_mailbox_is_read_and_written_again_to_the_byte(name: str):
    frame = decode_frame(encode(VALID[name]))
    assert not isinstance(frame, Rejected)
    assert encode_frame(frame) == encode(VALID[name])


@pytest.mark.parametrize("name", VALID)
def test_every_field_of_it_is_needed_and_newer_ones_are_no_hindrance(name: str):
    for key in VALID[name]:
        if key == 0:
            continue
        shorter = decode_frame(encode({k: v for k, v in VALID[name].items() if k != key}))
        assert isinstance(shorter, Rejected) == ((name, key) not in OPTIONAL), key
        assert isinstance(decode_frame(encode({**VALID[name], key: {0: None}})), Rejected), key
    assert decode_frame(encode({**VALID[name], 40: "newer"})) == decode_frame(encode(VALID[name]))


WRONG: list[tuple[str, dict[int, Value]]] = [
    ("grant", {1: -1}),
    ("grant", {2: KEY[:31]}),
    ("grant", {3: SIGNATURE[:63]}),
    ("open", {2: QUEUE}),
    ("open", {4: -1}),
    ("deposited", {3: [QUEUE]}),
    ("deposited", {3: [KEY] * (MAX_HAS_AT_ONCE + 1)}),
    ("take", {3: KEY}),
    ("allow", {2: WRITER}),
    ("allow", {3: [[KEY]]}),
    ("allow", {3: [[KEY, -1]]}),
    ("allow", {3: [[KEY, 1]] * (MAX_ALLOWED_AT_ONCE + 1)}),
    ("allow", {4: [KEY]}),
    ("allow", {4: [WRITER] * (MAX_ALLOWED_AT_ONCE + 1)}),
    ("write", {3: WRITER}),
    ("put", {3: KEY}),
    ("put", {5: MAX_TIMESTAMP_MS}),
    ("list", {3: -1}),
    ("list", {4: MAX_LISTED_ENVELOPES + 1}),
    ("list", {5: 1}),
    ("fetch", {3: [0]}),
    ("fetch", {3: [1] * (MAX_FETCHED_AT_ONCE + 1)}),
    ("delete", {3: [MAX_INTEGER + 0, -1]}),
    ("delete", {3: [1] * (MAX_DELETED_AT_ONCE + 1)}),
    ("close", {2: KEY}),
    ("challenge", {3: QUEUE}),
    ("challenge", {4: KEY[:31]}),
    ("has", {3: [QUEUE]}),
    ("has", {3: [KEY] * (MAX_HAS_AT_ONCE + 1)}),
    ("deposited", {2: [[KEY, 9]]}),
    ("deposited", {2: [[KEY, 9, KEY]]}),
    ("listing", {3: [[0, KEY, 9, WRITER, 5]]}),
    ("listing", {3: [[1, KEY, 0, WRITER, 5]]}),
    ("listing", {3: [[1, KEY, MAX_ENVELOPE_BYTES + 1, WRITER, 5]]}),
    ("listing", {4: 0}),
    ("envelopes", {3: [[1, WRITER, b""]]}),
    ("envelopes", {3: [[1, WRITER, bytes(MAX_ENVELOPE_BYTES + 1)]]}),
    ("envelopes", {4: -1}),
    ("answer", {2: "w" * 33}),
    ("answer", {3: -1}),
    ("answer", {4: b"short"}),
    ("answer", {5: [1, 2, 3]}),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=[f"{name} {n}" for n, (name, _) in enumerate(WRONG)])
def test_a_frame_of_it_that_breaks_one_bound_is_rejected(name: str, wrong: dict[int, Value]):
    rejected = decode_frame(encode({**VALID[name], **wrong}))
    assert isinstance(rejected, Rejected)
    assert rejected.reason in (Reason.SCHEMA, Reason.LIMIT, Reason.TYPE)


def test_an_envelope_that_is_too_large_still_has_a_number_to_answer():
    put = decode_frame(encode({**VALID["put"], 4: bytes(MAX_ENVELOPE_BYTES + 1)}))
    assert isinstance(put, PutEnvelope)
    assert put.number == 1


def test_an_unknown_word_is_a_refusal():
    assert decode_frame(encode({0: 47, 1: 1, 2: "newer"})) == MailboxAnswer(number=1, word=Word.REFUSED)


def test_what_a_grant_allows_comes_back():
    usage = GrantUsage(used_bytes=1, quota_bytes=2, queues=3, most_queues=4)
    answer = MailboxAnswer(number=1, word=Word.DONE, usage=usage)
    assert decode_frame(encode_frame(answer)) == answer
