"""Makes the questions of `multichat conformance` from the frozen vectors beside this file, and damaged copies of them.

    python tests/vectors/make_conformance.py

The answers are this implementation's; that they are right is shown by the second one (tests/reader), which was written from the
document alone. Questions are added, never changed: an implementation that conformed goes on conforming.
"""

import base64
import json
import random
from pathlib import Path
from typing import Any

import nacl.bindings as sodium

from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.codec import Value, decode, encode
from multichat_tui.model.statements import MAX_STATEMENT_BYTES
from multichat_tui.node.conforming import REJECTED, answer

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "multichat_tui" / "headless" / "conformance.json"
DAMAGED = 6
"""Damaged copies of each thing that is signed or decoded."""


def frozen(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def damaged(encoded: str, seed: str) -> list[str]:
    """Copies with a bit turned, cut off, or with something behind."""
    rng = random.Random(seed)
    data = bytes.fromhex(encoded)
    copies = [data[:-1], data + b"\0"]
    for _ in range(DAMAGED - len(copies)):
        at = rng.randrange(len(data))
        copies.append(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
    return [copy.hex() for copy in copies]


def misshapen(content: str) -> list[str]:
    """Copies of a map whose last entry is a list of rows, well encoded, but: turned around, a row twice, of more rows than any
    statement may have, a row that is longer or shorter, and with a key that nobody knows."""
    fields = decode(bytes.fromhex(content), MAX_STATEMENT_BYTES)
    assert isinstance(fields, dict)
    last = max(fields)
    rows = fields[last]
    assert isinstance(rows, list)
    assert isinstance(rows[0], list)
    lists: list[list[Value]] = [rows[::-1], rows[:1] * 2, rows[:1] * 9, rows[:1] * 65, [[*rows[0], 1]], [rows[0][:-1]], []]
    return [encode({**fields, last: each}).hex() for each in lists] + [encode({**fields, 9: 1}).hex()]


def questions() -> list[tuple[str, str, dict[str, Any]]]:
    """(level, name, question)."""
    made: list[tuple[str, str, dict[str, Any]]] = []
    codec, keys, signed, links = (frozen(name) for name in ("codec", "keys", "signed", "links"))
    for case in codec["accepted"]:
        made.append(("encoding", f"value {case['encoded'][:24]}", {"ask": "decode", "bytes": case["encoded"]}))
    for name, encoded in codec["rejected"].items():
        made.append(("encoding", f"rejected: {name}", {"ask": "decode", "bytes": encoded}))
    made.append(("keys", "hash", {"ask": "hash", "domain": keys["digest"]["domain"], "message": keys["digest"]["message"]}))
    made.append(("keys", "mac", {"ask": "mac", **{k: keys["mac"][k] for k in ("key", "domain", "parts")}}))
    signature = {"ask": "signature", "key": keys["signature"]["public"], "message": keys["signature"]["message"]}
    made.append(("keys", "signature", {**signature, "signature": keys["signature"]["signature"]}))
    for number, copy in enumerate(damaged(keys["signature"]["signature"], "signature")):
        if len(copy) == 128:
            made.append(("keys", f"damaged signature {number}", {**signature, "signature": copy}))
    small = "0100000000000000000000000000000000000000000000000000000000000000"
    made.append(("keys", "a key of small order", {**signature, "key": small, "signature": small + "00" * 32}))
    for case in frozen("accounts"):
        made.append(("keys", f"account {case['short']}", {"ask": "account", "phrase": case["phrase"]}))
    made.append(("keys", "a phrase with a wrong checksum", {"ask": "account", "phrase": " ".join(["abandon"] * 24)}))
    pair = keys["pair"]
    for name, secret in (("contacts", pair["pairing_secret"]), ("others", "")):
        both = {"secret": pair["secret"], "mine": pair["mine"], "theirs": pair["theirs"]}
        made.append(("keys", f"pair key of {name}", {"ask": "pair key", **both, "pairing_secret": secret}))
    zero = {"secret": pair["secret"], "mine": pair["mine"], "theirs": "00" * 32, "pairing_secret": ""}
    made.append(("keys", "agreement with a point of small order", {"ask": "pair key", **zero}))
    made.append(("keys", "safety number", {"ask": "safety number", "users": keys["safety_number"]["users"]}))
    for name in ("certificate", "device_list", "join", "profile", "receipt", "device_statement"):
        ask = {"profile": "statement"}.get(name, name.replace("_", " "))
        level = {"join": "channels", "receipt": "channels", "device_statement": "channels"}.get(name, "identities")
        encoded = signed[name]["encoded"]
        made.append((level, ask, {"ask": ask, "bytes": encoded}))
        for number, copy in enumerate(damaged(encoded, name)):
            made.append((level, f"damaged {ask} {number}", {"ask": ask, "bytes": copy}))
    made.append(("identities", "statement: closed", {"ask": "statement", "bytes": frozen("devices")["closing"]}))
    for name in ("vouches", "introductions"):
        case, damage = signed[name], f"{name} "
        made.append(("identities", f"statement: {name}", {"ask": "statement", "bytes": case["encoded"]}))
        for number, copy in enumerate(damaged(case["encoded"], damage)):
            made.append(("identities", f"statement: {name}, damaged {number}", {"ask": "statement", "bytes": copy}))
        content = {"ask": "statement content", "kind": case["kind"]}
        made.append(("identities", f"content: {name}", {**content, "content": case["content"]}))
        for number, copy in enumerate([*damaged(case["content"], name), *misshapen(case["content"])]):
            made.append(("identities", f"content: {name}, damaged {number}", {**content, "content": copy}))
    for case in frozen("invitations"):
        made.append(("identities", f"{case['kind']} link", {"ask": "link", "text": case["link"]}))
        made.append(("identities", f"{case['kind']} link, broken", {"ask": "link", "text": case["link"][:-3] + "AAA"}))
        letters = case["link"].partition("/")[2]
        body = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))[:-4]
        made.append(("identities", f"{case['kind']} link, made", {"ask": "link text", "kind": case["kind"], "body": body.hex()}))
        spaced = " ".join(case["link"][at : at + 20] for at in range(0, len(case["link"]), 20))
        made.append(("identities", f"{case['kind']} link, with spaces", {"ask": "link", "text": spaced}))
    for case in frozen("records"):
        whole = {
            "ask": "record",
            "header": case["header"],
            "signature": case["signature"],
            "body": case["salt"] + case["content"],
        }
        made.append(("records", case["name"], whole))
        made.append(("records", f"{case['name']}, without its body", {**whole, "body": None}))
        for part in ("header", "signature", "body"):
            for number, copy in enumerate(damaged(whole[part], case["name"] + part)):
                if part != "signature" or len(copy) == 128:
                    made.append(("records", f"{case['name']}, damaged {part} {number}", {**whole, part: copy}))
    for case in frozen("acts"):
        for log in (0, 1):
            made.append(("records", f"act: {case['name']}, log {log}", {"ask": "acts", "content": case["content"], "log": log}))
        for number, copy in enumerate(damaged(case["content"], case["name"])):
            made.append(("records", f"act: {case['name']}, damaged {number}", {"ask": "acts", "content": copy, "log": 0}))
    for case in frozen("frames"):
        made.append(("frames", case["name"], {"ask": "frame", "bytes": case["encoded"]}))
        for number, copy in enumerate(damaged(case["encoded"], case["name"])):
            made.append(("frames", f"{case['name']}, damaged {number}", {"ask": "frame", "bytes": copy}))
    for case in links["handshakes"]:
        names = ("key", "certificate_hash", "server_nonce", "client_hello", "server_proof")
        question = {
            "ask": "server proof",
            **{name: case[name] for name in names},
            "device": public_key(bytes.fromhex(case["server"]["device_seed"])).hex(),
        }
        made.append(("links", case["name"], question))
        made.append(("links", f"{case['name']}, to another certificate", {**question, "certificate_hash": "77" * 32}))
        for number, copy in enumerate(damaged(case["server_proof"], case["name"])):
            made.append(("links", f"{case['name']}, damaged proof {number}", {**question, "server_proof": copy}))
    made += envelope_questions()
    made += mailbox_questions()
    air = links["announcement"]
    token = {"ask": "token", "key": air["key"], "day": air["day"], "instance": air["instance"], "port": air["port"]}
    made.append(("discovery", "token", {**token, "addresses": air["packed_addresses"]}))
    for number, copy in enumerate(damaged(air["packed_addresses"], "addresses")):
        made.append(("discovery", f"token, damaged addresses {number}", {**token, "addresses": copy}))
    made += announcement_questions()
    return made


def announcement_questions() -> list[tuple[str, str, dict[str, Any]]]:
    case = frozen("links")["announcement of many"]
    strings = case["strings"]
    question = {"ask": "announcement", **{name: case[name] for name in ("day", "instance", "port", "strings")}}
    made: list[tuple[str, str, dict[str, Any]]] = []
    for which, key in case["keys"].items():
        made.append(("discovery", f"announcement of many, {which}", {**question, "key": key}))
        for off in (-2, -1, 1, 2):
            made.append(
                ("discovery", f"announcement of many, {which}, day {off:+}", {**question, "key": key, "day": case["day"] + off})
            )
    full = {**question, "key": case["keys"]["in full"]}
    short = {**question, "key": case["keys"]["cut short"]}
    for name, asked in (("in full", full), ("cut short", short)):
        for without in strings:
            left = {each: string for each, string in strings.items() if each != without}
            made.append(("discovery", f"announcement of many, {name}, without {without}", {**asked, "strings": left}))
            cut = {**strings, without: strings[without][:-2]}
            made.append(("discovery", f"announcement of many, {name}, {without} cut", {**asked, "strings": cut}))
        before = {each: strings[each] for each in ("v", "a", "t", "u")}
        made.append(("discovery", f"announcement without short tokens, {name}", {**asked, "strings": before}))
        more = {**strings, "n": "77" * 16, "q": "00"}
        made.append(("discovery", f"announcement with more strings, {name}", {**asked, "strings": more}))
        made.append(("discovery", f"announcement of version 2, {name}", {**asked, "strings": {**strings, "v": "32"}}))
        made.append(("discovery", f"announcement under another port, {name}", {**asked, "port": 4003}))
        made.append(("discovery", f"announcement of another instance, {name}", {**asked, "instance": "0" * 16}))
        made.append(("discovery", f"announcement of no instance, {name}", {**asked, "instance": "printer"}))
    return made


def mailbox_questions() -> list[tuple[str, str, dict[str, Any]]]:
    found = frozen("mailboxes")
    text = found["link"]["text"]
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("mailboxes", "link", {"ask": "mailbox link", "text": text}),
        ("mailboxes", "link, broken", {"ask": "mailbox link", "text": text[:-3] + "AAA"}),
        ("mailboxes", "link, with spaces", {"ask": "mailbox link", "text": f" {text[:40]}\n  {text[40:]} "}),
        ("mailboxes", "link of another kind", {"ask": "mailbox link", "text": text.replace("mailbox/", "pair/")}),
    ]
    case = found["deposit"]
    names = ("queue_key", "envelope", "nonce")
    question = {"ask": "deposit", "mailbox": public_key(bytes.fromhex(case["mailbox_seed"])).hex()}
    question |= {name: case[name] for name in names} | {"expires_ms": case["expires_ms"], "signature": case["signature"]}
    made.append(("mailboxes", "deposit", question))
    for name, changed in (("envelope", "00"), ("queue_key", "11" * 32), ("expires_ms", 5), ("signature", "22" * 64)):
        made.append(("mailboxes", f"deposit, another {name}", {**question, name: changed}))
    return made


def envelope_questions() -> list[tuple[str, str, dict[str, Any]]]:
    made: list[tuple[str, str, dict[str, Any]]] = []
    found = frozen("envelopes")
    place = {"pair": found["pair"], "queue": found["queue"], "writer": found["verifier"][:16]}
    writer = {"ask": "writer key", "pair": found["pair"], "queue": found["queue"], "device": found["device"]}
    made.append(("envelopes", "writer key", writer))
    for case in found["messages"]:
        name, envelope = case["name"], {"ask": "envelope", **place, "envelope": case["envelope"]}
        made.append(("envelopes", f"wrap: {name}", {"ask": "wrap", **place, "sealed": case["sealed"]}))
        made.append(("envelopes", f"envelope: {name}", envelope))
        for other in ("pair", "queue", "writer"):
            changed = bytes([bytes.fromhex(envelope[other])[0] ^ 1]) + bytes.fromhex(envelope[other])[1:]
            made.append(("envelopes", f"envelope of another {other}: {name}", {**envelope, other: changed.hex()}))
        for number, copy in enumerate(damaged(case["envelope"], name)):
            made.append(("envelopes", f"envelope, damaged {number}: {name}", {**envelope, "envelope": copy}))
        made.append(("envelopes", f"sealed: {name}", {"ask": "sealed", "bytes": case["sealed"]}))
        for number, copy in enumerate(damaged(case["sealed"], f"sealed {name}")):
            made.append(("envelopes", f"sealed, damaged {number}: {name}", {"ask": "sealed", "bytes": copy}))
    for length in (0, 1, 467, 468):
        made.append(("envelopes", f"wrap {length} bytes", {"ask": "wrap", **place, "sealed": "5a" * length}))
    for name, padded, nonce in misshapen_boxes(found):
        box = boxed(found, padded, nonce)
        made.append(("envelopes", f"envelope: {name}", {"ask": "envelope", **place, "envelope": box.hex()}))
    first = bytes.fromhex(found["messages"][0]["ciphertext"])
    shapes = {
        "keys in another order": first[:1] + first[35:69] + first[1:35] + first[69:],
        "another version": b"\2" + first[1:],
        "the last bit of a key": first[:68] + bytes([first[68] | 0x80]) + first[69:],
        "something behind": first + b"\x28\1",
        "a length that is not the shortest": first[:104] + bytes([first[104] | 0x80, first[105] & 0 | 1]) + first[105:],
    }
    for name, shape in shapes.items():
        sealed = encode({0: 1, 1: bytes(16), 2: 0, 3: 0, 4: shape})
        made.append(("envelopes", f"first message: {name}", {"ask": "sealed", "bytes": sealed.hex()}))
    return made


def misshapen_boxes(found: Any) -> list[tuple[str, bytes, bytes]]:
    """(what is wrong, padded, nonce) by somebody who has the key."""
    key, prefix = bytes.fromhex(found["wrapper_key"]), bytes.fromhex(found["verifier"])[:8]
    sealed = bytes.fromhex(found["messages"][1]["sealed"])
    nonce, head = mac(key, "mc.env.nonce", prefix, sealed)[:24], len(sealed).to_bytes(4, "big") + sealed
    room = 512 - 41
    return [
        ("nothing is wrong", head.ljust(room, b"\0"), nonce),
        ("another nonce", head.ljust(room, b"\0"), bytes(24)),
        ("padded with something", head.ljust(room, b"\1"), nonce),
        ("a larger size than needed", head.ljust(768 - 41, b"\0"), nonce),
        ("a size that is none", head.ljust(600 - 41, b"\0"), nonce),
        ("a length beyond its end", (2**31).to_bytes(4, "big").ljust(room, b"\0"), nonce),
    ]


def boxed(found: Any, padded: bytes, nonce: bytes) -> bytes:
    bound = b"\1" + bytes.fromhex(found["queue"]) + bytes.fromhex(found["verifier"])[:8]
    key = bytes.fromhex(found["wrapper_key"])
    return b"\1" + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, bound, nonce, key)


def cases() -> list[dict[str, Any]]:
    found = [
        {"level": level, "name": name, "question": question, "answer": answer(question)} for level, name, question in questions()
    ]
    assert any(case["answer"] == REJECTED for case in found)
    return found


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases())
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases())} questions")
