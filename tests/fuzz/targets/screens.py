"""Text from people on the whole screen: the application as it runs, with messages, topics, names, drafts and keys.

Far fewer inputs in a second than `rendering` plays, which draws one entry at a time: this one finds what only the whole does.
"""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import Any

from rich.cells import get_character_cell_size
from seat import Seat, until
from twin import TwinLauncher, TwinNode, channel_id, user

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.snapshots import Delivery, MessageRow, RowKind
from multichat_tui.model.text import clean_name, display_names
from multichat_tui.ui.actions import keymap, wear
from multichat_tui.ui.app import MultichatApp
from multichat_tui.ui.preferences import Look, Preferences, Signs
from tests.fuzz.targets.rendering import NASTY, RenderingTarget, check_drawable

RENEW_AFTER = 200
"""Inputs to one application."""
DEV = channel_id("dev")
SIZES = ((80, 24), (120, 40), (40, 10), (61, 17), (20, 6))
KEYS = (
    "up",
    "down",
    "pageup",
    "pagedown",
    "home",
    "end",
    "escape",
    "tab",
    "shift+tab",
    "ctrl+n",
    "ctrl+p",
    "left",
    "right",
    "enter",
)


class ScreenTarget:
    """The first byte and the length are the seed of where the text goes; the text is as in `RenderingTarget`."""

    name = "screens"

    def __init__(self) -> None:
        wear(keymap())
        self._texts = RenderingTarget()
        os.environ.setdefault("TERM", "xterm-256color")
        self._runner: asyncio.Runner | None = None
        self._stack = AsyncExitStack()
        self._seat: Seat
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self._end()
        self._runner = asyncio.Runner()
        self._run(self._open())

    async def _open(self) -> None:
        node = TwinNode()
        node.add_channel("dev")
        node.add_channel("lobby")
        node.add_direct("ann")
        node.fill(DEV, 30)
        launcher = TwinLauncher(node)
        app = MultichatApp(launcher, Preferences(signs=Signs.UNICODE, look=Look.DARK))
        pilot = await self._stack.enter_async_context(app.run_test(size=SIZES[0]))
        self._seat = Seat(app, pilot, node, launcher)
        await self._seat.opened(DEV)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        assert self._runner is not None
        return self._runner.run(work)

    def seeds(self) -> Sequence[bytes]:
        return self._texts.seeds()

    def words(self) -> Sequence[bytes]:
        return self._texts.words()

    def play(self, case: bytes) -> str:
        self._count += 1
        if self._count % RENEW_AFTER == 0:
            self._begin()
        rest = case[1:120]
        text = rest.decode("utf-8", "replace") if case[:1] and case[0] % 2 == 0 else "".join(NASTY[b % len(NASTY)] for b in rest)
        outcome: str = self._run(self._play(text, Random(case[:1] + bytes([len(rest)]))))
        return outcome

    async def _play(self, text: str, rng: Random) -> str:
        seat = self._seat
        what = rng.choice(("say", "say", "say", "notice", "topic", "name", "draft", "keys", "size"))
        match what:
            case "say" | "notice":
                await self._told(self._row(text, rng, notice=what == "notice"))
            case "topic":
                seat.node.set_channel(DEV, topic=text)
            case "name":
                seat.node.set_channel(DEV, name=clean_name(text) or "dev", unread=rng.choice((0, 3, 10**6)))
            case "draft":
                seat.main.composer.insert(text)
            case "keys":
                await seat.press(*rng.choices(KEYS, k=2))
            case _:
                await seat.pilot.resize_terminal(*rng.choice(SIZES))
        await seat.pilot.pause()
        self._check()
        if what == "draft":
            seat.main.composer.load("", seat.main.composer.place)
        return f"{what} {seat.app.size} {type(seat.app.screen).__name__} {seat.main.timeline.channel == DEV} {len(text) > 40}"

    def _row(self, text: str, rng: Random, *, notice: bool) -> MessageRow:
        node = self._seat.node
        author = rng.choice(("ann", "bob", "me"))
        name = display_names({user(author): text})[user(author)] if rng.random() < 0.5 else author
        kind = rng.choice(tuple(RowKind)) if notice else RowKind.MESSAGE
        row = node.row(DEV, author, text, name=name, kind=kind, subject=user(author), state=rng.choice(tuple(Delivery)))
        if kind is RowKind.MESSAGE and rng.random() < 0.3:
            row = replace(row, reply_to=rng.choice(node.rows[DEV]).id)
        return row

    async def _told(self, row: MessageRow) -> None:
        seat = self._seat
        seat.node.put(row)
        timeline = seat.main.timeline
        if self._at_end(seat, row.channel):
            await until(lambda: timeline.window.get(row.id) is not None, "what was said is in the timeline")

    def _at_end(self, seat: Seat, channel: ChannelId) -> bool:
        timeline = seat.main.timeline
        return timeline.channel == channel and not timeline.window.more_after

    def _check(self) -> None:
        app = self._seat.app
        assert app._exception is None, app._exception
        assert app.is_running
        for strip in app.screen._compositor.render_strips():
            told = strip.text
            check_drawable(told)
            cells = sum(map(get_character_cell_size, told))
            assert cells == strip.cell_length == app.size.width, f"{cells} cells of {app.size.width}: {told!r}"

    def _end(self) -> None:
        if self._runner is not None:
            self._run(self._stack.aclose())
            self._runner.close()
            self._runner = None

    def close(self) -> None:
        self._texts.close()
        self._end()
