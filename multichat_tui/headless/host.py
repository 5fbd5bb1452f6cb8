"""What the composition root gives to the commands: a profile to open, and a node on it.

Front ends see neither store nor network.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from multichat_tui.model.ids import UserId
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import ProfileState

if TYPE_CHECKING:
    from multichat_tui.headless.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where the files of a run are."""

    config_file: Path
    profile: Path
    log_file: Path
    socket: Path


class RunningNode(Protocol):
    """A node of this process, on an opened profile."""

    @property
    def api(self) -> NodeApi: ...

    @property
    def leaving(self) -> bool:
        """While it closes: something for people who are away is on its way to their mailboxes. Afterwards: some of that has not
        come there, and stays here until the next start."""

    async def close(self) -> None:
        """Stop the node, close the profile and give up its lock. Idempotent."""


class Host(Protocol):
    """One profile. Every method may raise an `errors.MultichatError`."""

    @property
    def paths(self) -> Whereabouts: ...

    @property
    def passphrase(self) -> str | None:
        """From the settings, or asked for before the command began."""

    def state(self) -> ProfileState:
        """NEW, LOCKED or OPEN (a key file), by what is on disk."""

    def new_account(self) -> tuple[bytes, str]:
        """Fresh account entropy, and the 24 words that hold it."""

    def read_phrase(self, phrase: str) -> bytes:
        """The account entropy of a recovery phrase. `errors.UsageError` says which word is wrong."""

    async def create(
        self, *, name: str, passphrase: str | None, account_entropy: bytes, restored: bool = False, lost: bool = True
    ) -> UserId:
        """Make the profile and its identity, and close it again. Whole or not at all. `restored`: the account was used before: a
        contact has to bring it back; `lost`: its older devices are revoked then."""

    async def open(self, *, passphrase: str | None, network: bool) -> RunningNode:
        """Take the profile's lock and run a node on it, reaching others only with `network`. `errors.ProfileBusy`."""

    async def check(self, passphrase: str) -> None:
        """Derive the key, in a thread, whether or not the profile is in use. `errors.WrongPassphrase`."""

    async def wipe(self) -> None:
        """Delete the profile for good. `errors.ProfileBusy` while a node uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a command works with. `args` is the parsed command line."""

    args: argparse.Namespace
    host: Host
    out: "Output"
