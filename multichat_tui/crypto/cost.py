"""What guessing a passphrase costs, and the sizes of what it wraps. Loads no cryptography: none is needed to read a key file."""

from multichat_tui.model.limits import ARGON2_MEMORY_BYTES, ARGON2_PASSES
from multichat_tui.model.values import dataclass

SALT_BYTES = 16
KEY_BYTES = 32
NONCE_BYTES = 24
WRAPPED_BYTES = NONCE_BYTES + 32 + 16
"""Nonce, then the sealed 32 bytes with their tag."""
MIN_MEMORY_BYTES = 64 * 1024
MAX_MEMORY_BYTES = 4 * 1024 * 1024 * 1024 - 1024
MAX_PASSES = 64
"""More than these in a key file would be somebody's attempt to keep us busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a guess costs: stored beside the wrapped keys. `salt` has 16 bytes."""

    salt: bytes
    memory_bytes: int = ARGON2_MEMORY_BYTES
    passes: int = ARGON2_PASSES

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES:
            raise ValueError("the salt has 16 bytes")
        if not MIN_MEMORY_BYTES <= self.memory_bytes <= MAX_MEMORY_BYTES or not 1 <= self.passes <= MAX_PASSES:
            raise ValueError("the cost is outside its bounds")
