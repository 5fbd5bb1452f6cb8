"""The floor of the terminal: a Textual app with one input and one line, in which messages pass if a rate is given."""

import os
import sys

from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from benchmarks.sending import text_of


class Lean(App[None]):
    CSS = "Static { height: 1; } Input, Input:focus { height: 1; border: none; padding: 0; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.animation_level = "none"
        self.rate = rate
        self.shown = 0

    def compose(self) -> ComposeResult:
        yield Static("ready", id="line")
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()
        if self.rate:
            self.set_interval(1 / self.rate, self.show)

    def show(self) -> None:
        self.shown += 1
        self.query_one("#line", Static).update(text_of("rate", self.shown)[:100])


if __name__ == "__main__":
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    Lean(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0).run()
