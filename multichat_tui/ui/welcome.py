"""The first screens: making an identity, showing its recovery phrase once, unlocking. One question at a time."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from multichat_tui.model.errors import MultichatError, WrongPassphrase
from multichat_tui.model.limits import MAX_NAME_CHARACTERS, MAX_PASSPHRASE_BYTES
from multichat_tui.model.text import clean_name
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.launch import Launcher

FrontDone = Callable[[NodeApi], Awaitable[None]]


class Step(Enum):
    NAME = auto()
    RESTORE = auto()
    LOST = auto()
    PASSPHRASE = auto()
    NO_PASSPHRASE = auto()
    AGAIN = auto()
    MAKING = auto()
    PHRASE = auto()
    UNLOCK = auto()
    OPENING = auto()


TEXTS: dict[Step, tuple[str, str]] = {
    Step.NAME: (
        "Welcome to Multichat",
        "An encrypted chat without a server. There is nothing to sign up for: your identity is made on this device, now.\n\n"
        "What shall others call you?",
    ),
    Step.RESTORE: (
        "Bring your identity back",
        "Type the 24 words of your recovery phrase. Whoever has them is you: look over your shoulder first.",
    ),
    Step.LOST: (
        "Are your other devices lost?",
        "Enter: they are, or there are none left. They are revoked as soon as a contact has brought your account back.\n\n"
        "Type keep if they are not lost: this becomes one more device.",
    ),
    Step.PASSPHRASE: (
        "Choose a passphrase",
        "It locks your messages and keys on this device, and is asked for at each start. Nobody can reset it.\n\n"
        "Leave it empty to go without one.",
    ),
    Step.NO_PASSPHRASE: (
        "Really without a passphrase?",
        "Whoever can read this disk can then read your messages and be you.\n\nEnter goes on without one. Or type one.",
    ),
    Step.AGAIN: ("Once more", "Type the same passphrase again."),
    Step.MAKING: ("Making your identity", "A moment..."),
    Step.PHRASE: ("Write these 24 words down", ""),
    Step.UNLOCK: ("Multichat is locked", "Your passphrase opens it."),
    Step.OPENING: ("Unlocking", "A moment..."),
}

BACK = {
    Step.RESTORE: Step.NAME,
    Step.LOST: Step.RESTORE,
    Step.PASSPHRASE: Step.NAME,
    Step.NO_PASSPHRASE: Step.PASSPHRASE,
    Step.AGAIN: Step.PASSPHRASE,
}
"""Where Esc leads."""


def phrase_table(words: list[str], cells: int) -> str:
    """Numbered words in as many columns as fit, read downwards."""
    column = max((len(word) for word in words), default=0) + 5
    columns = max(1, min(4, cells // column))
    rows = -(-len(words) // columns)
    lines = []
    for row in range(rows):
        numbers = range(row, len(words), rows)
        lines.append("".join(f"{n + 1:>2} {words[n]}".ljust(column) for n in numbers).rstrip())
    return "\n".join(lines)


class FrontDoor(Screen[None]):
    """Leads to a started node, which is handed to `done`."""

    DEFAULT_CSS = """
    FrontDoor { align: center middle; }
    FrontDoor > Vertical { width: 100%; max-width: 72; height: auto; padding: 0 2; }
    FrontDoor #door-title { text-style: bold; color: $primary; height: 1; }
    FrontDoor #door-text { height: auto; margin: 1 0; }
    FrontDoor Input { border: none; height: 1; padding: 0 1; background: $surface; }
    FrontDoor Input:focus { border: none; }
    FrontDoor > Vertical > Horizontal { height: 1; width: 100%; }
    FrontDoor #door-sign { width: 2; height: 1; color: $primary; }
    FrontDoor #door-input { width: 1fr; }
    FrontDoor #door-keys { height: auto; margin-top: 1; opacity: 70%; }
    FrontDoor.-low #door-keys { display: none; }
    FrontDoor #door-error { height: auto; color: $error; margin-top: 1; }
    FrontDoor.-low #door-text { margin: 0; }
    FrontDoor.-low #door-error { margin: 0; }
    """

    def __init__(self, launcher: Launcher, *, new: bool, done: FrontDone, why: str = "") -> None:
        """`why` there is something to unlock, where that was not so a moment ago."""
        super().__init__()
        self._why = why
        self._launcher, self._done = launcher, done
        self._step = Step.NAME if new else Step.UNLOCK
        self._chosen_name = ""
        self._passphrase: str | None = None
        self._phrase = ""
        """Of an identity that is brought back; empty for a new one."""
        self._lost = True
        self._words: list[str] = []
        self._asked = 0
        self._starting: asyncio.Task[NodeApi] | None = None
        self._title = Static("", id="door-title", markup=False)
        self._text = Static("", id="door-text", markup=False)
        self._input = Input(id="door-input", select_on_focus=False, compact=True)
        self._input.cursor_blink = False
        self._sign = Static(">", id="door-sign", markup=False)
        self._error = Static("", id="door-error", markup=False)
        self._keys = Static("", id="door-keys", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._title
            yield self._text
            with Horizontal():
                yield self._sign
                yield self._input
            yield self._error
            yield self._keys

    def on_mount(self) -> None:
        self._show(self._step)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 16, "-low")
        if self._step is Step.PHRASE:
            self._show_phrase()

    def _show(self, step: Step, error: str = "") -> None:
        self._step = step
        title, text = TEXTS[step]
        self._title.update(title)
        self._text.update(f"{self._why} {text}" if self._why and step is Step.UNLOCK else text)
        self._error.update(error)
        waiting = step in (Step.MAKING, Step.OPENING)
        self._input.value = ""
        self._input.password = step in (Step.PASSPHRASE, Step.NO_PASSPHRASE, Step.AGAIN, Step.UNLOCK)
        self._input.display = self._sign.display = not waiting
        back = "Esc goes back, " if step in BACK else ""
        restore = "Ctrl+R brings an identity back, " if step is Step.NAME else ""
        self._keys.update("" if waiting else f"Enter goes on, {back}{restore}Ctrl+Q quits.")
        if not waiting:
            self._input.focus()
        if step is Step.PHRASE:
            self._show_phrase()

    def _show_phrase(self) -> None:
        low = self.app.size.height < 16
        why = (
            ""
            if low
            else "They are what brings your identity back if this device is lost: Ctrl+R at the first start. "
            "They are shown this once; keep them secret.\n\n"
        )
        ask = f"Type word {self._asked + 1} when you have written them down:"
        self._text.update(f"{why}{phrase_table(self._words, min(68, self.app.size.width - 4))}\n{'' if low else chr(10)}{ask}")

    def on_key(self, event: events.Key) -> None:
        if event.key == "ctrl+r" and self._step is Step.NAME:
            event.stop()
            self._show(Step.RESTORE)
        elif event.key == "escape" and self._step is Step.PASSPHRASE and self._phrase:
            event.stop()
            self._show(Step.LOST)
        elif event.key == "escape" and (before := BACK.get(self._step)) is not None:
            event.stop()
            self._show(before)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value
        match self._step:
            case Step.NAME:
                self._take_name(value)
            case Step.RESTORE:
                self._take_phrase(value)
            case Step.LOST:
                self._take_lost(value)
            case Step.PASSPHRASE | Step.NO_PASSPHRASE:
                self._take_passphrase(value)
            case Step.AGAIN:
                if value == self._passphrase:
                    self._begin(Step.MAKING, self._make())
                else:
                    self._show(Step.PASSPHRASE, "The two were not the same. Choose it again.")
            case Step.PHRASE:
                self._take_word(value)
            case Step.UNLOCK:
                self._begin(Step.OPENING, self._unlock(value))
            case Step.MAKING | Step.OPENING:
                return

    def _take_name(self, value: str) -> None:
        name = clean_name(value)
        if name is None:
            self._error.update(f"A name has 1 to {MAX_NAME_CHARACTERS} visible characters and does not begin with # @ + or /.")
            return
        self._chosen_name, self._phrase = name, ""
        self._show(Step.PASSPHRASE)

    def _take_phrase(self, value: str) -> None:
        try:
            self._launcher.check_phrase(value)
        except MultichatError as error:
            self._error.update(str(error))
            return
        self._phrase = value
        self._show(Step.LOST)

    def _take_lost(self, value: str) -> None:
        if value.strip().lower() not in ("", "keep"):
            self._error.update("Enter alone revokes them; keep leaves them.")
            return
        self._lost = not value.strip()
        self._show(Step.PASSPHRASE)

    def _take_passphrase(self, value: str) -> None:
        if len(value.encode()) > MAX_PASSPHRASE_BYTES:
            self._error.update(f"At most {MAX_PASSPHRASE_BYTES} bytes.")
        elif value:
            self._passphrase = value
            self._show(Step.AGAIN)
        elif self._step is Step.PASSPHRASE:
            self._show(Step.NO_PASSPHRASE)
        else:
            self._passphrase = None
            self._begin(Step.MAKING, self._make())

    def _begin(self, step: Step, work: Awaitable[None]) -> None:
        self._show(step)

        async def run() -> None:
            await work

        self.run_worker(run(), exclusive=True)

    async def _make(self) -> None:
        """The phrase is shown whatever becomes of the start: there is no second time."""
        if self._phrase:
            await self._restore()
            return
        try:
            phrase = await self._launcher.create(name=self._chosen_name, passphrase=self._passphrase)
        except MultichatError as error:
            self._show(Step.NAME, str(error))
            return
        self._words = phrase.split()
        self._starting = asyncio.create_task(self._launcher.start(self._passphrase))
        self._passphrase = None
        self._asked = secrets.randbelow(len(self._words))
        self._show(Step.PHRASE)

    async def _restore(self) -> None:
        phrase, self._phrase = self._phrase, ""
        try:
            await self._launcher.restore(phrase=phrase, passphrase=self._passphrase, lost=self._lost)
        except MultichatError as error:
            self._show(Step.RESTORE, str(error))
            return
        start, self._passphrase = self._launcher.start(self._passphrase), None
        await self._enter(start)

    def _take_word(self, value: str) -> None:
        if value.strip().lower() != self._words[self._asked]:
            # Emptied: the next try would be written behind this one.
            self._input.value = ""
            self._error.update(f"That is not word {self._asked + 1}.")
            return
        self._words = []
        if self._starting is not None:
            self._begin(Step.OPENING, self._enter(self._starting))

    async def _unlock(self, passphrase: str) -> None:
        await self._enter(self._launcher.start(passphrase))

    async def _enter(self, start: Awaitable[NodeApi]) -> None:
        try:
            api = await start
        except WrongPassphrase as error:
            self._show(Step.UNLOCK, f"{error.message} Try again.")
        except MultichatError as error:
            self._show(Step.UNLOCK, str(error))
        else:
            await self._done(api)
