"""Olm by vodozemac (https://gitlab.matrix.org/matrix-org/olm, docs/olm.md, version 1): see `model.ports.Ratchets`.

vodozemac's pickles are encrypted. Those of sessions are so under a key of zeroes: what protects them is the profile's database.
A prekey's secret is a pickle of the account with that one key in it; thus a prekey is gone with its secret, and no other goes
with it.
"""

import base64
import hashlib

import vodozemac

from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.errors import Damaged
from multichat_tui.model.limits import MAX_SEALED_BYTES
from multichat_tui.model.ports import FirstMessage, RatchetSession

SESSION_ID_BYTES = 16
FIRST, LATER = 0, 1
_KEY_BYTES = 32
_NO_KEY = bytes(_KEY_BYTES)
_FIRST_VERSION = b"\x03"
_FIRST_KEYS = (b"\x0a\x20", b"\x12\x20", b"\x1a\x20")
"""Before the one-time key, the base key and the identity key of a first message, as vodozemac and libolm write it."""
_FIRST_KEYS_END = 103
_FIRST_INNER = b"\x22"
_RATCHET_END = 35
"""A message begins with its version and the ratchet key that it was written under."""


class OlmSession:
    """The library turns its sending ratchet by a message with a new key before it knows whether that opens: what was before is
    kept then, and taken again if it does not."""

    __slots__ = ("_heard", "_session")

    def __init__(self, session: vodozemac.Session) -> None:
        self._session = session
        self._heard = b""
        """The ratchet key of what was opened last: one with the same key turns nothing."""

    def encrypt(self, plaintext: bytes) -> tuple[int, bytes]:
        kind, ciphertext = self._session.encrypt(plaintext).to_parts()
        return kind, bytes(ciphertext)

    def decrypt(self, kind: int, ciphertext: bytes) -> bytes | Rejected:
        inner = _inner(ciphertext) if kind == FIRST else ciphertext
        message = _message(kind, ciphertext)
        if isinstance(message, Rejected) or inner is None:
            return Rejected(Reason.SCHEMA, "message")
        ratchet = inner[:_RATCHET_END]
        before = None if ratchet == self._heard else self.stored()
        try:
            plaintext = bytes(self._session.decrypt(message))
        except ValueError:
            if before is not None:
                self._session = _loaded(before)
            return Rejected(Reason.UNDECRYPTABLE)
        self._heard = ratchet
        return plaintext

    def stored(self) -> bytes:
        return self._session.pickle(_NO_KEY).encode("ascii")

    def __repr__(self) -> str:
        return "OlmSession(…)"


class OlmRatchets:
    """Draws its own randomness."""

    def new_prekey(self, account: bytes) -> tuple[bytes, bytes]:
        opened = _account(account)
        opened.generate_one_time_keys(1)
        (public,) = opened.one_time_keys.values()
        opened.mark_keys_as_published()
        key = account[:_KEY_BYTES]
        return bytes(public.to_bytes()), key + opened.pickle(key).encode("ascii")

    def begin(self, account: bytes, olm_key: bytes, prekey: bytes) -> tuple[bytes, RatchetSession] | None:
        opened = _account(account)
        try:
            theirs, one_time = (vodozemac.Curve25519PublicKey.from_bytes(key) for key in (olm_key, prekey))
            session = opened.create_outbound_session(theirs, one_time)
        except ValueError:
            return None
        identifier = session.session_id + "=" * (-len(session.session_id) % 4)
        return base64.b64decode(identifier)[:SESSION_ID_BYTES], OlmSession(session)

    def first(self, ciphertext: bytes) -> FirstMessage | Rejected:
        return first_message(ciphertext)

    def accept(self, prekey_secret: bytes, olm_key: bytes, ciphertext: bytes) -> tuple[RatchetSession, bytes] | Rejected:
        opened = _account(prekey_secret)
        shape = first_message(ciphertext)
        message = _message(FIRST, ciphertext)
        first = None if isinstance(message, Rejected) else message.to_pre_key()
        if isinstance(shape, Rejected) or first is None:
            return Rejected(Reason.SCHEMA, "first message")
        try:
            session, plaintext = opened.create_inbound_session(vodozemac.Curve25519PublicKey.from_bytes(olm_key), first)
        except ValueError:
            return Rejected(Reason.UNDECRYPTABLE)
        return OlmSession(session), bytes(plaintext)

    def load(self, stored: bytes) -> RatchetSession:
        return OlmSession(_loaded(stored))


def _account(stored: bytes) -> vodozemac.Account:
    try:
        return vodozemac.Account.from_pickle(stored[_KEY_BYTES:].decode("ascii"), stored[:_KEY_BYTES])
    except ValueError:
        raise Damaged("The profile's keys for envelopes are not readable.", "Restore the profile from a backup.") from None


def _loaded(stored: bytes) -> vodozemac.Session:
    try:
        return vodozemac.Session.from_pickle(stored.decode("ascii"), _NO_KEY)
    except ValueError:
        raise Damaged("The profile's keys for envelopes are not readable.", "Restore the profile from a backup.") from None


def _message(kind: int, ciphertext: bytes) -> vodozemac.AnyOlmMessage | Rejected:
    if len(ciphertext) > MAX_SEALED_BYTES:
        return Rejected(Reason.TOO_LARGE)
    try:
        return vodozemac.AnyOlmMessage.from_parts(kind, ciphertext)
    except (ValueError, OverflowError):
        return Rejected(Reason.SCHEMA, "message")


def first_message(ciphertext: bytes) -> FirstMessage | Rejected:
    """The session and the prekey of an Olm pre-key message, of one form only: its keys stand outside of what the message's own
    code covers, and the session's id is made of them."""
    at, keys = len(_FIRST_VERSION), []
    well_formed = ciphertext.startswith(_FIRST_VERSION)
    for head in _FIRST_KEYS:
        key = ciphertext[at + len(head) : at + len(head) + _KEY_BYTES]
        well_formed = well_formed and ciphertext[at:].startswith(head) and len(key) == _KEY_BYTES and key[-1] < 0x80
        at += len(head) + _KEY_BYTES
        keys.append(key)
    if not well_formed or _framed(ciphertext[at:]) is None:
        return Rejected(Reason.SCHEMA, "first message")
    one_time, base, identity = keys
    session = hashlib.sha256(identity + base + one_time).digest()[:SESSION_ID_BYTES]
    return FirstMessage(session=session, prekey=one_time)


def _inner(ciphertext: bytes) -> bytes | None:
    """The message that a pre-key message of the one form carries."""
    shape = first_message(ciphertext)
    return None if isinstance(shape, Rejected) else _framed(ciphertext[_FIRST_KEYS_END:])


def _framed(field: bytes) -> bytes | None:
    """The message in this field, if its length stands before it in the shortest form, and nothing behind it."""
    for size in (1, 2, 3):
        if len(field) > 1 + size and field[: 1 + size] == _FIRST_INNER + _varint(len(field) - 1 - size):
            return field[1 + size :]
    return None


def _varint(number: int) -> bytes:
    """A length as Protocol Buffers write it: seven bits at a time, the lowest first."""
    written = bytearray()
    while number > 0x7F:
        written.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes(written) + bytes([number])
