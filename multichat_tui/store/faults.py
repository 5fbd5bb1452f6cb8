"""Where what the database raises becomes the errors of the one tree, each saying what to do."""

from pathlib import Path

import apsw

from multichat_tui.model.errors import Damaged, ProfileBusy, StorageFailed, StoreError
from multichat_tui.store.files import FREE_SPACE, PERMISSION, RESTORE


def database_fault(error: BaseException, path: Path) -> StoreError:
    """What an exception of the database means for its user."""
    match error:
        case apsw.FullError():
            return StorageFailed(f"The disk that holds {path} is full.", FREE_SPACE)
        case apsw.NotADBError() | apsw.CorruptError() | apsw.SQLError() | apsw.MismatchError() | apsw.FormatError():
            return Damaged(f"{path} is damaged ({_name(error)}).", RESTORE)
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return StorageFailed(f"{path} cannot be written: it is read-only.", PERMISSION)
        case apsw.CantOpenError():
            return StorageFailed(f"{path} cannot be opened.", PERMISSION)
        case apsw.BusyError() | apsw.LockedError():
            return ProfileBusy(f"Another program has {path} open.", "Close it and try again.")
        case MemoryError() | apsw.NoMemError():
            return StorageFailed("There is not enough memory for the database.", "Close other programs and try again.")
        case apsw.IOError():
            return StorageFailed(f"The disk that holds {path} failed ({_name(error)}).", "Check the disk; then try again.")
        case _:
            return StorageFailed(f"The database {path} failed ({_name(error)}).", "Try again; if it persists, report it.")


def _name(error: BaseException) -> str:
    """The database's own name for the fault; its text may hold parts of a statement, which never have secrets."""
    code = getattr(error, "extendedresult", None)
    name = apsw.mapping_extended_result_codes.get(code) or apsw.mapping_result_codes.get(code) if code else None
    return str(name or type(error).__name__)
