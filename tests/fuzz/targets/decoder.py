"""Everything that reads the strict encoding: agrees with the reference, and what it takes is what it would have written."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reference_cbor import Refused, reference_decode

from multichat_tui.model import act_bytes, codec, frame_bytes, identity, joins, records, statements
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import Log
from multichat_tui.net.framing import FrameReader, Garbled, prefix

VECTORS = Path(__file__).parents[2] / "vectors"
MAX_BYTES = 1 << 20


class DecoderTarget:
    """The first byte chooses the reader, the others are its input."""

    name = "decoder"

    def __init__(self) -> None:
        self._readers: list[Callable[[bytes], str]] = [
            _codec,
            _reader(frame_bytes.decode_frame, frame_bytes.encode_frame, tolerant=True),
            _reader(records.decode_header, records.encode_header),
            _reader(lambda b: act_bytes.decode_acts(b, Log.CONTENT), act_bytes.encode_acts, tolerant=True),
            _reader(lambda b: act_bytes.decode_acts(b, Log.CONTROL), act_bytes.encode_acts, tolerant=True),
            _reader(statements.decode_statement, lambda found: found.encoded),
            _reader(statements.decode_profile, statements.encode_profile, tolerant=True),
            _reader(identity.decode_certificate, lambda found: found.encoded),
            _reader(identity.decode_device_list, lambda found: found.encoded),
            _reader(joins.decode_join, lambda found: found.encoded),
            _stream,
        ]

    def seeds(self) -> Sequence[bytes]:
        """Every byte string of the frozen vectors, to every reader."""
        found = sorted({text for path in sorted(VECTORS.glob("*.json")) for text in _hex_texts(json.loads(path.read_text()))})
        whole = [bytes.fromhex(text) for text in found if len(text) <= 2048]
        streams = [bytes([10]) + prefix(1, len(one)) + one for one in whole[:8]]
        # To its own reader each; the mutations of the first byte bring it to the others.
        return [bytes([number]) + one for one in whole for number in range(10) if not self._refuses(number, one)] + streams

    def _refuses(self, number: int, encoded: bytes) -> bool:
        return "rejected" in self._readers[number](encoded)

    def words(self) -> Sequence[bytes]:
        return [
            *(bytes([number]) for number in range(11)), b"\x80", b"\xa0", b"\xf6", b"\xf5", b"\xf4", b"\x58\x20", b"\x18\x18", b"\x19\x01\0",
            b"\x1a\0\x01\0\0", b"\x1b" + b"\x7f" + b"\xff" * 7, b"\x9f", b"\xbf", b"\xff", b"\xc2\x41\x01", b"\xfb" + bytes(8), b"\xf9\x7e\0",
            b"\x81" * 9, b"\xa1\0", b"\x60", b"\x63\xed\xa0\x80", b"\x61\xff", b"\x5b" + b"\xff" * 8, b"\x9b" + b"\xff" * 8,
        ]  # fmt: skip

    def play(self, case: bytes) -> str:
        number = case[0] % len(self._readers) if case else 0
        return f"{number} {self._readers[number](case[1:])}"

    def close(self) -> None: ...


def _hex_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if len(value) > 1 and len(value) % 2 == 0 and set(value) <= set("0123456789abcdef") else []
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for entry in entries for text in _hex_texts(entry)]


def _codec(encoded: bytes) -> str:
    found = codec.decode(encoded, MAX_BYTES)
    try:
        expected = reference_decode(encoded)
    except Refused:
        assert isinstance(found, Rejected), "the reference refuses what was taken"
        return f"rejected {found.reason}"
    assert not isinstance(found, Rejected), f"the reference takes it: {found}"
    assert found == expected
    assert codec.encode(found) == encoded
    return f"taken {type(found).__name__}"


def _reader(decode: Callable[[bytes], Any], encode: Callable[[Any], bytes], tolerant: bool = False) -> Callable[[bytes], str]:
    """`tolerant`: what a newer version adds may be left out. What is signed is kept as it came."""

    def read(encoded: bytes) -> str:
        found = decode(encoded)
        if isinstance(found, Rejected):
            return f"rejected {found.reason} {found.detail[:40]}"
        again = encode(found)
        assert again == encoded or (tolerant and decode(again) == found), "not what would have been written"
        entries = f" {[type(entry).__name__ for entry in found]}" if isinstance(found, tuple) else ""
        return f"taken {type(found).__name__}{entries[:80]}"

    return read


def _stream(received: bytes) -> str:
    """Frames of a byte stream: the same in one piece and byte by byte."""
    whole = [str(piece) for piece in FrameReader().read(received)]
    reader, single = FrameReader(), list[str]()
    for at in range(len(received)):
        single += [str(piece) for piece in reader.read(received[at : at + 1])]
        if single and single[-1].startswith(Garbled.__name__):
            break
    assert single == whole
    return f"pieces {[piece.split('(')[0] for piece in whole][:4]}"
