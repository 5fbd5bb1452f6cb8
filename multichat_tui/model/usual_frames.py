"""The two frames that a mailbox handles thousands of, written and read in one step: PUT, and DEPOSITED with one receipt.

The rule: bytes are those of `codec.encode`, and only what would be written so is read here. Whatever else comes is left to the
general way, which tells what is wrong with it.
"""

from multichat_tui.model.codec import encode_bytes_head, encode_unsigned
from multichat_tui.model.limits import MAX_FRAME_BYTES, MAX_INTEGER, MAX_TIMESTAMP_MS
from multichat_tui.model.mailbox_frames import WRITER_PREFIX_BYTES, Deposited, MailboxFrame, MailboxFrameType, PutEnvelope
from multichat_tui.model.mailboxes import QUEUE_ID_BYTES, QueueId


def _head(entries: int, kind: MailboxFrameType) -> bytes:
    """Of a frame: the map, its type, and the key of its number."""
    return bytes((0xA0 | entries, 0)) + encode_unsigned(kind.value) + b"\x01"


_PUT = _head(6, MailboxFrameType.PUT)
_DEPOSITED = _head(3, MailboxFrameType.DEPOSITED)
_QUEUE = b"\x02" + encode_bytes_head(QUEUE_ID_BYTES)
_WRITER = b"\x03" + encode_bytes_head(WRITER_PREFIX_BYTES)
_RECEIPT = b"\x02\x81\x83"
"""Key 2: a list of one, of three."""
_FIXED = len(_QUEUE) + QUEUE_ID_BYTES + len(_WRITER) + WRITER_PREFIX_BYTES
"""Bytes between the number and the key of the envelope."""


def encode_usual(frame: MailboxFrame) -> bytes | None:
    """None: another frame."""
    if type(frame) is PutEnvelope:
        return _put(frame)
    if type(frame) is Deposited and len(frame.receipts) == 1 and not frame.collected:
        return _deposited(frame)
    return None


def _put(frame: PutEnvelope) -> bytes:
    number, expires = encode_unsigned(frame.number), encode_unsigned(frame.expires_ms)
    head = encode_bytes_head(len(frame.envelope))
    return b"".join((_PUT, number, _QUEUE, frame.queue, _WRITER, frame.writer, b"\x04", head, frame.envelope, b"\x05", expires))


def _deposited(frame: Deposited) -> bytes:
    (receipt,) = frame.receipts
    hash_head, signature_head = encode_bytes_head(len(receipt.envelope)), encode_bytes_head(len(receipt.signature))
    named = (_RECEIPT, hash_head, receipt.envelope, encode_unsigned(receipt.expires_ms), signature_head, receipt.signature)
    return b"".join((_DEPOSITED, encode_unsigned(frame.number), *named))


def decode_usual(encoded: bytes) -> PutEnvelope | None:
    """A PUT. None: anything else, or one that is not as it should be."""
    if not encoded.startswith(_PUT) or len(encoded) > MAX_FRAME_BYTES:
        return None
    try:
        number, at = _number(encoded, len(_PUT))
        queue = QueueId(encoded[at + len(_QUEUE) : at + len(_QUEUE) + QUEUE_ID_BYTES])
        writer = encoded[at + _FIXED - WRITER_PREFIX_BYTES : at + _FIXED]
        length, at = _number(encoded, at + _FIXED + 1)
        envelope = encoded[at : at + length]
        expires_ms, at = _number(encoded, at + length + 1)
    except IndexError:
        return None
    if number > MAX_INTEGER or expires_ms >= MAX_TIMESTAMP_MS or len(envelope) != length:
        return None
    frame = PutEnvelope(number=number, queue=queue, writer=writer, envelope=envelope, expires_ms=expires_ms)
    # What would be written is the one encoding of it.
    return frame if _put(frame) == encoded else None


def _number(encoded: bytes, at: int) -> tuple[int, int]:
    """The argument of the item at a place, and the place behind it; where there is none, anything. IndexError."""
    first = encoded[at] & 31
    if first < 24:
        return first, at + 1
    end = at + 1 + (1 << (first & 3))
    return int.from_bytes(encoded[at + 1 : end], "big"), end
