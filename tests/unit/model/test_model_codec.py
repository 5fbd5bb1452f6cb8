"""The corners of CBOR, one by one: what is no value of ours is told as such, at no cost."""

import subprocess
import sys

import pytest

from multichat_tui.model.codec import MAX_KEY, Reason, Rejected, decode, encode
from multichat_tui.model.limits import MAX_DEPTH, MAX_INTEGER

REJECTED = {
    "nothing": "",
    "half float": "f93c00",
    "float": "fa3f800000",
    "double": "fb3ff0000000000000",
    "not a number": "f97e00",
    "infinity": "f97c00",
    "undefined": "f7",
    "simple value": "e0",
    "simple value in two bytes": "f8ff",
    "false in two bytes": "f814",
    "a break alone": "ff",
    "reserved additional information": "1c",
    "array of indefinite length": "9f00ff",
    "map of indefinite length": "bf0000ff",
    "bytes of indefinite length": "5f4161ff",
    "text of indefinite length": "7f6161ff",
    "a key twice": "a200000001",
    "keys descending": "a201000000",
    "a negative key": "a12000",
    "a text key": "a1616100",
    "a byte key": "a1416100",
    "a boolean key": "a1f500",
    "a null key": "a1f600",
    "an array as key": "a18000",
    "a float as key": "a1f93c0000",
    "a key of 2**16": "a11a0001000000",
    "an integer not in its shortest form": "1800",
    "an integer in eight bytes that fits in four": "1b00000000ffffffff",
    "a length not in its shortest form": "580161",
    "an array length not in its shortest form": "980100",
    "a map length not in its shortest form": "b8010000",
    "a key not in its shortest form": "a1180000",
    "trailing bytes": "0000",
    "an integer of 2**63": "1b8000000000000000",
    "an integer of 2**64 - 1": "1bffffffffffffffff",
    "an integer below -2**63": "3b8000000000000000",
    "text that is no UTF-8": "61ff",
    "text with a surrogate": "63eda080",
    "text in overlong UTF-8": "62c080",
    "text cut within a character": "61c3",
    "a shared reference": "d81c80",
    "a cycle": "d81c81d81d00",
    "a string reference": "d9010082416161d81900",
    "a big integer": "c249010000000000000000",
    "a small big integer": "c24101",
    "a date": "c074323032362d30312d30315430303a30303a30305a",
    "a timestamp": "c100",
    "a decimal fraction": "c48200" + "01",
    "a rational": "d81e820102",
    "a regular expression": "d8236161",
    "a MIME message": "d8246161",
    "a UUID": "d82550" + "00" * 16,
    "a set": "d9010280",
    "an address": "d9010444" + "7f000001",
    "a complex number": "d9a7f88200" + "00",
    "self-described CBOR": "d9d9f700",
    "an unknown tag": "da0001000000",
    "the greatest tag": "dbffffffffffffffff00",
    "a tag deep inside": "8181a10081c100",
}


@pytest.mark.parametrize("encoded", REJECTED.values(), ids=REJECTED.keys())
def test_what_is_no_value_of_ours_is_rejected(encoded: str) -> None:
    assert isinstance(decode(bytes.fromhex(encoded), 100), Rejected)


def test_tags_of_every_number_are_rejected() -> None:
    for tag in (*range(300), 1000, 1004, 43000, 55799, 65535, 2**32 - 1, 2**32, 2**64 - 1):
        width = next(width for width in (0, 1, 2, 4, 8) if tag < (24 if not width else 1 << 8 * width))
        head = bytes((0xC0 | (tag if not width else {1: 24, 2: 25, 4: 26, 8: 27}[width]),))
        if width:
            head += tag.to_bytes(width, "big")
        for content in ("00", "4161", "6161", "80", "820102", "a0", "a10000", "f6", "c24101"):
            tagged = head + bytes.fromhex(content)
            assert isinstance(decode(tagged, 100), Rejected), tagged.hex()
            assert isinstance(decode(b"\x82" + tagged + b"\x00", 100), Rejected), tagged.hex()


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65535, "19ffff"),
        (65536, "1a00010000"),
        (2**32, "1b0000000100000000"),
        (MAX_INTEGER, "1b7fffffffffffffff"),
        (-1, "20"),
        (-24, "37"),
        (-25, "3818"),
        (-MAX_INTEGER - 1, "3b7fffffffffffffff"),
        (b"", "40"),
        (b"a" * 24, "5818" + "61" * 24),
        ("", "60"),
        ("\u00fc\U0001f600", "66c3bcf09f9880"),
        (True, "f5"),
        (False, "f4"),
        (None, "f6"),
        ([], "80"),
        ([1, [True]], "820181f5"),
        ({}, "a0"),
        ({0: 1, 23: b"", 24: [], MAX_KEY - 1: None}, "a400011740181880" + "19fffff6"),
    ],
)
def test_a_value_has_this_one_encoding(value: object, encoded: str) -> None:
    assert encode(value).hex() == encoded
    found = decode(bytes.fromhex(encoded), 100)
    assert found == value
    assert type(found) is type(value)


def test_nesting_ends_at_the_limit() -> None:
    value: object = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    deepest = encode(value)
    assert decode(deepest, 100) == value
    assert isinstance(decode(b"\x81" + deepest, 100), Rejected)
    assert isinstance(decode(b"\x81" * 8 + b"\xa0", 100), Rejected)
    with pytest.raises(ValueError, match="deep"):
        encode([value])


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xc1", b"\x9f", b"\xd8\x1c\x81"])
def test_a_hundred_thousand_openings_are_rejected(opening: bytes) -> None:
    encoded = opening * 100_000
    assert isinstance(decode(encoded, len(encoded)), Rejected)


@pytest.mark.parametrize(
    "value",
    [{1: 0, 0: 0}, {-1: 0}, {MAX_KEY: 0}, {"a": 0}, {True: 0}, 2**63, 1.5, {1, 2}, 1j, bytearray(b"a"), "\ud800"],
    ids=repr,
)
def test_nothing_else_can_be_encoded(value: object) -> None:
    with pytest.raises(ValueError):  # each says another rule
        encode([value])


def test_what_is_too_long_is_not_even_looked_at() -> None:
    assert decode(b"\xff" * 11, 10) == Rejected(Reason.TOO_LARGE, "11 bytes, at most 10")


CLAIMS = """
import resource
from multichat_tui.model.codec import Rejected, decode
soft = 2**20 * 400
resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
for major in (2, 3, 4, 5):
    for claimed in (2**26, 2**31, 2**32 - 1, 2**40, 2**60, 2**63, 2**64 - 1):
        head = bytes((major << 5 | 27,)) + claimed.to_bytes(8, "big")
        for encoded in (head, head + bytes(100), (b"\\x81" * 6) + head, (head[:1] + head[1:]) * 6):
            assert isinstance(decode(encoded, 1000), Rejected), encoded
print("rejected")
"""


def test_a_claimed_length_allocates_nothing() -> None:
    """In a process that may not have more than 400 MiB of addresses."""
    done = subprocess.run([sys.executable, "-c", CLAIMS], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "rejected\n", done.stderr
