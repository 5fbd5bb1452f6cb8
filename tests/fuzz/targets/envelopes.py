"""What comes out of a mailbox: wrappers, sealed messages and messages of sessions, by strangers and by who has the keys."""

import json
from collections.abc import Sequence
from pathlib import Path

import nacl.bindings as sodium
from sealing_parties import RolledBack, sealed, two

from multichat_tui.crypto.envelopes import unwrap, wrap, wrapper_key
from multichat_tui.crypto.ratchets import FIRST, LATER, OlmRatchets
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ports import FirstMessage, Space
from multichat_tui.model.sealed import Sealed, decode_sealed

QUEUE, WRITER = b"q" * 16, b"w" * 8
KEY = wrapper_key(b"p" * 32, QUEUE)
BOUND = b"\1" + QUEUE + WRITER
HEARD = json.loads((Path(__file__).parents[2] / "fixtures" / "olm-session.json").read_text())
"""A session of the library, its prekey, and messages in it."""
WAYS = 8


class EnvelopeTarget:
    """The first byte says what the rest is: an envelope; what is padded within one; a sealed message, or its ciphertext, for the
    twin's sessions; a message for the library's, of either kind, or one that begins a session."""

    name = "envelopes"

    def __init__(self) -> None:
        self._ann, self._bob = two()
        self._prekey = self._bob.prekey_for(self._ann.user)
        self._messages = [sealed(self._ann.seal(self._bob, self._prekey, b"%d" % number)) for number in range(3)]
        assert self._bob.unseal(self._ann, self._messages[0]) == b"0"
        first = decode_sealed(self._messages[0])
        assert isinstance(first, Sealed)
        self._session = first.session
        self._envelope = wrap(KEY, QUEUE, WRITER, self._messages[0])
        self._olm = OlmRatchets()
        self._secret, self._sender, self._state = (bytes.fromhex(HEARD[name]) for name in ("prekey_secret", "sender", "session"))

    def seeds(self) -> Sequence[bytes]:
        padded = (len(self._messages[0]).to_bytes(4, "big") + self._messages[0]).ljust(512 - 41, b"\0")
        nonce = self._envelope[1:25]
        found = [b"\0" + self._envelope, b"\1" + nonce + padded, b"\1" + nonce + padded.ljust(768 - 41, b"\0")]
        found += [b"\2" + message for message in self._messages]
        for message in self._messages:
            opened = decode_sealed(message)
            assert isinstance(opened, Sealed)
            found += [bytes([3, opened.kind]) + opened.ciphertext, bytes([4, opened.kind]) + opened.ciphertext]
        return found + [bytes([way]) + bytes.fromhex(HEARD[name]) for way in (5, 6, 7) for name in ("first", "second", "later")]

    def words(self) -> Sequence[bytes]:
        return [bytes([way]) for way in range(WAYS)] + [
            self._session,
            self._prekey,
            b"\xa5\0\1\1\x50",
            b"\x58\x20",
            b"\x82",
            b"\x83",
            b"\x03\x0a\x20",
            b"\x12\x20",
            b"\x1a\x20",
            b"\x22",
            b"\x10\0",
            bytes(32),
            b"\xff" * 8,
        ]

    def play(self, case: bytes) -> str:
        way, said = (case[0] % WAYS if case else 0), case[1:]
        if way == 0:
            found = unwrap(KEY, QUEUE, WRITER, said)
            assert isinstance(found, Rejected) == (said != self._envelope), "only what was wrapped is opened"
            return f"envelope {_word(found)}"
        if way == 1:
            nonce, padded = said[:24].ljust(24, b"\0"), said[24:]
            envelope = b"\1" + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, BOUND, nonce, KEY)
            found = unwrap(KEY, QUEUE, WRITER, envelope)
            assert isinstance(found, Rejected) or wrap(KEY, QUEUE, WRITER, found) == envelope, "one message, two envelopes"
            return f"padded {_word(found)}"
        if way in (2, 3, 4):
            return self._twin(way, said)
        return self._library(way, said)

    def _twin(self, way: int, said: bytes) -> str:
        if way > 2:
            session = self._session if way == 3 else said[1:17].ljust(16, b"\0")
            said = Sealed(session=session, counter=1, kind=said[0] & 1 if said else 0, ciphertext=said[1:]).encoded
        before = self._bob.rows(Space.RATCHET), self._bob.rows(Space.OLM)
        found: bytes | Rejected = b""
        with self._bob.turn() as sealing:
            found = sealing.unseal(self._ann.device, said)
            txn = sealing._world.txn
            if isinstance(found, Rejected):
                assert (txn.scan(Space.RATCHET), txn.scan(Space.OLM)) == before, "what is refused has changed something"
            else:
                assert found in (b"1", b"2"), "something was opened that nobody has sealed"
            raise RolledBack
        self._bob.counters.clear()
        return f"sealed {way} {_word(found)}"

    def _library(self, way: int, said: bytes) -> str:
        if way == 5:
            first, found = self._olm.first(said), self._olm.accept(self._secret, self._sender, said)
            assert isinstance(found, Rejected) or isinstance(first, FirstMessage)
        else:
            session = self._olm.load(self._state)
            plaintext = session.decrypt(FIRST if way == 6 else LATER, said)
            assert isinstance(plaintext, Rejected) == (session.stored() == self._state), "only what is opened changes it"
            found = plaintext if isinstance(plaintext, Rejected) else (session, plaintext)
        if isinstance(found, Rejected):
            return f"library {way} {found.reason}"
        assert found[1] in (b"a first message", b"another one", b"a later message"), "nobody has written that"
        return f"library {way} opened"

    def close(self) -> None: ...


def _word(found: bytes | Rejected) -> str:
    return f"{found.reason} {found.detail[:24]}" if isinstance(found, Rejected) else "opened"
