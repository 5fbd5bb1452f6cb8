"""Short authentication strings: two people compare a few words or emoji, and know that their keys reach each other.

Who begins commits to its public key before it has seen the other's, so that whoever stands in between has one guess, of 2^-42
(emoji) or 2^-44 (words), and cannot try out keys. What is compared keys nothing: the keys come from the agreement (X25519). The
scheme is that of ZRTP (RFC 6189, section 4.2) and Matrix (m.sas.v1), over this project's own hashes (docs/adr/0007).
"""

from enum import IntEnum
from functools import lru_cache

import nacl.bindings as sodium
from mnemonic import Mnemonic
from nacl.exceptions import CryptoError

from multichat_tui.crypto.keys import agree, equal, mac
from multichat_tui.model.ids import DeviceId, UserId, digest
from multichat_tui.model.values import dataclass

EMOJI_COUNT = 7
"""Of six bits each."""
WORD_COUNT = 4
"""Of eleven bits each."""
_BITS_BYTES = 6
_ONLY_ONCE = bytes(sodium.crypto_aead_chacha20poly1305_ietf_NPUBBYTES)
"""The AEAD's nonce: each key seals one plaintext."""


class Side(IntEnum):
    BEGINNER = 1
    ANSWERER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who an end of the link says it is: what the link's handshake has proven, or, between contacts, who they are known as."""

    user: UserId
    device: DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All that both sides must have seen alike. `binding` is the link's handshake (`handshake.Proven.binding`)."""

    purpose: int
    comparison: bytes
    commitment: bytes
    beginner_key: bytes
    answerer_key: bytes
    binding: bytes
    beginner: Party
    answerer: Party

    @property
    def digest(self) -> bytes:
        """Every part has one size: purpose one byte, all others 32."""
        parts = (
            bytes([self.purpose]), self.comparison, self.commitment, self.beginner_key, self.answerer_key, self.binding,
            self.beginner.user, self.beginner.device, self.answerer.user, self.answerer.device,
        )  # fmt: skip
        if any(len(part) != 32 for part in parts[1:]):
            raise ValueError("a part of the transcript has not 32 bytes")
        return digest("mc.sas.said", *parts)


@dataclass(frozen=True, slots=True)
class Agreed:
    """The key of one comparison. `emoji` and `words` are for people's eyes."""

    root: bytes

    def __repr__(self) -> str:
        return "Agreed(…)"

    @property
    def emoji(self) -> tuple[int, ...]:
        """Seven places in `model.emoji.EMOJI`."""
        bits = int.from_bytes(mac(self.root, "mc.sas.code")[:_BITS_BYTES], "big")
        return tuple(bits >> (42 - 6 * n) & 63 for n in range(EMOJI_COUNT))

    @property
    def words(self) -> tuple[str, ...]:
        """Four English words of BIP 39's list, from other bits than the emoji."""
        bits = int.from_bytes(mac(self.root, "mc.sas.code")[_BITS_BYTES : 2 * _BITS_BYTES], "big")
        return tuple(wordlist()[bits >> (37 - 11 * n) & 2047] for n in range(WORD_COUNT))

    @property
    def pairing_secret(self) -> bytes:
        return mac(self.root, "mc.sas.pair")

    def seal(self, side: Side, plaintext: bytes) -> bytes:
        """What this side says of itself. One plaintext for each side: the key is used for no other."""
        return sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, None, _ONLY_ONCE, self._seal_key(side))

    def open(self, side: Side, box: bytes) -> bytes | None:
        """What that side has sealed; None if it did not."""
        try:
            return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(box, None, _ONLY_ONCE, self._seal_key(side))
        except (CryptoError, ValueError):
            return None

    def claim(self, side: Side) -> bytes:
        """What a device of this side signs to show that it is the one that is spoken of: 32 bytes of this comparison alone."""
        return mac(self.root, "mc.sas.claim", bytes([side.value]))

    def _seal_key(self, side: Side) -> bytes:
        return mac(self.root, "mc.sas.seal", bytes([side.value]))


def commit(comparison: bytes, public: bytes) -> bytes:
    """What who begins sends in place of its public key."""
    return digest("mc.sas.commit", comparison, public)


def keeps_commitment(commitment: bytes, comparison: bytes, public: bytes) -> bool:
    return equal(commitment, commit(comparison, public))


def agree_on(secret: bytes, theirs: bytes, transcript: Transcript) -> Agreed | None:
    """The comparison's key; None for a public key of small order."""
    shared = agree(secret, theirs)
    return None if shared is None else Agreed(mac(shared, "mc.sas.root", transcript.digest))


@lru_cache(1)
def wordlist() -> tuple[str, ...]:
    """2048 English words (BIP 39)."""
    return tuple(Mnemonic("english").wordlist)


def nearby_code(nearby: bytes) -> str:
    """Two words by which people tell each other who of those nearby they are. They prove nothing."""
    bits = int.from_bytes(digest("mc.near.code", nearby)[:3], "big")
    return f"{wordlist()[bits >> 13]} {wordlist()[bits >> 2 & 2047]}"


def nearby_key(nearby: bytes) -> bytes:
    """The link's key for somebody nearby: known to all who hear the announcement, so that it proves nothing."""
    return digest("mc.near.key", nearby)


def nearby_join_seed(nearby: bytes) -> bytes:
    """The seed of the join key that stands for the announcement."""
    return digest("mc.near.join", nearby)
