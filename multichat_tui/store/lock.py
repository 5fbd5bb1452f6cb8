"""One process per profile: an advisory lock on a file that stays where it is, released by the system when its holder ends."""

import fcntl
import os
from pathlib import Path

from multichat_tui.model.errors import ProfileBusy
from multichat_tui.store.files import file_fault

PID_BYTES = 20


class ProfileLock:
    """Held from construction to `release`. `ProfileBusy` if another holds it; `StorageFailed` where no file can be made."""

    __slots__ = ("_handle",)

    def __init__(self, path: Path) -> None:
        try:
            handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_fault(error, path, "opened for writing") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode("ascii"), 0)
        except BlockingIOError:
            raise _busy(path, _close_after_reading(handle)) from None
        except OSError as error:
            os.close(handle)
            raise file_fault(error, path, "locked") from error
        self._handle: int | None = handle

    def release(self) -> None:
        """Idempotent."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _close_after_reading(handle: int) -> str:
    holder = os.pread(handle, PID_BYTES, 0).decode("ascii", "replace")
    os.close(handle)
    return holder if holder.isascii() and holder.isdigit() else ""


def _busy(path: Path, holder: str) -> ProfileBusy:
    who = f"process {holder}" if holder else "another process"
    return ProfileBusy(f"The profile {path.parent} is in use by {who}.", "Use that one, end it, or choose another profile.")
