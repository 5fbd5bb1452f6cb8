"""The code against the frozen vectors: a change of any format, however it came about, fails here."""

import json
from pathlib import Path
from typing import Any

import make
import pytest

from multichat_tui.channel.resources import registry
from multichat_tui.channel.resources.folding import fold
from multichat_tui.channel.resources.shape import Deed
from multichat_tui.crypto.envelopes import envelope_bytes, unwrap, verifier, wrap, wrapper_key, writer_seed
from multichat_tui.crypto.identity import (
    account_from_phrase,
    certificate_holds,
    device_list_holds,
    device_statement_holds,
    join_holds,
    receipt_holds,
    safety_number,
    statement_holds,
)
from multichat_tui.crypto.keys import agree, link_key, mac, pair_key, public_key, sealing_public_key, sign, verify
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.acts import Devices
from multichat_tui.model.codec import Rejected, decode, encode
from multichat_tui.model.device_statements import DeviceStatement, decode_device_statement
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import MessageFrame, ReturnFrame
from multichat_tui.model.identity import Certificate, DeviceList, decode_certificate, decode_device_list
from multichat_tui.model.ids import Log, RecordId, UserId, digest, fingerprint, short, user_id
from multichat_tui.model.invitations import Invitation, join_seed, parse_link, token_key
from multichat_tui.model.joins import Join, decode_join
from multichat_tui.model.mailboxes import MailboxGrant, parse_mailbox_link
from multichat_tui.model.ports import FirstMessage
from multichat_tui.model.receipts import Receipt, decode_receipt
from multichat_tui.model.records import body_hash, decode_record, encode_header, seal_body, signed_bytes
from multichat_tui.model.sealed import Sealed, decode_sealed
from multichat_tui.model.statements import Profile, Statement, StatementKind, decode_profile, decode_statement
from multichat_tui.model.vouching import decode_introductions, decode_vouches


def frozen(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize("name", make.everything())
def test_what_is_made_now_is_what_was_made_then(name: str) -> None:
    assert make.everything()[name] == frozen(name)


def test_encodings_are_accepted_and_rejected_as_ever() -> None:
    vectors = frozen("codec")
    for case in vectors["accepted"]:
        value = decode(unhex(case["encoded"]), 100)
        assert repr(value) == case["value"]
        assert encode(value).hex() == case["encoded"]
    for name, encoded in vectors["rejected"].items():
        assert isinstance(decode(unhex(encoded), 100), Rejected), name


@pytest.mark.parametrize("case", frozen("accounts"), ids=lambda case: case["short"])
def test_phrases_lead_to_the_same_keys_as_ever(case: dict[str, str]) -> None:
    account = account_from_phrase(case["phrase"])
    assert account is not None
    assert account.entropy.hex() == case["entropy"]
    assert digest("mc.acctsig", account.entropy).hex() == account.seed.hex() == case["signing_seed"]
    assert digest("mc.acctdh", account.entropy).hex() == account.sealing_secret.hex() == case["sealing_secret"]
    assert public_key(account.seed).hex() == case["account_key"]
    assert sealing_public_key(account.sealing_secret).hex() == case["sealing_key"]
    user = user_id(unhex(case["account_key"]))
    assert (user.hex(), fingerprint(user), short(user)) == (case["user"], case["fingerprint"], case["short"])


def test_keys_derive_as_ever() -> None:
    vectors = frozen("keys")
    case = vectors["digest"]
    assert digest(case["domain"], unhex(case["message"])).hex() == case["digest"]
    case = vectors["mac"]
    assert mac(unhex(case["key"]), case["domain"], *map(unhex, case["parts"])).hex() == case["mac"]
    case = vectors["signature"]
    assert sign(unhex(case["seed"]), unhex(case["message"])).hex() == case["signature"]
    case = vectors["pair"]
    secret, mine, theirs = (unhex(case[name]) for name in ("secret", "mine", "theirs"))
    shared = agree(secret, theirs)
    assert shared is not None
    assert shared.hex() == case["shared_point"]
    paired, pair = pair_key(secret, mine, theirs, unhex(case["pairing_secret"])), pair_key(secret, mine, theirs)
    assert paired is not None
    assert pair is not None
    assert (paired.hex(), pair.hex()) == (case["pair_key_of_contacts"], case["pair_key_of_others"])
    assert link_key(paired).hex() == case["link_key_of_contacts"]
    case = vectors["safety_number"]
    assert safety_number(*(UserId(unhex(user)) for user in case["users"])) == case["number"]


def test_envelopes_are_made_and_opened_as_ever() -> None:
    vectors = frozen("envelopes")
    pair, queue, device = (unhex(vectors[name]) for name in ("pair", "queue", "device"))
    key = wrapper_key(pair, queue)
    assert key.hex() == vectors["wrapper_key"]
    assert writer_seed(pair, queue, device).hex() == vectors["writer_seed"]
    assert verifier(pair, queue, device).hex() == vectors["verifier"]
    prefix = unhex(vectors["verifier"])[:8]
    for case in vectors["messages"]:
        sealed, envelope = unhex(case["sealed"]), unhex(case["envelope"])
        assert wrap(key, queue, prefix, sealed) == envelope
        assert unwrap(key, queue, prefix, envelope) == sealed
        found = decode_sealed(sealed)
        assert isinstance(found, Sealed)
        shown = (found.session.hex(), found.counter, found.kind, found.ciphertext.hex())
        assert shown == tuple(case[name] for name in ("session", "counter", "kind", "ciphertext"))
    first = OlmRatchets().first(unhex(vectors["messages"][0]["ciphertext"]))
    assert isinstance(first, FirstMessage)
    assert (first.session.hex(), first.prekey.hex()) == (vectors["messages"][0]["session"], vectors["prekey_of_the_first"])
    assert all(envelope_bytes(length) == size for length, size in vectors["sizes"])


def test_what_was_signed_holds_as_ever() -> None:
    vectors = frozen("signed")
    certificate = decode_certificate(unhex(vectors["certificate"]["encoded"]))
    assert isinstance(certificate, Certificate)
    assert certificate_holds(certificate)
    assert certificate.body.hex() == vectors["certificate"]["body"]
    devices = decode_device_list(unhex(vectors["device_list"]["encoded"]))
    assert isinstance(devices, DeviceList)
    assert device_list_holds(devices)
    assert devices.digest.hex() == vectors["device_list"]["digest"]
    join = decode_join(unhex(vectors["join"]["encoded"]))
    assert isinstance(join, Join)
    assert join_holds(join)
    assert join.join_key == public_key(unhex(vectors["join"]["join_seed"]))
    seed = unhex(vectors["join"]["invitation_seed"])
    assert (join_seed(seed).hex(), token_key(seed).hex()) == (vectors["join"]["join_seed"], vectors["join"]["token_key"])
    statement = decode_statement(unhex(vectors["profile"]["encoded"]))
    assert isinstance(statement, Statement)
    assert statement_holds(statement)
    receipt = decode_receipt(unhex(vectors["receipt"]["encoded"]))
    assert isinstance(receipt, Receipt)
    assert receipt_holds(receipt)
    assert receipt.number == vectors["receipt"]["number"]
    assert [[c.device.hex(), c.seq, c.hash.hex()] for c in receipt.chains] == vectors["receipt"]["chains"]
    assert decode_profile(statement.content) == Profile(name=vectors["profile"]["name"], status=vectors["profile"]["status"])


def test_what_devices_say_is_read_as_ever() -> None:
    vector = frozen("signed")["device_statement"]
    said = decode_device_statement(unhex(vector["encoded"]))
    assert isinstance(said, DeviceStatement)
    assert device_statement_holds(said)
    assert (said.audience.hex(), said.kind, said.number) == (vector["audience"], vector["kind"], vector["number"])
    assert said.content.hex() == vector["content"]


def test_what_is_told_to_contacts_alone_is_read_as_ever() -> None:
    vectors = frozen("signed")
    for name, kind in (("vouches", StatementKind.VOUCH), ("introductions", StatementKind.INTRODUCTION)):
        case = vectors[name]
        statement = decode_statement(unhex(case["encoded"]))
        assert isinstance(statement, Statement)
        assert statement_holds(statement)
        assert (statement.kind, statement.number, statement.content) == (kind, case["number"], unhex(case["content"]))
    vouches = decode_vouches(unhex(vectors["vouches"]["content"]))
    assert not isinstance(vouches, Rejected)
    assert [[one.user.hex(), one.since_ms, one.note] for one in vouches] == vectors["vouches"]["list"]
    found = decode_introductions(unhex(vectors["introductions"]["content"]))
    assert not isinstance(found, Rejected)
    reader, introductions = found
    assert reader.hex() == vectors["introductions"]["reader"]
    assert [
        [one.other.hex(), one.name, one.seed.hex(), one.hosts, one.since_ms, one.expires_ms, one.note] for one in introductions
    ] == vectors["introductions"]["list"]


@pytest.mark.parametrize("case", frozen("acts"), ids=lambda case: case["name"])
def test_acts_are_read_as_ever(case: dict[str, str]) -> None:
    found = decode_acts(unhex(case["content"]), Log.CONTROL)
    assert found == make.acts()[case["name"]]
    assert not isinstance(found, Rejected)
    assert encode_acts(found).hex() == case["content"]


@pytest.mark.parametrize("case", frozen("resources"), ids=lambda case: case["name"])
def test_acts_on_resources_count_as_ever(case: dict[str, Any]) -> None:
    def deed(written: dict[str, Any]) -> Deed:
        acts = decode_acts(unhex(written["content"]), Log.CONTENT)
        assert not isinstance(acts, Rejected)
        read = registry().read(acts[0])
        assert read is not None
        assert read.target in (None, (unhex(case["made"]["record"]), 0))
        return Deed(
            shape=read.shape,
            record=RecordId(unhex(written["record"])),
            index=0,
            ets=written["ets"],
            time_ms=0,
            user=UserId(unhex(written["user"])),
            rank=0,
            moderates=False,
            values=read.values,
            after=read.after,
        )

    present = fold(deed(case["made"]), map(deed, case["acts"]))
    assert sorted(each.record.hex() for each in present.accepted) == case["accepted"]
    assert sorted(each.record.hex() for each in present.slots.values()) == case["counts"]


@pytest.mark.parametrize("case", frozen("records"), ids=lambda case: case["name"])
def test_records_are_read_and_hold_as_ever(case: dict[str, Any]) -> None:
    body = seal_body(unhex(case["content"]), unhex(case["salt"]))
    record = decode_record(unhex(case["header"]), unhex(case["signature"]), body)
    assert not isinstance(record, Rejected)
    assert record.id.hex() == case["id"]
    assert body_hash(body).hex() == case["body_hash"]
    assert record.header.body_size_bucket == case["body_size_bucket"]
    assert encode_header(record.header).hex() == case["header"]
    assert verify(record.header.device, signed_bytes(record.id), record.signature)


@pytest.mark.parametrize("case", frozen("frames"), ids=lambda case: case["name"])
def test_frames_are_read_as_ever(case: dict[str, str]) -> None:
    found = decode_frame(unhex(case["encoded"]))
    assert found == make.all_frames()[case["name"]]
    assert not isinstance(found, Rejected)
    assert encode_frame(found).hex() == case["encoded"]


@pytest.mark.parametrize("case", frozen("links")["handshakes"], ids=lambda case: case["name"])
def test_handshakes_are_signed_as_the_protocol_says(case: dict[str, Any]) -> None:
    """The formulas of docs/protocol/links.md, section 13, once more, beside the code that implements them."""
    key, bound = unhex(case["key"]), unhex(case["certificate_hash"])
    nonce, hello, proof = (unhex(case[name]) for name in ("server_nonce", "client_hello", "server_proof"))
    assert (len(nonce), len(hello), len(proof)) == (32, 1024, 1024)
    assert hello[32:64] == mac(key, "mc.hs.client", bound, nonce, hello[:32])
    said = digest("mc.hs.said", bound + nonce + hello + proof[96:])
    assert proof[:32] == mac(key, "mc.hs.server", said)
    server, client = (public_key(unhex(case[side]["device_seed"])) for side in ("server", "client"))
    assert verify(server, b"multichat link server 1\0" + said, proof[32:96])
    heard = digest("mc.hs.heard", bound + nonce + hello + proof)
    assert verify(client, b"multichat link client 1\0" + heard, unhex(case["client_proof"]))
    length = int.from_bytes(proof[96:98], "big")
    claims = decode(proof[98 : 98 + length], 1024)
    assert isinstance(claims, dict)
    assert (claims[0], claims[1], claims[2], claims[3]) == (server, [1], case["server"]["incarnation"], case["server_port"])
    assert not any(proof[98 + length :])


def test_a_token_is_made_as_the_protocol_says() -> None:
    case = frozen("links")["announcement"]
    parts = (case["day"].to_bytes(8, "big"), case["instance"].encode(), case["port"].to_bytes(2, "big"))
    assert case["packed_addresses"] == "04c0000207" + "06" + "20010db8000000000000000000000007"
    token = mac(unhex(case["key"]), "mc.lan", *parts, unhex(case["packed_addresses"]))[:8]
    assert token.hex() == case["token"]


@pytest.mark.parametrize(("which", "names", "size"), [("in full", "tu", 8), ("cut short", "wxyz", 4), ("last", "wxyz", 4)])
def test_tokens_of_many_stand_where_the_protocol_says(which: str, names: str, size: int) -> None:
    case = frozen("links")["announcement of many"]
    strings = {name: unhex(string) for name, string in case["strings"].items()}
    parts = (case["day"].to_bytes(8, "big"), case["instance"].encode(), case["port"].to_bytes(2, "big"), strings["a"])
    stream = b"".join(strings[name] for name in names)
    tokens = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert tokens == sorted(tokens)
    assert mac(unhex(case["keys"][which]), "mc.lan", *parts)[:size] in tokens
    assert mac(unhex(case["keys"]["not named"]), "mc.lan", *parts)[:size] not in tokens


@pytest.mark.parametrize("case", frozen("invitations"), ids=lambda case: case["kind"])
def test_links_are_read_as_ever(case: dict[str, Any]) -> None:
    found = parse_link(case["link"])
    assert isinstance(found, Invitation)
    assert found.link == case["link"]
    assert (found.kind.value, found.seed.hex(), found.user.hex()) == (case["kind"], case["seed"], case["user"])
    assert (found.expires_ms, list(found.addresses)) == (case["expires_ms"], case["addresses"])
    assert (None if found.channel is None else found.channel.hex()) == case["channel"]
    assert (found.token_key.hex(), public_key(join_seed(found.seed)).hex()) == (case["token_key"], case["join_key"])


def test_device_lists_follow_and_contradict_each_other_as_ever() -> None:
    case = frozen("devices")
    lists = {}
    for name, entry in case["lists"].items():
        listed = decode_device_list(unhex(entry["encoded"]))
        assert isinstance(listed, DeviceList)
        assert device_list_holds(listed)
        assert (listed.number, listed.digest.hex(), listed.mark) == (entry["number"], entry["digest"], entry["mark"])
        lists[name] = listed
    assert lists["following"].follows(lists["first"])
    assert lists["contradicting"].follows(lists["first"])
    assert not lists["contradicting"].follows(lists["following"])
    assert not lists["first"].follows(lists["following"])
    assert lists["joined"].follows(lists["following"])
    assert lists["joined"].covers(lists["contradicting"])
    act = decode_acts(unhex(case["act"]), Log.CONTROL)
    assert isinstance(act, tuple)
    assert encode_acts(act).hex() == case["act"]
    assert isinstance(act[0], Devices)
    assert act[0].devices == lists["following"].encoded


def test_a_device_comes_back_by_the_same_words_as_ever() -> None:
    case = frozen("devices")
    key = digest("mc.return", unhex(case["entropy"]))
    assert key.hex() == case["return_key"]
    devices = {name: unhex(device) for name, device in case["devices"].items()}
    for name, encoded in case["return"].items():
        frame = decode_frame(unhex(encoded))
        assert isinstance(frame, ReturnFrame)
        sender, receiver = ("teller", "returner") if name in ("tell", "welcome") else ("returner", "teller")
        expected = mac(key, "mc.retproof", bytes([frame.stage]), devices[sender], devices[receiver], frame.share)
        assert frame.proof == expected
        assert encode_frame(frame).hex() == encoded
    secret = mac(key, "mc.retpair", unhex(case["shares"]["teller"]), unhex(case["shares"]["returner"]))
    assert secret.hex() == case["secret"]
    message = decode_frame(unhex(case["message"]))
    assert isinstance(message, MessageFrame)
    assert message.return_key == key
    assert encode_frame(message).hex() == case["message"]
    closing = decode_statement(unhex(case["closing"]))
    assert isinstance(closing, Statement)
    assert statement_holds(closing)
    assert user_id(closing.device) == closing.user


def test_mailboxes_are_found_and_believed_as_ever() -> None:
    found = frozen("mailboxes")
    link, deposit = found["link"], found["deposit"]
    grant = parse_mailbox_link(link["text"])
    assert isinstance(grant, MailboxGrant)
    assert grant.link == link["text"]
    assert (grant.seed.hex(), grant.address.mailbox.hex(), grant.address.door_key.hex()) == (
        link["seed"],
        link["mailbox"],
        link["door_key"],
    )
    assert list(grant.address.addresses) == link["addresses"]
    assert public_key(digest("mc.mailgrant", grant.seed)).hex() == link["grant"]
    queue = digest("mc.queue", unhex(deposit["queue_key"]))[:16]
    envelope = unhex(deposit["envelope"])
    name = digest("mc.envelope", envelope)
    assert (queue.hex(), name.hex()) == (deposit["queue"], deposit["hash"])
    said = b"multichat deposit 1\0" + encode([queue, name, deposit["expires_ms"]])
    assert verify(public_key(unhex(deposit["mailbox_seed"])), said, unhex(deposit["signature"]))
    assert mac(unhex(deposit["nonce"]), "mc.audit", envelope).hex() == deposit["proof"]
