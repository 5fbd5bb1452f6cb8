"""What there is of a profile, from its key file alone. Loads neither the database nor any cryptography: the screens ask for it
before their first line is painted."""

from enum import StrEnum
from pathlib import Path

from multichat_tui.model.errors import Damaged
from multichat_tui.store.files import RESTORE, files_at
from multichat_tui.store.keyfile import KeyFile, read_keys

KEYS = "keys"
DATABASE = "messages.db"
CREATING = "creating"


class ProfileState(StrEnum):
    ABSENT = "absent"
    LOCKED = "locked"
    """A passphrase opens it."""
    KEYFILE = "keyfile"
    """Its key lies beside it."""


def profile_state(root: Path) -> ProfileState:
    """What there is at `root`. `Damaged` or `NewerVersion` where its key file is; `StorageFailed` if it cannot be read."""
    keys = find_keys(root)
    if keys is None:
        return ProfileState.ABSENT
    return ProfileState.KEYFILE if keys.cost is None else ProfileState.LOCKED


def find_keys(root: Path) -> KeyFile | None:
    """The key file of the profile at `root`. `Damaged` where it must have been there."""
    keys = read_keys(root / KEYS)
    with files_at(root, "read"):
        lost = keys is None and (root / DATABASE).exists() and not (root / CREATING).exists()
    if lost:
        raise Damaged(f"{root / KEYS} is missing: without it {DATABASE} cannot be read.", RESTORE)
    return keys
