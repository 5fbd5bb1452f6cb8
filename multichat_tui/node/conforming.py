"""This implementation's answers to the questions of the conformance run (docs/protocol/conformance.md): one JSON object each.

Pure: what is asked and answered stands in the question and the answer. Other implementations write a program that does the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from multichat_tui.crypto.envelopes import unwrap, verifier, wrap, wrapper_key
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
from multichat_tui.crypto.keys import agree, link_key, mac, pair_key, public_key, sealing_public_key, verify
from multichat_tui.crypto.mailboxes import audit_proof, deposit_holds
from multichat_tui.crypto.proofs import CLIENT_HELLO_BYTES, SERVER_PROOF_BYTES, Binding, ClientHello, ServerProof, Transcript
from multichat_tui.crypto.ratchets import FIRST, OlmRatchets
from multichat_tui.model.act_bytes import decode_acts, encode_acts
from multichat_tui.model.codec import Rejected, Value, decode, encode
from multichat_tui.model.device_statements import decode_device_statement
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.identity import decode_certificate, decode_device_list
from multichat_tui.model.ids import DeviceId, Log, UserId, digest, fingerprint
from multichat_tui.model.invitations import InvitationKind, join_seed, pack_link, parse_link
from multichat_tui.model.joins import decode_join
from multichat_tui.model.limits import MAX_FRAME_BYTES, MAX_SEALED_BYTES
from multichat_tui.model.mailbox_frames import DepositReceipt
from multichat_tui.model.mailboxes import MailboxId, envelope_hash, grant_key_seed, parse_mailbox_link, queue_id
from multichat_tui.model.ports import FirstMessage
from multichat_tui.model.receipts import decode_receipt
from multichat_tui.model.records import decode_record, encode_header, signed_bytes
from multichat_tui.model.sealed import decode_sealed
from multichat_tui.model.statements import StatementKind, decode_profile, decode_statement, encode_profile
from multichat_tui.model.vouching import decode_introductions, decode_vouches, encode_introductions, encode_vouches
from multichat_tui.net.announcement import SERVICE_TYPE, announced_token, names_key, parse, unpack_addresses

Json: TypeAlias = Any
"""What `json` reads and writes."""
Question: TypeAlias = Mapping[str, Json]
Answer: TypeAlias = dict[str, Json]

REJECTED: Answer = {"rejected": True}
UNSUPPORTED: Answer = {"unsupported": True}
SAFE_INTEGER = 2**53


def value_json(value: Value) -> Json:
    """A decoded value as JSON: bytes as {"bytes": hex}, maps as {"map": [[key, value], ...]}, integers beyond 2^53 as text."""
    match value:
        case bytes():
            return {"bytes": value.hex()}
        case bool() | None | str():
            return value
        case int():
            return value if abs(value) < SAFE_INTEGER else {"integer": str(value)}
        case Mapping():
            return {"map": [[key, value_json(entry)] for key, entry in value.items()]}
        case _:
            return [value_json(entry) for entry in value]


def answer(question: Question) -> Answer:
    """The answer to one question; UNSUPPORTED for one that is not known."""
    work = ANSWERS.get(str(question.get("ask")))
    return UNSUPPORTED if work is None else work(question)


def _bytes(question: Question, name: str) -> bytes:
    return bytes.fromhex(question[name])


def _decode(question: Question) -> Answer:
    value = decode(_bytes(question, "bytes"), MAX_FRAME_BYTES)
    return REJECTED if isinstance(value, Rejected) else {"value": value_json(value), "again": encode(value).hex()}


def _hash(question: Question) -> Answer:
    return {"hash": digest(question["domain"], _bytes(question, "message")).hex()}


def _mac(question: Question) -> Answer:
    parts = [bytes.fromhex(part) for part in question["parts"]]
    return {"mac": mac(_bytes(question, "key"), question["domain"], *parts).hex()}


def _signature(question: Question) -> Answer:
    return {"holds": verify(_bytes(question, "key"), _bytes(question, "message"), _bytes(question, "signature"))}


def _account(question: Question) -> Answer:
    account = account_from_phrase(question["phrase"])
    if account is None:
        return REJECTED
    return {
        "account_key": account.key.hex(),
        "sealing_key": sealing_public_key(account.sealing_secret).hex(),
        "user": account.user.hex(),
        "fingerprint": fingerprint(account.user),
    }


def _pair_key(question: Question) -> Answer:
    secret, mine, theirs = (_bytes(question, name) for name in ("secret", "mine", "theirs"))
    pair = None if agree(secret, theirs) is None else pair_key(secret, mine, theirs, _bytes(question, "pairing_secret"))
    return REJECTED if pair is None else {"pair_key": pair.hex(), "link_key": link_key(pair).hex()}


def _safety_number(question: Question) -> Answer:
    one, other = (UserId(bytes.fromhex(user)) for user in question["users"])
    return {"number": safety_number(one, other)}


def _link(question: Question) -> Answer:
    found = parse_link(question["text"])
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "kind": found.kind.value,
        "seed": found.seed.hex(),
        "user": found.user.hex(),
        "expires_ms": found.expires_ms,
        "addresses": list(found.addresses),
        "channel": None if found.channel is None else found.channel.hex(),
        "token_key": found.token_key.hex(),
        "join_key": public_key(join_seed(found.seed)).hex(),
    }


def _certificate(question: Question) -> Answer:
    found = decode_certificate(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {"user": found.user.hex(), "device": found.device.hex(), "holds": certificate_holds(found)}


def _device_list(question: Question) -> Answer:
    found = decode_device_list(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "user": found.user.hex(),
        "number": found.number,
        "devices": [certificate.device.hex() for certificate in found.certificates],
        "revoked": [device.hex() for device in found.revoked],
        "digest": found.digest.hex(),
        "holds": device_list_holds(found),
    }


def _statement(question: Question) -> Answer:
    found = decode_statement(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "user": found.user.hex(),
        "kind": found.kind,
        "device": found.device.hex(),
        "number": found.number,
        "content": found.content.hex(),
        "holds": statement_holds(found),
    }


def _statement_content(question: Question) -> Answer:
    content = _bytes(question, "content")
    match question["kind"]:
        case StatementKind.PROFILE:
            profile = decode_profile(content)
            again = None if isinstance(profile, Rejected) else encode_profile(profile)
        case StatementKind.VOUCH:
            vouches = decode_vouches(content)
            again = None if isinstance(vouches, Rejected) else encode_vouches(vouches)
        case StatementKind.INTRODUCTION:
            introductions = decode_introductions(content)
            again = None if isinstance(introductions, Rejected) else encode_introductions(*introductions)
        case _:
            return UNSUPPORTED
    if again is None:
        return REJECTED
    known = decode(again, MAX_FRAME_BYTES)
    assert not isinstance(known, Rejected)
    return {"fields": value_json(known)}


def _join(question: Question) -> Answer:
    found = decode_join(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "channel": found.channel.hex(),
        "join_key": found.join_key.hex(),
        "device": found.certificate.device.hex(),
        "name": found.name,
        "holds": join_holds(found),
    }


def _receipt(question: Question) -> Answer:
    found = decode_receipt(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "channel": found.channel.hex(),
        "device": found.device.hex(),
        "number": found.number,
        "chains": [[chain.device.hex(), chain.seq, chain.hash.hex()] for chain in found.chains],
        "holds": receipt_holds(found),
    }


def _device_statement(question: Question) -> Answer:
    found = decode_device_statement(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "audience": found.audience.hex(),
        "device": found.device.hex(),
        "kind": found.kind,
        "number": found.number,
        "content": found.content.hex(),
        "holds": device_statement_holds(found),
    }


def _record(question: Question) -> Answer:
    body = None if question["body"] is None else _bytes(question, "body")
    found = decode_record(_bytes(question, "header"), _bytes(question, "signature"), body)
    if isinstance(found, Rejected):
        return REJECTED
    header = found.header
    return {
        "id": found.id.hex(),
        "channel": found.channel.hex(),
        "kind": header.kind,
        "log": int(header.log),
        "device": header.device.hex(),
        "seq": header.seq,
        "ets": header.ets,
        "holds": verify(header.device, signed_bytes(found.id), found.signature),
        "again": encode_header(header).hex() == question["header"],
    }


def _acts(question: Question) -> Answer:
    content = _bytes(question, "content")
    found = decode_acts(content, Log(question["log"]))
    if isinstance(found, Rejected):
        return REJECTED
    whole = decode(encode_acts(found), MAX_FRAME_BYTES)
    assert isinstance(whole, dict)
    return {"acts": value_json(whole[0])}


def _frame(question: Question) -> Answer:
    found = decode_frame(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    again = decode(encode_frame(found), MAX_FRAME_BYTES)
    assert isinstance(again, dict)
    return {"fields": value_json(again)}


def _server_proof(question: Question) -> Answer:
    """Section 13, step 3, as the client checks it, for a server whose device key is known."""
    bound, nonce, hello, proof = (
        _bytes(question, name) for name in ("certificate_hash", "server_nonce", "client_hello", "server_proof")
    )
    if len(hello) != CLIENT_HELLO_BYTES or len(proof) != SERVER_PROOF_BYTES:
        return REJECTED
    key, client, server = _bytes(question, "key"), ClientHello.split(hello), ServerProof.split(proof)
    binding = Binding(certificate_hash=bound, server_nonce=nonce, client_nonce=client.nonce)
    said = Transcript(certificate_hash=bound, server_nonce=nonce, client_hello=hello)
    return {
        "client_token": client.token == binding.client_token(key),
        "server_token": said.shows_key(key, server),
        "signature": said.signed_by(DeviceId(_bytes(question, "device")), server),
        "heard": said.heard(proof).hex(),
    }


def _token(question: Question) -> Answer:
    addresses = unpack_addresses(_bytes(question, "addresses"))
    if addresses is None:
        return REJECTED
    token = announced_token(_bytes(question, "key"), question["day"], question["instance"], question["port"], addresses)
    return {"token": token.hex()}


def _announcement(question: Question) -> Answer:
    text: dict[bytes, bytes | None] = {name.encode(): bytes.fromhex(string) for name, string in question["strings"].items()}
    found = parse(f"{question['instance']}.{SERVICE_TYPE}", question["port"], text)
    if found is None:
        return REJECTED
    return {"names": names_key(found, _bytes(question, "key"), question["day"])}


def _mailbox_link(question: Question) -> Answer:
    found = parse_mailbox_link(question["text"])
    if isinstance(found, Rejected):
        return REJECTED
    return {
        "mailbox": found.address.mailbox.hex(),
        "door_key": found.address.door_key.hex(),
        "addresses": list(found.address.addresses),
        "seed": found.seed.hex(),
        "grant": public_key(grant_key_seed(found.seed)).hex(),
    }


def _deposit(question: Question) -> Answer:
    queue, envelope = queue_id(_bytes(question, "queue_key")), _bytes(question, "envelope")
    receipt = DepositReceipt(
        envelope=envelope_hash(envelope), expires_ms=question["expires_ms"], signature=_bytes(question, "signature")
    )
    return {
        "queue": queue.hex(),
        "hash": receipt.envelope.hex(),
        "holds": deposit_holds(MailboxId(_bytes(question, "mailbox")), queue, receipt),
        "proof": audit_proof(_bytes(question, "nonce"), envelope).hex(),
    }


def _link_text(question: Question) -> Answer:
    return {"text": pack_link(InvitationKind(question["kind"]).value, _bytes(question, "body"))}


def _writer_key(question: Question) -> Answer:
    return {"verifier": verifier(_bytes(question, "pair"), _bytes(question, "queue"), _bytes(question, "device")).hex()}


def _wrap(question: Question) -> Answer:
    queue, sealed = _bytes(question, "queue"), _bytes(question, "sealed")
    if len(sealed) > MAX_SEALED_BYTES:
        return REJECTED
    key = wrapper_key(_bytes(question, "pair"), queue)
    return {"envelope": wrap(key, queue, _bytes(question, "writer"), sealed).hex()}


def _envelope(question: Question) -> Answer:
    queue = _bytes(question, "queue")
    key = wrapper_key(_bytes(question, "pair"), queue)
    found = unwrap(key, queue, _bytes(question, "writer"), _bytes(question, "envelope"))
    return REJECTED if isinstance(found, Rejected) else {"sealed": found.hex()}


def _sealed(question: Question) -> Answer:
    found = decode_sealed(_bytes(question, "bytes"))
    if isinstance(found, Rejected):
        return REJECTED
    first = OlmRatchets().first(found.ciphertext) if found.kind == FIRST else None
    return {
        "session": found.session.hex(),
        "counter": found.counter,
        "kind": found.kind,
        "ciphertext": found.ciphertext.hex(),
        "begins": [first.session.hex(), first.prekey.hex()] if isinstance(first, FirstMessage) else None,
    }


ANSWERS: Mapping[str, Callable[[Question], Answer]] = {
    "decode": _decode,
    "hash": _hash,
    "mac": _mac,
    "signature": _signature,
    "account": _account,
    "pair key": _pair_key,
    "safety number": _safety_number,
    "link": _link,
    "link text": _link_text,
    "writer key": _writer_key,
    "wrap": _wrap,
    "envelope": _envelope,
    "sealed": _sealed,
    "certificate": _certificate,
    "device list": _device_list,
    "statement": _statement,
    "statement content": _statement_content,
    "join": _join,
    "receipt": _receipt,
    "device statement": _device_statement,
    "record": _record,
    "acts": _acts,
    "frame": _frame,
    "server proof": _server_proof,
    "mailbox link": _mailbox_link,
    "deposit": _deposit,
    "token": _token,
    "announcement": _announcement,
}
