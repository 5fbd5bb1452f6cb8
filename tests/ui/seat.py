"""A running application in a test: its screen as text, keys, waiting for a condition."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from textual.pilot import Pilot
from twin import TwinLauncher, TwinNode

from multichat_tui.ui.app import MultichatApp
from multichat_tui.ui.main import MainScreen

WAIT_S = 10.0


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for a condition; fails after `WAIT_S`."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"never happened: {what or condition}")
        await asyncio.sleep(0.005)


@dataclass
class Seat:
    """A running application."""

    app: MultichatApp
    pilot: Pilot[int]
    node: TwinNode
    launcher: TwinLauncher

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def lines(self) -> list[str]:
        """The screen as it is drawn, all layers."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        if self.app.screen.is_modal:
            strips = self.app.screen_stack[-2]._compositor.render_strips() + strips
        assert all(strip.cell_length <= width for strip in strips)
        assert height
        return [strip.text for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def timeline(self) -> list[str]:
        """The lines of the timeline's pane."""
        return [line.strip.text for line in self.main.timeline.lines()]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Type, as a paste of small size would."""
        self.main.composer.insert(text)
        await self.pilot.pause()

    async def sees(self, text: str) -> None:
        await until(lambda: text in self.text, f"{text!r} on the screen:\n{self.text}")

    async def gone(self, text: str) -> None:
        await until(lambda: text not in self.text, f"no {text!r} on the screen:\n{self.text}")

    async def opened(self, channel: bytes) -> None:
        """Until a channel is open and shown."""
        front = self.main.front
        await until(lambda: front.current == channel and front.pages is not None and front.pages.loaded)
        await until(lambda: self.main.timeline.channel == channel)
        await self.pilot.pause()


Sit = Callable[..., AbstractAsyncContextManager[Seat]]
