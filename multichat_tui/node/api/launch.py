"""Opening a profile, as the first screens need it. The composition root implements it: front ends see no files or keys."""

from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Protocol

from multichat_tui.node.api import NodeApi


class ProfileState(StrEnum):
    NEW = "new"
    """There is no identity yet."""
    LOCKED = "locked"
    """A passphrase is needed."""
    OPEN = "open"
    """Key file, or attached to a running node: can start at once."""


class Launcher(Protocol):
    """Every method may raise an `errors.MultichatError`; after a refused passphrase `start` may be called again."""

    @property
    def state(self) -> ProfileState: ...

    def log(self) -> tuple[str, tuple[str, ...]]:
        """(where the log of the node is, its last lines, the newest first). No lines: there is none yet, or it cannot be read."""

    def follow_log(self) -> AsyncIterator[tuple[str, tuple[str, ...]]]:
        """As `log`, each time that there is more, until it is given up."""

    async def create(self, *, name: str, passphrase: str | None) -> str:
        """Make an identity; returns the 24 words of its recovery phrase, which is shown this once. None: no passphrase."""

    def check_phrase(self, phrase: str) -> None:
        """`errors.UsageError` says what is wrong with a recovery phrase."""

    async def restore(self, *, phrase: str, passphrase: str | None, lost: bool) -> None:
        """Make a new device of the account whose recovery phrase this is. `lost`: its older devices are revoked when a contact
        brings it back."""

    async def start(self, passphrase: str | None = None) -> NodeApi:
        """Unlock, start the node (or attach to the one that runs) and return its face. `errors.WrongPassphrase`."""

    @property
    def protected(self) -> bool:
        """Whether there is a passphrase, so that a lock can be opened again."""

    async def check(self, passphrase: str) -> None:
        """Whether it is the profile's. Takes its time, beside the event loop. `errors.WrongPassphrase`."""

    def set_locked(self, locked: bool) -> None:
        """This terminal is locked, or open again: with the setting `lock.commands` at `refuse` a node of this process serves
        nobody new meanwhile."""

    async def wipe(self) -> None:
        """Stop what was started, and delete the profile with its log for good. `errors.ProfileBusy` while another program runs
        its node."""

    async def stop(self, say: Callable[[str], object] | None = None) -> None:
        """Stop what was started. Idempotent. `say` is told, for people, why it takes a while, and what was not done."""
