"""A second implementation of the formats, written from docs/protocol alone; it answers the questions of the conformance run.

It shares nothing with the application: not its code, not its CBOR library, not its tables. Where the two agree, it is because
the document says enough. Numbers in comments are the document's sections. To run it:
`multichat conformance -- python tests/reader/reader.py`.
"""

import base64
import binascii
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import nacl.bindings as sodium
from mnemonic import Mnemonic
from nacl.exceptions import CryptoError

Check = Callable[[Any], Any]
Answer = dict[str, Any]


class Rejected(Exception):
    """The input is none of what was asked for."""


def need(holds: bool) -> None:
    """Go on if it holds; else the input is rejected."""
    if not holds:
        raise Rejected


# -- 1. Encoding


def head(major: int, number: int) -> bytes:
    """A major type with its number, in the shortest form."""
    if number < 24:
        return bytes([major << 5 | number])
    size = next(n for n in (0, 1, 2, 3) if number < 1 << (8 << n))
    return bytes([major << 5 | 24 + size]) + number.to_bytes(1 << size, "big")


def encode(value: Any) -> bytes:
    """The one encoding of a value."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    return head(5, len(value)) + b"".join(encode(key) + encode(value[key]) for key in sorted(value))


def decode(data: bytes, limit: int = 1 << 20) -> Any:
    """The value of an encoding that is whole, the shortest, and within the limit (bytes)."""
    need(len(data) <= limit)
    value, end = decode_at(data, 0, 0)
    need(end == len(data) and encode(value) == data)
    return value


def decode_at(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    need(at < len(data))
    major, number = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        need(number in (20, 21, 22))
        return (False, True, None)[number - 20], at
    if number >= 24:
        need(number <= 27)
        size = 1 << number - 24
        need(at + size <= len(data))
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major < 2:
        need(number < 1 << 63)
        return (number if major == 0 else -1 - number), at
    need(major < 6 and number <= len(data) - at)  # each entry takes at least one byte
    if major < 4:
        piece, at = data[at : at + number], at + number
        try:
            return (piece if major == 2 else piece.decode()), at
        except UnicodeDecodeError as error:
            raise Rejected from error
    need(depth < 8)
    if major == 4:
        items = []
        for _ in range(number):
            item, at = decode_at(data, at, depth + 1)
            items.append(item)
        return items, at
    entries: dict[int, Any] = {}
    last = -1
    for _ in range(number):
        key, at = decode_at(data, at, depth + 1)
        need(type(key) is int and last < key <= 65535)
        last = key
        entries[key], at = decode_at(data, at, depth + 1)
    return entries, at


# -- Shapes: each takes a value and gives it with known fields only, or rejects it


def number(low: int, high: int) -> Check:
    def check(value: Any) -> Any:
        need(type(value) is int and low <= value <= high)
        return value

    return check


def octets(low: int, high: int | None = None) -> Check:
    def check(value: Any) -> Any:
        need(type(value) is bytes and low <= len(value) <= (low if high is None else high))
        return value

    return check


def text(low: int, high: int) -> Check:
    def check(value: Any) -> Any:
        need(type(value) is str and low <= len(value) <= high)
        return value

    return check


def boolean(value: Any) -> Any:
    need(type(value) is bool)
    return value


def many(item: Check, high: int, low: int = 0) -> Check:
    def check(value: Any) -> Any:
        need(type(value) is list and low <= len(value) <= high)
        return [item(one) for one in value]

    return check


def row(*items: Check) -> Check:
    def check(value: Any) -> Any:
        need(type(value) is list and len(value) == len(items))
        return [item(one) for item, one in zip(items, value, strict=True)]

    return check


def ascending(item: Check, high: int) -> Check:
    def check(value: Any) -> Any:
        ids = many(item, high)(value)
        need(all(a < b for a, b in itertools.pairwise(ids)))
        return ids

    return check


def fields(required: dict[int, Check], optional: dict[int, Check] | None = None, strict: bool = False) -> Check:
    """A map; unknown keys are ignored, or reject it when strict."""
    known = {**required, **(optional or {})}

    def check(value: Any) -> Any:
        need(type(value) is dict and value.keys() >= required.keys() and not (strict and value.keys() - known.keys()))
        return {key: known[key](one) for key, one in value.items() if key in known}

    return check


# -- 2. Hashes, signatures, derived keys


def H(domain: str, message: bytes) -> bytes:
    return hashlib.blake2b(message, digest_size=32, person=domain.encode()).digest()


def MAC(key: bytes, domain: str, *parts: bytes) -> bytes:
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.blake2b(message, digest_size=32, key=key, person=domain.encode()).digest()


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    need(len(key) == 32 and len(signature) == 64)
    try:
        sodium.crypto_sign_open(signature + message, key)
    except (CryptoError, ValueError):
        return False
    return True


# -- 3. Identity

ID, PREFIX, SIGNATURE = octets(32), octets(8), octets(64)
UINT, TIME = number(0, 2**63 - 1), number(0, 2**48 - 1)
COMMON = {0: number(1, 255), 1: number(1, 1)}
CERTIFICATE = fields({**COMMON, 2: ID, 3: ID, 4: ID, 5: ID, 6: TIME})
DEVICE_LIST = fields({**COMMON, 2: ID, 3: ID, 4: number(0, 2**22 - 1), 5: ID, 6: many(octets(0, 512), 32, 1), 7: many(ID, 32)})
STATEMENT = fields({**COMMON, 2: number(1, 255), 3: ID, 4: ID, 5: UINT, 6: octets(0, 4096)})
JOIN = fields({**COMMON, 2: ID, 3: ID, 4: octets(0, 512), 5: text(1, 48), 6: TIME})
RECEIPT = fields({**COMMON, 2: ID, 3: ID, 4: UINT, 5: many(row(PREFIX, UINT, PREFIX), 64)})

DEVICE_STATEMENT = fields({**COMMON, 2: ID, 3: ID, 4: number(1, 255), 5: UINT, 6: octets(0, 8 << 10)})


def opened(data: bytes, limit: int, signatures: int, shape: Check) -> tuple[Any, bytes, list[bytes]]:
    """The fields of `[body, signature, ...]`, its body, and its signatures."""
    body, *signs = row(octets(0, limit), *[SIGNATURE] * signatures)(decode(data, limit))
    return shape(decode(body, limit)), body, signs


def user_of(account: bytes) -> bytes:
    return H("mc.user", account)


def certificate(data: bytes) -> Answer:
    it, body, (by_account, by_device) = opened(data, 512, 2, CERTIFICATE)
    said = b"multichat certificate 1\0" + body
    holds = signed_by(it[2], said, by_account) and signed_by(it[3], said, by_device)
    return {"user": user_of(it[2]), "device": it[3], "holds": holds}


def device_list(data: bytes) -> Answer:
    it, body, (signature,) = opened(data, 24 << 10, 1, DEVICE_LIST)
    certified = [certificate(one) for one in it[6]]
    devices, user = [one["device"] for one in certified], user_of(it[2])
    need(all(one["user"] == user for one in certified) and len(set(devices)) == len(devices))
    need(len(set(it[7])) == len(it[7]) and (it[4] == 0) == (it[5] == bytes(32)))
    holds = signed_by(it[2], b"multichat device list 1\0" + body, signature) and all(one["holds"] for one in certified)
    digest = H("mc.devlist", body)
    return {"user": user, "number": it[4], "devices": devices, "revoked": it[7], "digest": digest, "holds": holds}


def statement(data: bytes) -> Answer:
    it, body, (signature,) = opened(data, 4096, 1, STATEMENT)
    holds = signed_by(it[4], b"multichat statement 1\0" + body, signature)
    holds = holds and (it[2] != 3 or user_of(it[4]) == it[3])  # an account is closed by its own key
    return {"user": it[3], "kind": it[2], "device": it[4], "number": it[5], "content": it[6], "holds": holds}


VOUCH = row(ID, TIME, text(0, 64))
INTRODUCTION = row(ID, text(0, 48), octets(16), boolean, TIME, TIME, text(0, 64))
CONTENTS = {
    1: fields({0: text(1, 48), 1: text(0, 48)}),
    4: fields({0: many(VOUCH, 64)}),
    5: fields({0: ID, 1: many(INTRODUCTION, 8)}),
}


def statement_content(kind: int, data: bytes) -> Answer:
    """What a statement of this kind says; the users of a list of vouches ascend."""
    if kind not in CONTENTS:
        return {"unsupported": True}
    it = CONTENTS[kind](decode(data, 4096))
    if kind == 4:
        need(all(a[0] < b[0] for a, b in itertools.pairwise(it[0])))
    return {"fields": as_json(it)}


def join(data: bytes) -> Answer:
    it, body, (by_link, by_device) = opened(data, 4096, 2, JOIN)
    device, said = certificate(it[4]), b"multichat join 1\0" + body
    holds = device["holds"] and signed_by(it[3], said, by_link) and signed_by(device["device"], said, by_device)
    return {"channel": it[2], "join_key": it[3], "device": device["device"], "name": it[5], "holds": holds}


def receipt(data: bytes) -> Answer:
    it, body, (signature,) = opened(data, 8 << 10, 1, RECEIPT)
    holds = signed_by(it[3], b"multichat receipt 1\0" + body, signature)
    return {"channel": it[2], "device": it[3], "number": it[4], "chains": it[5], "holds": holds}


def device_statement(data: bytes) -> Answer:
    it, body, (signature,) = opened(data, 8 << 10, 1, DEVICE_STATEMENT)
    holds = signed_by(it[3], b"multichat device statement 1\0" + body, signature)
    return {"audience": it[2], "device": it[3], "kind": it[4], "number": it[5], "content": it[6], "holds": holds}


def account(phrase: str) -> Answer:
    words = Mnemonic("english")
    try:
        entropy = bytes(words.to_entropy(phrase.split()))
    except (LookupError, ValueError) as error:
        raise Rejected from error
    need(len(entropy) == 32)
    key, _ = sodium.crypto_sign_seed_keypair(H("mc.acctsig", entropy))
    user = user_of(key)
    letters = base64.b32encode(user).decode().rstrip("=").lower()
    fingerprint = " ".join(re.findall(".{1,4}", letters))
    sealing = sodium.crypto_scalarmult_base(H("mc.acctdh", entropy))
    return {"account_key": key, "sealing_key": sealing, "user": user, "fingerprint": fingerprint}


def safety_number(users: list[bytes]) -> Answer:
    joined = b"".join(sorted(users))
    digits = H("mc.safety", joined + b"\0")[:30] + H("mc.safety", joined + b"\1")[:30]
    groups = [int.from_bytes(digits[at : at + 5], "big") % 100000 for at in range(0, 60, 5)]
    return {"number": " ".join(f"{group:05}" for group in groups)}


def pair_key(secret: bytes, mine: bytes, theirs: bytes, pairing: bytes) -> Answer:
    try:
        agreed = sodium.crypto_scalarmult(secret, theirs)
    except (RuntimeError, CryptoError) as error:
        raise Rejected from error
    need(agreed != bytes(32))
    key = MAC(agreed, "mc.pair", min(mine, theirs), max(mine, theirs), pairing)
    return {"pair_key": key, "link_key": MAC(key, "mc.linkkey")}


# -- 4. Records

HEADER = fields(
    {0: number(1, 255), 1: number(1, 255), 2: number(1, 255), 4: number(0, 1), 5: ID, 6: UINT}
    | {8: ascending(ID, 16), 9: ascending(ID, 16), 10: TIME, 11: number(0, 2**53 - 1), 14: ID, 15: number(0, 63)},
    {3: ID, 7: ID, 12: TIME, 13: ascending(ID, 256)},
)


def record(header: bytes, signature: bytes, body: bytes | None) -> Answer:
    it = HEADER(decode(header, 2048))
    kind, log, seq, parents, control = it[2], it[4], it[6], it[8], it[9]
    need((kind == 1) == (3 not in it) and (seq == 0) == (7 not in it))
    need(kind != 1 or (seq == 0 and log == 0 and not parents))
    need(log == 1 or not control)
    need(bool(control) if log else kind == 1 or bool(parents))
    need((kind != 2 or log == 0) and (kind != 3 or log == 1))
    if body is not None:
        need(32 < len(body) <= 32 << 10)
        need(it[15] == next(b for b in range(64) if len(body) <= 64 << b))
        need(it[14] == hashlib.blake2b(body[32:], digest_size=32, key=body[:32], person=b"mc.body").digest())
    name = H("mc.record", header)
    holds = signed_by(it[5], b"multichat record 1\0" + name, signature)
    known = {"id": name, "channel": it.get(3, name), "kind": kind, "log": log, "device": it[5], "seq": seq, "ets": it[11]}
    return known | {"holds": holds, "again": encode(it) == header}


# -- 5. Acts

ACT_TYPE = number(1, 65536)
FENCE_END = row(ID, number(0, 1), UINT, ID)


def THRESHOLD(value: Any) -> Any:
    """A rank that can be given, or the founders' own."""
    return value if value == 1000 and type(value) is int else number(-1, 100)(value)


def WIDE_FENCE(value: Any) -> Any:
    """A time, then (first bytes of a device, seq), ascending."""
    floor, *marks = many(lambda entry: entry, 1025, 1)(value)
    found = [row(octets(8, 8), UINT)(mark) for mark in marks]
    need(all(one[0] < other[0] for one, other in itertools.pairwise(found)))
    return [number(0, 2**53 - 1)(floor), *found]


def SETTING(value: Any) -> Any:
    """Whatever it is, in 1024 bytes: what keys take is no question of decoding."""
    need(len(encode(value)) <= 1024)
    return value


def REPORT(value: Any) -> Any:
    """A report of a member or of records, or with key 4 what was made of one."""
    if 4 in value:
        return fields({2: text(0, 300), 4: ID, 5: number(1, 2)})(value)
    found = fields({1: many(ID, 16), 2: text(0, 300)}, {3: ID})(value)
    need(found[1] or 3 in found)
    return found


MARK = {15: octets(16)}
ACTS = {
    1: fields({1: number(1, 3), 2: text(0, 48), 3: many(many(octets(0, 512), 16, 1), 16, 1), 4: octets(16, 32)}),
    2: fields({1: ID, 2: ID, 3: number(0, 100), 4: number(1, 1024), 5: TIME}),
    3: fields({1: ID, 2: number(0, 15)}),
    4: fields({1: octets(0, 4096)}),
    5: fields({1: ID, 2: many(FENCE_END, 8192), 3: text(0, 300)}, MARK),
    6: fields({}),
    7: fields({1: text(0, 300)}),
    8: fields({1: text(1, 48)}),
    9: fields({1: octets(0, 24 << 10), 2: many(FENCE_END, 64)}),
    10: fields({1: ID, 2: number(-1, 100), 3: many(FENCE_END, 8192), 4: text(0, 300)}, {5: TIME, **MARK}),
    11: fields({1: ID, 2: many(FENCE_END, 8192), 3: number(0, 2**48 - 1), 4: text(0, 300)}, MARK),
    12: fields({1: ID, 2: text(0, 300)}, MARK),
    13: fields({1: number(1, 14), 2: THRESHOLD, 3: WIDE_FENCE, 4: text(0, 300)}),
    14: fields({1: number(1, 65536), 2: SETTING, 3: WIDE_FENCE, 4: text(0, 300)}),
    15: fields({1: ID, 2: ID, 3: text(0, 300)}),
    16: fields({1: octets(0, 4096)}),
    20: fields({1: ID, 2: text(0, 48), 3: text(0, 300)}, {4: row(octets(16), ID, TIME), 5: number(1, 100)}),
    64: fields({1: text(1, 8000)}, {2: ID}),
    66: fields({1: many(ID, 256, 1), 2: text(0, 300)}, {3: many(ID, 256)}),
    69: REPORT,
}


def act_of(value: Any) -> Any:
    need(type(value) is dict)
    kind = ACT_TYPE(value.get(0))
    if kind not in ACTS:
        return value
    act = {0: kind, **ACTS[kind](value)}
    if kind == 1:
        founders = [{certificate(one)["user"] for one in devices} for devices in act[3]]
        need(all(len(users) == 1 for users in founders) and len(set.union(*founders)) == len(founders))
        need(act[1] != 2 or len(founders) == 2)
    return act


def acts(content: bytes, log: int) -> Answer:
    said = fields({0: many(act_of, 16, 1)})(decode(content, 32 << 10))[0]
    kinds = [act[0] for act in said]
    need(len(kinds) == 1 or not {1, 4, 6, 9}.intersection(kinds))
    need(log == 0 or min(kinds) > 63)
    return {"acts": as_json(said)}


# -- 7. Invitation links


def address(value: Any) -> Any:
    text(1, 64)(value)
    need(all("!" <= letter <= "~" for letter in value))
    return value


LINK = fields({0: number(1, 1), 1: number(1, 1), 2: octets(16), 3: ID, 4: TIME, 5: many(address, 8)}, {6: ID})


def link(written: str) -> Answer:
    need(len(written) <= 2048)
    found = re.fullmatch("multichat:(pair|join|read)/([A-Za-z0-9_-]+)", "".join(written.split()))
    if found is None:
        raise Rejected
    kind, letters = found.groups()
    try:
        data = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise Rejected from error
    body, check = data[:-4], data[-4:]
    need(H("mc.link", body)[:4] == check)
    it = LINK(decode(body))
    need((6 in it) == (kind != "pair"))
    join_key, _ = sodium.crypto_sign_seed_keypair(H("mc.invjoin", it[2]))
    said = {"kind": kind, "seed": it[2], "user": it[3], "expires_ms": it[4], "addresses": it[5], "channel": it.get(6)}
    return said | {"token_key": H("mc.invtok", it[2]), "join_key": join_key}


def link_text(kind: str, body: bytes) -> Answer:
    data = base64.urlsafe_b64encode(body + H("mc.link", body)[:4])
    return {"text": f"multichat:{kind}/{data.decode().rstrip('=')}"}


# -- 8. Frames

TIP = row(PREFIX, number(0, 1), UINT, PREFIX)
MARKS = many(row(ID, number(1, 255), UINT), 4096)
PLACES = many(row(UINT, UINT), 16)
SIGNED_LIST, SIGNED_STATEMENT = octets(0, 24 << 10), octets(0, 4096)
EXTRAS = fields(
    {},
    {0: number(0, 1), 1: PLACES, 2: PLACES, 3: number(0, 2**53 - 1), 4: number(1, 255), 5: TIME, 6: many(ID, 256)},
    strict=True,
)


def body_or_null(value: Any) -> Any:
    return None if value is None else octets(0, 32 << 10)(value)


FULL = row(octets(0, 2048), SIGNATURE, body_or_null)
ELIDED = (UINT, UINT, TIME, PREFIX, SIGNATURE, octets(0, 32 << 10))


def item(value: Any) -> Any:
    need(type(value) is list)
    if len(value) == 3:
        return FULL(value)
    return row(*ELIDED)(value) if len(value) == 6 else row(*ELIDED, EXTRAS)(value)


def places(value: Any) -> Any:
    need(type(value) is list and len(value) % 3 == 0)
    return [(number(0, 16384), UINT, PREFIX)[at % 3](one) for at, one in enumerate(value)]


def vectors(value: Any) -> Any:
    found = many(row(PREFIX, octets(4), places), 4096)(value)
    need(sum(len(vector[2]) for vector in found) <= 3 * 8192)
    return found


def request_range(value: Any) -> Any:
    found = row(PREFIX, number(0, 1), UINT, UINT)(value)
    need(found[2] <= found[3])
    return found


def held_island(value: Any) -> Any:
    found = row(PREFIX, number(1, 2**63 - 1), UINT, PREFIX)(value)
    need(found[1] <= found[2])
    return found


def hole(value: Any) -> Any:
    found = row(PREFIX, UINT, UINT)(value)
    need(found[1] <= found[2])
    return found


def some_withheld(value: Any) -> Any:
    return many(row(UINT, octets(0, 2048), octets(64)), 64, 1)(value)


def word(*known: str) -> Check:
    """One of the known words; any other means the last."""
    return lambda value: value if text(0, 32)(value) in known else known[-1]


QUEUE, SERIAL = octets(16), number(1, 2**63 - 1)
WORDS = (
    *("done", "unknown", "unauthorised", "full-writer", "full-queue", "full-owner", "full", "collected", "too-large"),
    *("too-long", "expired", "too-many", "busy", "malformed", "refused"),
)


FRAMES: dict[int, tuple[dict[int, Check], dict[int, Check]]] = {
    1: (
        {1: UINT},
        {2: many(row(ID, many(TIP, 8192)), 4096), 3: MARKS, 4: octets(20), 5: vectors}
        | {6: many(octets(0, 8 << 10), 64), 7: many(row(PREFIX, PREFIX, UINT), 8192)}
        | {8: many(octets(0, 8 << 10), 32), 9: many(row(PREFIX, PREFIX, number(1, 255), UINT), 8192)},
    ),
    2: (
        {1: PREFIX, 2: many(request_range, 512), 3: many(ID, 256), 4: many(row(ID, number(1, 255)), 64)},
        {5: boolean, 6: number(1, 2**63 - 1), 7: many(row(PREFIX, PREFIX), 64)}
        | {8: many(row(PREFIX, PREFIX, number(1, 255)), 32)},
    ),
    3: (
        {1: PREFIX, 2: many(PREFIX, 8192), 3: TIME, 4: many(item, 128)},
        {5: many(SIGNED_STATEMENT, 64), 6: UINT, 16: many(SIGNED_LIST, 16), 17: ID, 18: PREFIX}
        | {19: many(octets(0, 8 << 10), 32), 20: many(octets(0, 8 << 10), 64)},
    ),
    4: (
        {},
        {1: many(row(PREFIX, many(TIP, 8192)), 4096), 2: UINT, 3: MARKS, 4: number(0, 255), 5: many(PREFIX, 4096)}
        | {6: many(row(PREFIX, PREFIX, number(1, 255), UINT), 64)},
    ),
    5: ({1: octets(0, 4096)}, {}),
    6: ({1: ID, 2: word("waiting", "admitted", "spent", "expired", "closed", "over", "denied", "refused")}, {3: text(1, 300)}),
    7: ({1: ID, 2: SIGNED_LIST, 3: SIGNED_STATEMENT, 4: octets(32), 5: boolean}, {}),
    8: ({1: PREFIX, 2: many(held_island, 8192)}, {3: many(hole, 8192)}),
    9: ({1: PREFIX, 2: some_withheld}, {}),
    10: ({1: ID, 2: many(TIP, 8192)}, {}),
    16: ({1: octets(32), 2: number(1, 2), 3: octets(32)}, {4: text(0, 48), 5: octets(16)}),
    17: ({1: octets(32), 2: octets(32), 3: text(0, 48)}, {}),
    18: ({1: octets(32), 2: octets(0, 30 << 10), 3: boolean}, {}),
    19: ({1: octets(32), 2: word("different", "refused", "busy", "timed-out", "failed")}, {}),
    24: (
        {1: number(1, 4), 2: octets(32), 3: octets(32)},
        {4: SIGNED_LIST, 5: SIGNED_STATEMENT, 6: SIGNED_LIST, 7: SIGNED_STATEMENT},
    ),
    32: ({1: UINT, 2: ID, 3: octets(64)}, {}),
    33: ({1: UINT, 2: ID, 3: octets(64)}, {4: UINT}),
    34: ({1: UINT, 2: ID, 3: octets(64)}, {}),
    35: ({1: UINT, 2: QUEUE, 3: many(row(ID, UINT), 512)}, {4: many(PREFIX, 512)}),
    36: ({1: UINT, 2: QUEUE, 3: ID, 4: octets(64)}, {}),
    37: ({1: UINT, 2: QUEUE, 3: PREFIX, 4: octets(0, 1 << 20), 5: TIME}, {}),
    38: ({1: UINT, 2: QUEUE, 3: UINT, 4: number(0, 1024)}, {5: boolean}),
    39: ({1: UINT, 2: QUEUE, 3: many(SERIAL, 256)}, {}),
    40: ({1: UINT, 2: QUEUE, 3: many(SERIAL, 1024)}, {}),
    41: ({1: UINT, 2: QUEUE}, {}),
    42: ({1: UINT, 2: QUEUE, 3: ID, 4: octets(32)}, {}),
    43: ({1: UINT, 2: QUEUE, 3: many(ID, 256)}, {}),
    44: ({1: UINT, 2: many(row(ID, TIME, octets(64)), 256)}, {3: many(ID, 256)}),
    45: ({1: UINT, 2: QUEUE, 3: many(row(SERIAL, ID, number(1, 1 << 18), PREFIX, TIME), 1024), 4: boolean}, {}),
    46: ({1: UINT, 2: QUEUE, 3: many(row(SERIAL, PREFIX, octets(1, 1 << 18)), 256), 4: number(0, 256)}, {}),
    47: ({1: UINT, 2: word(*WORDS)}, {3: number(0, 2**48), 4: octets(32), 5: row(UINT, UINT, UINT, UINT)}),
}


def check_items(table: int, base: int, items: list[Any]) -> None:
    """Indexes are into the frame's table; times stay within their bounds."""
    for one in items:
        if len(one) > 3:
            extras = one[6] if len(one) == 7 else {}
            named = [one[0], *(place[0] for key in (1, 2) for place in extras.get(key, ()))]
            need(all(index < table for index in named))
            TIME(base + one[2])


def as_written(it: dict[int, Any]) -> dict[int, Any]:
    """The fields as a writer has them: of those that may be absent, empty ones are."""
    if it[0] == 3:
        base = min((it[3] + one[2] for one in it[4] if len(one) > 3), default=0)
        items = [one if len(one) == 3 else item_as_written(one, it[3] - base) for one in it[4]]
        it = it | {3: base, 4: items}
    optional = FRAMES[it[0]][1]
    it = {key: value for key, value in it.items() if key not in optional or value not in ([], b"")}
    if it[0] == 1:
        return {key: it[key] for key in (0, 1, 4)} if 4 in it else {2: [], 3: []} | it
    if it[0] in (2, 38) and it.get(5) is False:
        del it[5]
    if it[0] == 33:
        return it | {4: it.get(4, 16 << 20)}
    if it[0] == 4 and 4 not in it:
        return {1: []} | it
    if it[0] == 16:
        meeting = {4: it.get(4, "")} | ({5: it[5]} if 5 in it else {}) if it[2] == 1 else {}
        return {key: it[key] for key in range(4)} | meeting
    return it


def item_as_written(one: list[Any], later: int) -> list[Any]:
    extras = {key: value for key, value in (one[6] if len(one) == 7 else {}).items() if (key, value) != (0, 1)}
    return [*one[:2], one[2] + later, *one[3:6], *([extras] if extras else [])]


def frame(data: bytes) -> Answer:
    it = decode(data, 1 << 20)
    need(type(it) is dict and type(it.get(0)) is int and it[0] in FRAMES)
    it = {0: it[0], **fields(*FRAMES[it[0]])(it)}
    if it[0] == 3:
        check_items(len(it[2]), it[3], it[4])
    return {"fields": as_json(as_written(it))}


# -- 20. Mailboxes

GRANT_LINK = fields({0: number(1, 1), 1: fields({0: ID, 1: ID, 2: many(address, 4, 1)}), 2: octets(16)})


def mailbox_link(written: str) -> Answer:
    need(len(written) <= 2048)
    found = re.fullmatch("multichat:mailbox/([A-Za-z0-9_-]+)", "".join(written.split()))
    if found is None:
        raise Rejected
    letters = found.group(1)
    try:
        data = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise Rejected from error
    body, check = data[:-4], data[-4:]
    need(H("mc.link", body)[:4] == check)
    it = GRANT_LINK(decode(body))
    grant, _ = sodium.crypto_sign_seed_keypair(H("mc.mailgrant", it[2]))
    return {"mailbox": it[1][0], "door_key": it[1][1], "addresses": it[1][2], "seed": it[2], "grant": grant}


def deposit(mailbox: bytes, queue_key: bytes, envelope: bytes, expires_ms: int, signature: bytes, nonce: bytes) -> Answer:
    queue, name = H("mc.queue", queue_key)[:16], H("mc.envelope", envelope)
    holds = signed_by(mailbox, b"multichat deposit 1\0" + encode([queue, name, expires_ms]), signature)
    return {"queue": queue, "hash": name, "holds": holds, "proof": MAC(nonce, "mc.audit", envelope)}


# -- 21. Envelopes


def wrapped(pair: bytes, queue: bytes, writer: bytes, sealed: bytes) -> bytes:
    need(len(sealed) <= 197_120)
    key = MAC(pair, "mc.env.wrap", queue)
    nonce = MAC(key, "mc.env.nonce", writer, sealed)[:24]
    sizes = sorted([2**k for k in range(9, 19)] + [3 * 2 ** (k - 1) for k in range(9, 18)])
    padded = len(sealed).to_bytes(4, "big") + sealed
    size = next(size for size in sizes if size >= 41 + len(padded))
    padded += bytes(size - 41 - len(padded))
    return b"\1" + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, b"\1" + queue + writer, nonce, key)


def unwrapped(pair: bytes, queue: bytes, writer: bytes, envelope: bytes) -> bytes:
    """What is inside, if wrapping that gives the same again."""
    need(45 <= len(envelope) <= 262_144)
    nonce, box, key = envelope[1:25], envelope[25:], MAC(pair, "mc.env.wrap", queue)
    try:
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(box, b"\1" + queue + writer, nonce, key)
    except CryptoError:
        raise Rejected from None
    sealed = padded[4 : 4 + int.from_bytes(padded[:4], "big")]
    need(wrapped(pair, queue, writer, sealed) == envelope)
    return sealed


SEALED = fields({0: number(1, 255), 1: octets(16), 2: number(0, 2**53), 3: number(0, 1), 4: octets(0, 197_120)})


def sealed_message(data: bytes) -> Answer:
    it = SEALED(decode(data, 197_120))
    return {
        "session": it[1],
        "counter": it[2],
        "kind": it[3],
        "ciphertext": it[4],
        "begins": begins(it[4]) if it[3] == 0 else None,
    }


def begins(message: bytes) -> list[bytes] | None:
    """The session id and the prekey of an Olm pre-key message of the one form."""
    one_time, base, identity, inner = message[3:35], message[37:69], message[71:103], message[103:]
    heads = message[:3] + message[35:37] + message[69:71]
    if heads != b"\3\x0a\x20\x12\x20\x1a\x20" or len(identity) < 32 or any(key[31] > 127 for key in (one_time, base, identity)):
        return None
    length, at = 0, 1
    while at < len(inner) and inner[at] > 127 and at < 4:
        length, at = length | (inner[at] & 127) << 7 * (at - 1), at + 1
    if at >= len(inner) or inner[at] > 127 or (at > 1 and inner[at] == 0) or inner[0] != 0x22:
        return None
    length |= inner[at] << 7 * (at - 1)
    if length != len(inner) - at - 1 or length == 0:
        return None
    return [hashlib.sha256(identity + base + one_time).digest()[:16], one_time]


# -- 13. The handshake; 14. Discovery


def server_proof(key: bytes, h: bytes, device: bytes, n_s: bytes, hello: bytes, proof: bytes) -> Answer:
    need(len(hello) == 1024 and len(proof) == 1024)
    n_c, client_token, server_token, signature, claims = hello[:32], hello[32:64], proof[:32], proof[32:96], proof[96:]
    said = H("mc.hs.said", h + n_s + hello + claims)
    return {
        "client_token": MAC(key, "mc.hs.client", h, n_s, n_c) == client_token,
        "server_token": MAC(key, "mc.hs.server", said) == server_token,
        "signature": signed_by(device, b"multichat link server 1\0" + said, signature),
        "heard": H("mc.hs.heard", h + n_s + hello + proof),
    }


def token(key: bytes, day: int, instance: str, port: int, addresses: bytes) -> Answer:
    at, count = 0, 0
    while at < len(addresses):
        need(addresses[at] in (4, 6) and count < 8)
        at, count = at + (5 if addresses[at] == 4 else 17), count + 1
    need(at == len(addresses))
    parts = (day.to_bytes(8, "big"), instance.encode(), port.to_bytes(2, "big"), addresses)
    return {"token": MAC(key, "mc.lan", *parts)[:8]}


def announcement(key: bytes, day: int, instance: str, port: int, strings: dict[str, str]) -> Answer:
    found = {name: bytes.fromhex(string) for name, string in strings.items()}
    need(re.fullmatch("[0-9a-f]{16}", instance) is not None and 0 < port < 65536)
    need(found.get("v") == b"1" and bool(found.get("a")) and all(len(found.get(name, b"")) == 128 for name in "tu"))
    stream, short = found["t"] + found["u"], b""
    if all(len(found.get(name, b"")) == 200 for name in "wxyz"):
        short = b"".join(found[name] for name in "wxyz")
    named = False
    for off in (-1, 0, 1):
        told = token(key, day + off, instance, port, found["a"])["token"]
        named |= any(told == stream[at : at + 8] for at in range(0, 256, 8))
        named |= any(told[:4] == short[at : at + 4] for at in range(0, len(short), 4))
    return {"names": named}


# -- Questions and answers


def as_json(value: Any) -> Any:
    """A decoded value as docs/protocol/conformance.md writes it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {"map": [[key, as_json(value[key])] for key in sorted(value)]}
    if type(value) is int and abs(value) >= 2**53:
        return {"integer": str(value)}
    return value


def as_answer(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [as_answer(one) for one in value] if isinstance(value, list) else value


def decoded(data: bytes) -> Answer:
    value = decode(data)
    return {"value": as_json(value), "again": encode(value)}


ANSWERS: dict[str, Callable[[Any, Callable[[str], bytes]], Answer]] = {
    "decode": lambda q, b: decoded(b("bytes")),
    "hash": lambda q, b: {"hash": H(q["domain"], b("message"))},
    "mac": lambda q, b: {"mac": MAC(b("key"), q["domain"], *map(bytes.fromhex, q["parts"]))},
    "signature": lambda q, b: {"holds": signed_by(b("key"), b("message"), b("signature"))},
    "account": lambda q, b: account(q["phrase"]),
    "pair key": lambda q, b: pair_key(b("secret"), b("mine"), b("theirs"), b("pairing_secret")),
    "safety number": lambda q, b: safety_number([bytes.fromhex(user) for user in q["users"]]),
    "link": lambda q, b: link(q["text"]),
    "link text": lambda q, b: link_text(q["kind"], b("body")),
    "certificate": lambda q, b: certificate(b("bytes")),
    "device list": lambda q, b: device_list(b("bytes")),
    "statement": lambda q, b: statement(b("bytes")),
    "statement content": lambda q, b: statement_content(q["kind"], b("content")),
    "join": lambda q, b: join(b("bytes")),
    "receipt": lambda q, b: receipt(b("bytes")),
    "device statement": lambda q, b: device_statement(b("bytes")),
    "record": lambda q, b: record(b("header"), b("signature"), None if q["body"] is None else b("body")),
    "acts": lambda q, b: acts(b("content"), q["log"]),
    "frame": lambda q, b: frame(b("bytes")),
    "server proof": lambda q, b: server_proof(
        *(b(part) for part in ("key", "certificate_hash", "device", "server_nonce", "client_hello", "server_proof"))
    ),
    "writer key": lambda q, b: {
        "verifier": sodium.crypto_sign_seed_keypair(MAC(b("pair"), "mc.writer", b("queue"), b("device")))[0]
    },
    "wrap": lambda q, b: {"envelope": wrapped(b("pair"), b("queue"), b("writer"), b("sealed"))},
    "envelope": lambda q, b: {"sealed": unwrapped(b("pair"), b("queue"), b("writer"), b("envelope"))},
    "sealed": lambda q, b: sealed_message(b("bytes")),
    "mailbox link": lambda q, b: mailbox_link(q["text"]),
    "deposit": lambda q, b: deposit(b("mailbox"), b("queue_key"), b("envelope"), q["expires_ms"], b("signature"), b("nonce")),
    "token": lambda q, b: token(b("key"), q["day"], q["instance"], q["port"], b("addresses")),
    "announcement": lambda q, b: announcement(b("key"), q["day"], q["instance"], q["port"], q["strings"]),
}


def reply(question: Any) -> Answer:
    if question["ask"] not in ANSWERS:
        return {"unsupported": True}
    try:
        return ANSWERS[question["ask"]](question, lambda part: bytes.fromhex(question[part]))
    except Rejected:
        return {"rejected": True}


def main() -> None:
    for line in sys.stdin:
        print(json.dumps({key: as_answer(value) for key, value in reply(json.loads(line)).items()}), flush=True)


if __name__ == "__main__":
    main()
