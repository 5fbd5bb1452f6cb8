"""Certificates that live as long as a listener: X.509 (RFC 5280) with an Ed25519 key (RFC 8410), written out byte by byte.

They say nothing and prove nothing by themselves: the handshake inside the channel binds to their hash. So a random name, a random
number and rough dates are all that they hold, and no library is loaded to write them.
"""

import secrets
from datetime import UTC, datetime, timedelta

from multichat_tui.crypto.keys import Signer
from multichat_tui.model.values import dataclass

SEED_BYTES = 32
SERIAL_BYTES = 16
VALID_BEFORE, VALID_AFTER = timedelta(days=1), timedelta(days=30)
"""Beside the day on which it is made, for clocks that differ; nobody looks."""
_INTEGER, _BITS, _OCTETS, _OBJECT, _UTF8, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x30, 0x31
_SHORT_TIME, _LONG_TIME = 0x17, 0x18
_EXPLICIT_0 = 0xA0
_ED25519 = bytes.fromhex("2b6570")
_COMMON_NAME = bytes.fromhex("550403")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Both in DER: the certificate, and its key in PKCS #8."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Certificate(…)"


def make_certificate() -> Certificate:
    """A new key and a certificate signed by itself, that nothing links to an earlier one."""
    seed = secrets.token_bytes(SEED_BYTES)
    signer = Signer(seed)
    algorithm = _der(_SEQUENCE, _der(_OBJECT, _ED25519))
    name = _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _der(_OBJECT, _COMMON_NAME), _der(_UTF8, secrets.token_hex(8).encode()))))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0)
    # A serial number is positive and not zero.
    serial = b"\x01" + secrets.token_bytes(SERIAL_BYTES - 1)
    body = _der(
        _SEQUENCE,
        _der(_EXPLICIT_0, _der(_INTEGER, b"\x02")),
        _der(_INTEGER, serial),
        algorithm,
        name,
        _der(_SEQUENCE, _time(today - VALID_BEFORE), _time(today + VALID_AFTER)),
        name,
        _der(_SEQUENCE, algorithm, _der(_BITS, b"\0" + signer.public)),
    )
    return Certificate(
        certificate=_der(_SEQUENCE, body, algorithm, _der(_BITS, b"\0" + signer.sign(body))),
        key=_der(_SEQUENCE, _der(_INTEGER, b"\0"), algorithm, _der(_OCTETS, _der(_OCTETS, seed))),
    )


def _der(tag: int, *parts: bytes) -> bytes:
    """A value of the Distinguished Encoding Rules (X.690), of less than 64 KiB."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _time(moment: datetime) -> bytes:
    """Years before 2050 are to have two digits (RFC 5280, section 4.1.2.5)."""
    short = moment.year < 2050
    return _der(_SHORT_TIME if short else _LONG_TIME, moment.strftime("%y%m%d%H%M%SZ" if short else "%Y%m%d%H%M%SZ").encode())
