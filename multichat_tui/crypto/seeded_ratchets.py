"""The deterministic twin of `crypto.ratchets`, for simulations that must be repeatable: Olm's double ratchet, with X25519 keys
from the node's entropy, keyed BLAKE2b for its derivations and XChaCha20-Poly1305 for its messages.

It takes and refuses what the real one does; its bytes are its own, and no other program reads them.
"""

from dataclasses import field

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from multichat_tui.crypto.keys import agree, mac, sealing_public_key
from multichat_tui.crypto.ratchets import FIRST, LATER, SESSION_ID_BYTES
from multichat_tui.model.codec import Reason, Rejected, Value, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.limits import MAX_INTEGER, MAX_SEALED_BYTES
from multichat_tui.model.ports import Entropy, FirstMessage, RatchetSession
from multichat_tui.model.schema import as_bytes, as_id, as_int, as_list, read
from multichat_tui.model.values import dataclass

MAX_GAP = 2000
KEPT_KEYS = 40
KEPT_CHAINS = 5
"""As vodozemac has them."""
MAX_STATE_BYTES = 64 * 1024
_NONCE = bytes(24)
"""Every key encrypts once."""


@dataclass(slots=True)
class _Chain:
    """One direction, until the other end answers: a key for each message, and the keys of those that were passed over."""

    ratchet: bytes
    key: bytes
    index: int = 0
    passed: list[tuple[int, bytes]] = field(default_factory=list)

    def step(self) -> bytes:
        used = mac(self.key, "mc.twin.message")
        self.key = mac(self.key, "mc.twin.chain")
        self.index += 1
        return used

    def stored(self) -> Value:
        return [self.ratchet, self.key, self.index, [[index, key] for index, key in self.passed]]


@dataclass(slots=True, kw_only=True)
class _State:
    id: bytes
    root: bytes
    head: bytes
    """What first messages begin with; empty once the other end is known to have the session."""
    secret: bytes
    """Of our sending chain; empty where the next message begins one."""
    sending: _Chain | None
    receiving: list[_Chain]
    """The newest last."""

    def stored(self) -> bytes:
        sending = None if self.sending is None else self.sending.stored()
        chains = [chain.stored() for chain in self.receiving]
        return encode([self.id, self.root, self.head, self.secret, sending, chains])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    ratchet: bytes
    index: int
    box: bytes


class SeededSession:
    """Keeps its stored form, and loads it for each message: what is refused changes nothing."""

    def __init__(self, entropy: Entropy, stored: bytes) -> None:
        self._entropy = entropy
        self._stored = stored

    def encrypt(self, plaintext: bytes) -> tuple[int, bytes]:
        state = _loaded(self._stored)
        if state.sending is None:
            state.secret = self._entropy(32)
            state.root, chain = _derived(state.root, agree(state.secret, state.receiving[-1].ratchet) or b"")
            state.sending = _Chain(sealing_public_key(state.secret), chain)
        ratchet, index = state.sending.ratchet, state.sending.index
        key = state.sending.step()
        box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, encode([ratchet, index]), _NONCE, key)
        message = encode([ratchet, index, box])
        self._stored = state.stored()
        return (FIRST, encode([state.head, message])) if state.head else (LATER, message)

    def decrypt(self, kind: int, ciphertext: bytes) -> bytes | Rejected:
        state = _loaded(self._stored)
        found: _Message | Rejected
        if kind == FIRST:
            first = _first(ciphertext)
            found = first if isinstance(first, Rejected) else first[3]
        elif kind == LATER:
            found = read(ciphertext, MAX_SEALED_BYTES, _message)
        else:
            return Rejected(Reason.SCHEMA, "message")
        if isinstance(found, Rejected):
            return found
        chain = next((chain for chain in state.receiving if chain.ratchet == found.ratchet), None)
        if chain is None:
            shared = agree(state.secret, found.ratchet) if state.secret else None
            if shared is None:
                return Rejected(Reason.UNDECRYPTABLE)
            state.root, key = _derived(state.root, shared)
            chain = _Chain(found.ratchet, key)
            state.receiving = [*state.receiving, chain][-KEPT_CHAINS:]
            state.secret, state.sending = b"", None
        plaintext = _read(state, chain, found)
        if not isinstance(plaintext, Rejected):
            self._stored = state.stored()
        return plaintext

    def stored(self) -> bytes:
        return self._stored

    def __repr__(self) -> str:
        return "SeededSession(…)"


class SeededRatchets:
    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def new_prekey(self, account: bytes) -> tuple[bytes, bytes]:
        secret = self._entropy(32)
        return sealing_public_key(secret), _secret(account) + secret

    def begin(self, account: bytes, olm_key: bytes, prekey: bytes) -> tuple[bytes, RatchetSession] | None:
        identity, base, ratchet = _secret(account), self._entropy(32), self._entropy(32)
        shared = (agree(identity, prekey), agree(base, olm_key), agree(base, prekey))
        if None in shared:
            return None
        mine, base_key = sealing_public_key(identity), sealing_public_key(base)
        root, chain = _derived(b"", *(part or b"" for part in shared))
        state = _State(
            id=_session_id(mine, base_key, prekey),
            root=root,
            head=encode([prekey, base_key, mine]),
            secret=ratchet,
            sending=_Chain(sealing_public_key(ratchet), chain),
            receiving=[],
        )
        return state.id, SeededSession(self._entropy, state.stored())

    def first(self, ciphertext: bytes) -> FirstMessage | Rejected:
        found = _first(ciphertext)
        if isinstance(found, Rejected):
            return found
        prekey, base, sender, _ = found
        return FirstMessage(session=_session_id(sender, base, prekey), prekey=prekey)

    def accept(self, prekey_secret: bytes, olm_key: bytes, ciphertext: bytes) -> tuple[RatchetSession, bytes] | Rejected:
        found = _first(ciphertext)
        if isinstance(found, Rejected):
            return found
        prekey, base, sender, message = found
        identity, secret = _secret(prekey_secret[:32]), prekey_secret[32:]
        shared = (agree(secret, olm_key), agree(identity, base), agree(secret, base))
        if None in shared or sender != olm_key or prekey != sealing_public_key(secret):
            return Rejected(Reason.UNDECRYPTABLE)
        root, chain = _derived(b"", *(part or b"" for part in shared))
        state = _State(
            id=_session_id(sender, base, prekey),
            root=root,
            head=b"",
            secret=b"",
            sending=None,
            receiving=[_Chain(message.ratchet, chain)],
        )
        plaintext = _read(state, state.receiving[0], message)
        return plaintext if isinstance(plaintext, Rejected) else (SeededSession(self._entropy, state.stored()), plaintext)

    def load(self, stored: bytes) -> RatchetSession:
        return SeededSession(self._entropy, _loaded(stored).stored())


def _read(state: _State, chain: _Chain, message: _Message) -> bytes | Rejected:
    """Of a state that is thrown away if nothing comes of it."""
    if message.index - chain.index > MAX_GAP:
        return Rejected(Reason.UNDECRYPTABLE)
    key: bytes | None
    if message.index < chain.index:
        key = next((key for index, key in chain.passed if index == message.index), None)
        chain.passed = [entry for entry in chain.passed if entry[0] != message.index]
    else:
        while chain.index < message.index:
            chain.passed.append((chain.index, chain.step()))
        chain.passed = chain.passed[-KEPT_KEYS:]
        key = chain.step()
    if key is None:
        return Rejected(Reason.UNDECRYPTABLE)
    try:
        plaintext = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            message.box, encode([message.ratchet, message.index]), _NONCE, key
        )
    except CryptoError:
        return Rejected(Reason.UNDECRYPTABLE)
    state.head = b""
    return bytes(plaintext)


def _derived(root: bytes, *shared: bytes) -> tuple[bytes, bytes]:
    """(next root, first key of a chain)."""
    made = mac(root, "mc.twin.root", *shared)
    return mac(made, "mc.twin.next"), mac(made, "mc.twin.begin")


def _session_id(sender: bytes, base: bytes, prekey: bytes) -> bytes:
    return mac(b"", "mc.twin.session", sender, base, prekey)[:SESSION_ID_BYTES]


def _secret(account: bytes) -> bytes:
    if len(account) != 32:
        raise Damaged("This is no account of the deterministic twin.")
    return account


def _message(value: Value) -> _Message:
    ratchet, index, box = as_list(value, "message", 3, 3)
    return _Message(
        ratchet=as_id(ratchet, "ratchet key"),
        index=as_int(index, "index", MAX_INTEGER),
        box=as_bytes(box, "box", MAX_SEALED_BYTES),
    )


def _first(ciphertext: bytes) -> tuple[bytes, bytes, bytes, _Message] | Rejected:
    def build(value: Value) -> tuple[bytes, bytes]:
        head, message = as_list(value, "first message", 2, 2)
        return as_bytes(head, "head", 128), as_bytes(message, "message", MAX_SEALED_BYTES)

    def keys(value: Value) -> tuple[bytes, bytes, bytes]:
        prekey, base, sender = as_list(value, "head", 3, 3)
        return as_id(prekey, "prekey"), as_id(base, "base key"), as_id(sender, "sender")

    parts = read(ciphertext, MAX_SEALED_BYTES, build)
    if isinstance(parts, Rejected):
        return parts
    head, message = read(parts[0], 128, keys), read(parts[1], MAX_SEALED_BYTES, _message)
    if isinstance(head, Rejected):
        return head
    return message if isinstance(message, Rejected) else (*head, message)


def _loaded(session: bytes) -> _State:
    value = decode(session, MAX_STATE_BYTES)
    if not isinstance(value, list) or len(value) != 6:
        raise Damaged("This is no session of the deterministic twin.")
    identifier, root, head, secret, sending, receiving = value
    return _State(
        id=bytes(identifier),
        root=bytes(root),
        head=bytes(head),
        secret=bytes(secret),
        sending=None if sending is None else _chain(sending),
        receiving=[_chain(chain) for chain in receiving],
    )


def _chain(stored: Value) -> _Chain:
    ratchet, key, index, passed = as_list(stored, "chain", 4, 4)
    assert isinstance(passed, list)
    kept = [(int(entry[0]), bytes(entry[1])) for entry in passed]
    return _Chain(as_id(ratchet, "ratchet key"), as_id(key, "key"), as_int(index, "index", MAX_INTEGER), kept)
