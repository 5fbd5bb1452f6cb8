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
from multichat_tui.model.ports import Decrypted, Encrypted, FirstMessage

SESSION_ID_BYTES = 16
FIRST, LATER = 0, 1
_KEY_BYTES = 32
_NO_KEY = bytes(_KEY_BYTES)
_FIRST_VERSION = b"\x03"
_FIRST_KEYS = (b"\x0a\x20", b"\x12\x20", b"\x1a\x20")
"""Before the one-time key, the base key and the identity key of a first message, as vodozemac and libolm write it."""
_FIRST_INNER = b"\x22"


class OlmRatchets:
    """Draws its own randomness."""

    def new_prekey(self, account: bytes) -> tuple[bytes, bytes]:
        opened = _account(account)
        opened.generate_one_time_keys(1)
        (public,) = opened.one_time_keys.values()
        opened.mark_keys_as_published()
        key = account[:_KEY_BYTES]
        return bytes(public.to_bytes()), key + opened.pickle(key).encode("ascii")

    def begin(self, account: bytes, olm_key: bytes, prekey: bytes) -> tuple[bytes, bytes] | None:
        opened = _account(account)
        try:
            theirs, one_time = (vodozemac.Curve25519PublicKey.from_bytes(key) for key in (olm_key, prekey))
            session = opened.create_outbound_session(theirs, one_time)
        except ValueError:
            return None
        return _short(session.session_id), _pickled(session)

    def first(self, ciphertext: bytes) -> FirstMessage | Rejected:
        return first_message(ciphertext)

    def accept(self, prekey_secret: bytes, olm_key: bytes, ciphertext: bytes) -> Decrypted | Rejected:
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
        return Decrypted(session=_pickled(session), plaintext=bytes(plaintext))

    def encrypt(self, session: bytes, plaintext: bytes) -> Encrypted:
        opened = _session(session)
        kind, ciphertext = opened.encrypt(plaintext).to_parts()
        return Encrypted(session=_pickled(opened), kind=kind, ciphertext=bytes(ciphertext))

    def decrypt(self, session: bytes, kind: int, ciphertext: bytes) -> Decrypted | Rejected:
        opened = _session(session)
        message = _message(kind, ciphertext)
        if isinstance(message, Rejected):
            return message
        try:
            plaintext = opened.decrypt(message)
        except ValueError:
            return Rejected(Reason.UNDECRYPTABLE)
        return Decrypted(session=_pickled(opened), plaintext=bytes(plaintext))


def _account(stored: bytes) -> vodozemac.Account:
    try:
        return vodozemac.Account.from_pickle(stored[_KEY_BYTES:].decode("ascii"), stored[:_KEY_BYTES])
    except ValueError:
        raise Damaged("The profile's keys for envelopes are not readable.", "Restore the profile from a backup.") from None


def _session(stored: bytes) -> vodozemac.Session:
    try:
        return vodozemac.Session.from_pickle(stored.decode("ascii"), _NO_KEY)
    except ValueError:
        raise Damaged("The profile's keys for envelopes are not readable.", "Restore the profile from a backup.") from None


def _pickled(session: vodozemac.Session) -> bytes:
    return session.pickle(_NO_KEY).encode("ascii")


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
    if not well_formed or not _framed(ciphertext[at:]):
        return Rejected(Reason.SCHEMA, "first message")
    one_time, base, identity = keys
    session = hashlib.sha256(identity + base + one_time).digest()[:SESSION_ID_BYTES]
    return FirstMessage(session=session, prekey=one_time)


def _framed(inner: bytes) -> bool:
    """Whether this is a message with its length before it, in the shortest form, and nothing behind."""
    sizes = (size for size in (1, 2, 3) if len(inner) > 1 + size)
    return any(inner[: 1 + size] == _FIRST_INNER + _varint(len(inner) - 1 - size) for size in sizes)


def _varint(number: int) -> bytes:
    """A length as Protocol Buffers write it: seven bits at a time, the lowest first."""
    written = bytearray()
    while number > 0x7F:
        written.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes(written) + bytes([number])


def _short(session_id: str) -> bytes:
    """The first 16 bytes of Olm's session id."""
    return base64.b64decode(session_id + "=" * (-len(session_id) % 4))[:SESSION_ID_BYTES]
