"""The screen of a closed account: how many contacts know, and what deletes the profile and ends the program.

It comes up by itself, perhaps in the middle of a sentence (the account was closed at another device): no key that belongs to that
sentence deletes anything.
"""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from multichat_tui.model.snapshots import StatusRow
from multichat_tui.ui.bars import Bar
from multichat_tui.ui.glyphs import Glyphs
from multichat_tui.ui.palette import Palette
from multichat_tui.ui.panel import Lines, Page

DELETE = "delete"
"""What has to be typed."""


def told_words(status: StatusRow, contacts: int) -> str:
    """How many of the contacts know."""
    if not contacts:
        return "You had no contacts to tell."
    told = max(0, contacts - status.untold)
    return "Every contact was told." if told == contacts else f"{told} of {contacts} contacts were told."


def closed_page(status: StatusRow, contacts: int, trouble: str = "") -> Page:
    """`trouble`: why the profile could not be deleted."""
    waiting = contacts and status.untold
    rest = "The others are told while this stays open; later they hear of it from people whom you both know, or not at all."
    lines = (
        f"Your account is closed. {told_words(status, contacts)}",
        *((rest,) if waiting else ()),
        "",
        f"Type {DELETE} and press Enter: that deletes the profile from this device (messages, keys, log) and ends the program. "
        "Nothing brings it back.",
        "Esc lets you read on; nothing more can be written.",
        *(("", trouble) if trouble else ()),
    )
    return Page(title="Account closed", lines=lines)


class ClosedScreen(ModalScreen[None]):
    """`delete` is called when that is typed and entered, with who was told."""

    DEFAULT_CSS = """
    ClosedScreen { align: center bottom; background: transparent; }
    ClosedScreen Bar { height: 1; width: 100%; }
    ClosedScreen Lines { width: 100%; height: auto; }
    """

    def __init__(
        self, status: StatusRow, contacts: int, palette: Palette, glyphs: Glyphs, delete: Callable[[str], object]
    ) -> None:
        super().__init__()
        self._palette, self._delete = palette, delete
        self._status, self._contacts = status, contacts
        self._typed = ""
        self._lines = Lines(closed_page(status, contacts), palette, glyphs)
        self._top, self._bottom = Bar(palette.bar, id="closed-top"), Bar(palette.bar, id="closed-bottom")

    @property
    def page(self) -> Page:
        """What it says."""
        return self._lines.page

    def compose(self) -> ComposeResult:
        yield self._top
        yield self._lines
        yield self._bottom

    def on_mount(self) -> None:
        self._top.tell([(" Account closed ", self._palette.strong)])
        self._ask()
        self._fit()
        self._lines.focus()

    def _ask(self) -> None:
        typed = (f" > {self._typed}", self._palette.strong)
        keys = ((f"{DELETE} and Enter: ends  ", self._palette.strong), ("Esc closes this ", self._palette.strong))
        self._bottom.tell([typed] if self._typed else [("", self._palette.dim)], keys)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        self._lines.styles.height = max(1, min(self._lines.rows_at(self.app.size.width), self.app.size.height - 3))

    def show(self, status: StatusRow, contacts: int, trouble: str = "") -> None:
        """What is so now."""
        self._status, self._contacts = status, contacts
        self._lines.show(closed_page(status, contacts, trouble))
        self._fit()

    def refused(self, why: str) -> None:
        """The profile could not be deleted."""
        self.show(self._status, self._contacts, why)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("ctrl+q", "ctrl+c"):
            return
        event.stop()
        event.prevent_default()
        if event.key == "enter" and self._typed == DELETE:
            self._delete(told_words(self._status, self._contacts))
        elif event.is_printable and event.character is not None:
            self._typed = (self._typed + event.character)[-len(DELETE) - 1 :]
            self._ask()
        elif event.key in ("enter", "backspace", "ctrl+u"):
            self._typed = self._typed[:-1] if event.key == "backspace" else ""
            self._ask()
        elif event.key in ("up", "down"):
            self._lines.scroll_lines(-1 if event.key == "up" else 1)
        elif event.key == "escape" and self.is_current:
            self.dismiss()
