"""Where a profile's control socket lies, and who is at its other end.

The socket lives in the runtime directory under a short hashed name, because the paths of Unix sockets are bounded at about 100
bytes and a home may lie deep. Its directory is the user's alone.
"""

import hashlib
import os
import socket
import stat
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from multichat_tui.model.errors import StorageFailed

MAX_PATH_BYTES = 103
"""Linux takes 107, macOS 103."""
NAME_BYTES = 8
"""Of the hash of the profile's path."""


def socket_path(profile: Path, environment: Mapping[str, str]) -> Path:
    """The control socket of the profile that lives in this directory, whether or not it is there."""
    real = os.fsencode(os.path.realpath(profile))
    name = hashlib.blake2b(real, digest_size=NAME_BYTES, person=b"mc.socket").hexdigest() + ".sock"
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if runtime and os.path.isabs(runtime) and os.path.isdir(runtime):
        path = Path(runtime) / "multichat" / name
        if len(os.fsencode(path)) <= MAX_PATH_BYTES:
            return path
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108  # the directory below it is made private
        path = Path(parent) / f"multichat-{os.getuid()}" / name
        if len(os.fsencode(path)) <= MAX_PATH_BYTES:
            return path
    raise StorageFailed("No directory with a path short enough for the control socket was found.", "Set XDG_RUNTIME_DIR.")


def make_private(directory: Path) -> None:
    """Make the directory if it is missing. `errors.StorageFailed` unless it is a real one, ours, and closed to all others."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise StorageFailed(f"{directory} cannot be used: {error.strerror}.", "Set XDG_RUNTIME_DIR.") from None
    if not private(found):
        raise StorageFailed(f"{directory} belongs to somebody else or is open to others.", "Remove it, or set XDG_RUNTIME_DIR.")


def private(found: os.stat_result) -> bool:
    """Whether this is a directory of ours that nobody else can enter."""
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077 == 0


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a connected Unix socket; None where the system does not tell."""
    try:
        if hasattr(socket, "SO_PEERCRED"):
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[1])
        # LOCAL_PEERCRED of macOS and the BSDs: struct xucred begins with a version and the user.
        credentials = connection.getsockopt(0, 1, 76)
        return int(struct.unpack_from("=II", credentials)[1])
    except (OSError, struct.error):
        return None
