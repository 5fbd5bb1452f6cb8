"""What a slash command is, what it is given and what it answers."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import field
from typing import TypeAlias

from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi

Plain: TypeAlias = "str | int | float | bool | None | list[Plain] | dict[str, Plain]"
"""What JSON can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`lines` are for people, safe to draw; `fields` say the same to programs. A link stands alone in its line.

    `open_channel` asks the front end to show a channel, `jump` to show it around that row, `search` to show what is found, in
    place of `lines` (empty: to ask for words), `quit` to end.
    """

    lines: tuple[str, ...] = ()
    fields: Mapping[str, Plain] = field(default_factory=dict)
    open_channel: ChannelId | None = None
    record: RecordId | None = None
    """The message that was sent."""
    screen: str = ""
    """What the screens are asked to do, such as `theme`, with `words`; a front end without screens cannot."""
    words: str = ""
    jump: MessageRow | None = None
    search: str | None = None
    quit: bool = False
    forgot: bool = False
    """What was entered is forgotten: the front end forgets its own part of it."""
    qr: str = ""
    """Show this link as a QR code."""
    compare: bool = False
    """Show the screen of comparisons and of people nearby, where there is one."""
    compared: tuple[ComparisonId, ...] = ()
    """Comparisons whose words stand in `lines`."""
    undoable: bool = False
    """It was done to people's rights or to a channel, and can be taken back: a front end with keys offers that."""
    hang: int = 0
    """Cells by which the further lines of a long one are indented, for lines that are columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One use of a command. `channel` is the one that is open, `words` what stands behind the command's name, stripped."""

    api: NodeApi
    channel: ChannelId | None
    words: str
    usage: str
    summary: str = ""
    """What the command is for, in a few words."""
    passphrase: str | None = field(default=None, repr=False)
    """Given after a command was refused with `errors.WrongPassphrase`."""
    compared: Collection[ComparisonId] = ()
    """Comparisons whose words the front end has shown as lines: only these are answered by lines."""

    def now_ms(self) -> int:
        """For dates that people count from now."""
        return int(time.time() * 1000)

    def need_channel(self) -> ChannelId:
        if self.channel is None:
            raise UsageError("This needs an open channel.", "Open one first, or name it with -c on the command line.")
        return self.channel

    def misused(self, advice: str = "") -> UsageError:
        """How the command is used; what it is for, where there is no better `advice`."""
        return UsageError(f"Usage: {self.usage}", advice or (f"({self.summary})" if self.summary else ""))

    def need_words(self) -> str:
        if not self.words:
            raise self.misused()
        return self.words

    def need_none(self) -> None:
        if self.words:
            raise self.misused()

    def first_word(self) -> tuple[str, str]:
        """(first word, the rest); a name with spaces stands in double quotes."""
        words = self.need_words()
        if words.startswith('"'):
            first, closed, rest = words[1:].partition('"')
            if closed and first.strip():
                return first.strip(), rest.strip()
        parts = words.split(maxsplit=1)
        return parts[0], parts[1] if len(parts) > 1 else ""


NAMES = ("@",)
"""In `Command.takes`: somebody's name."""
WAITING = ("@waiting",)
"""There: the name of somebody who asks to be let in."""
UNDOABLE = ("@undoable",)
"""There: the number of a deed that can be taken back."""
REPORTED = ("@reported",)
"""There: the number of an open report, or all."""
PLACES = ("@places",)
"""There: the name of somebody who has a place in the mailbox that this node keeps."""
MAILBOXES = ("@mailboxes",)
"""There: the number of one of one's own mailboxes."""
FILES = ("@files",)
"""There: the path of a file on this machine."""
ASKED_FOR = frozenset({WAITING, UNDOABLE, REPORTED, PLACES, MAILBOXES})
"""What there is of these a front end asks of the node (`offered.offered`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`usage` begins with the slash. `run` may raise any `errors.MultichatError`."""

    name: str
    usage: str
    summary: str
    run: Callable[[Call], Awaitable[Outcome]]
    aliases: tuple[str, ...] = ()
    goes: bool = False
    """It opens a channel: what is written behind it is meant for that."""
    takes: tuple[tuple[str, ...], ...] = ()
    """What its words may be, one after the other, as far as that is known: NAMES, FILES, one of ASKED_FOR, or the words
    themselves."""
    after: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """By its first word, where it depends on that: what the words behind it may be."""
