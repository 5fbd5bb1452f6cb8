"""Files of a profile: their faults in words that say what to do, and directories that are durable."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multichat_tui.model.errors import StorageFailed, StoreError

FREE_SPACE = "Free some space on that disk; nothing that was stored before is lost."
RESTORE = "Leave the file as it is and restore the profile from a backup, or start anew with the recovery phrase."
PERMISSION = "Check the permissions of the directory, and whether the disk is mounted read-only."


def file_fault(error: OSError, path: Path, doing: str) -> StoreError:
    """What an exception of the file system means; `doing` is "read", "written" or the like."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFailed(f"The disk that holds {path} is full.", FREE_SPACE)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageFailed(f"{path} cannot be {doing}: {error.strerror}.", PERMISSION)
    return StorageFailed(f"{path} cannot be {doing}: {error.strerror}.", "Check the path and the disk; then try again.")


@contextmanager
def files_at(path: Path, doing: str) -> Iterator[None]:
    """Where what the file system raises becomes an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise file_fault(error, path, doing) from error


def sync_directory(directory: Path) -> None:
    """Make creations, renames and removals in it durable. May raise OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
