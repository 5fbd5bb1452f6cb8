"""Writing in the user's own editor: the screens step aside for it. Whatever happens to the editor, what was written stays."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from multichat_tui.model.limits import MAX_DRAFT_CHARACTERS

if TYPE_CHECKING:
    from multichat_tui.ui.main import MainScreen

FALLBACKS = ("nano", "vim", "vi")


def editor_command() -> list[str]:
    """$VISUAL, $EDITOR, or what there usually is; empty: there is none."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(os.environ.get(name, ""))
        except ValueError:
            continue
        if words:
            return words
    return next(([found] for name in FALLBACKS if (found := shutil.which(name))), [])


def edit(command: list[str], text: str) -> str:
    """What the editor leaves of `text`. OSError if it cannot be run or ends with a failure: the text counts as unchanged then.

    The file is readable by the user alone, and removed whatever happens.
    """
    folder = Path(tempfile.mkdtemp(prefix="multichat-"))
    path = folder / "message.txt"
    try:
        path.touch(mode=0o600)
        path.write_text(text + "\n" if text else "", encoding="utf-8")
        code = subprocess.run([*command, str(path)], check=False).returncode
        if code:
            raise OSError(f"it ended with {code}")
        with path.open(encoding="utf-8", errors="replace") as file:
            written = file.read(MAX_DRAFT_CHARACTERS + 1)
        return "".join(c for c in written.rstrip("\n") if c == "\n" or c.isprintable() or c == "\t" or ord(c) > 0x9F)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def write_in_editor(screen: "MainScreen") -> None:
    """What stands in the composer, in the editor and back."""
    composer, front = screen.composer, screen.front
    command = editor_command()
    if not command:
        front.say("No editor is set: set EDITOR in your shell, as in: export EDITOR=nano", bad=True)
        return
    before, place, failed = composer.text, composer.place, ""
    written = before
    interrupted = signal.getsignal(signal.SIGINT)
    # Ctrl+C is the editor's meanwhile. A function, and no SIG_IGN, which the editor would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with screen.app.suspend():
            # On a thread: the node in this process goes on, and what is drawn meanwhile goes nowhere (driver.TerminalDriver).
            # Caught in here: Textual takes the terminal back only if nothing is raised.
            try:
                written = await asyncio.to_thread(edit, command, before)
            except OSError as error:
                failed = str(error.strerror or error)
    except SuspendNotSupported:
        failed = "this terminal cannot be handed over"
    finally:
        signal.signal(signal.SIGINT, interrupted)
    screen.app.refresh(layout=True)
    if failed:
        front.say(f"{command[0]}: {failed}. What you had written stays.", bad=True)
    elif len(written) > MAX_DRAFT_CHARACTERS:
        front.say(f"That is more than {MAX_DRAFT_CHARACTERS} characters: what you had written before stays.", bad=True)
    elif written != before and composer.place != place:
        # What was open has gone meanwhile: the text stays where it was written for.
        front.edited(place, written.replace("\t", "    "))
    elif written != before:
        composer.editor.set(written.replace("\t", "    "))
        composer.insert("")
    composer.focus()
