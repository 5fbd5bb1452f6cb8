"""The device's Olm account (vodozemac): made with the device, so that its identity key stands in the certificate from the start.

Olm draws its own randomness, so a simulation that must be repeatable uses `seeded_olm_account`, with `crypto.seeded_ratchets`.
"""

import base64

import vodozemac

from multichat_tui.crypto.keys import sealing_public_key
from multichat_tui.model.ports import Entropy
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OlmAccount:
    """`pickle` is the account encrypted under `pickle_key`, both kept in the profile as `pickle_key + pickle`. No prekeys are in
    it, now or later: each is kept for itself (`Ratchets.new_prekey`)."""

    identity_key: bytes
    """Curve25519, 32 bytes."""
    pickle: bytes

    def __repr__(self) -> str:
        return "OlmAccount(…)"


def new_olm_account(entropy: Entropy) -> OlmAccount:
    account = vodozemac.Account()
    pickle_key = entropy(32)
    encoded = account.curve25519_key.to_base64()
    key = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return OlmAccount(identity_key=key, pickle=pickle_key + account.pickle(pickle_key).encode("ascii"))


def seeded_olm_account(entropy: Entropy) -> OlmAccount:
    """Of the deterministic twin: the pickle is the secret of the key."""
    secret = entropy(32)
    return OlmAccount(identity_key=sealing_public_key(secret), pickle=secret)
