"""Pictures of the lock, of folded messages and of people who ask."""

from typing import Any

import pytest
from seat import until
from test_ui_snapshots import application, opened
from textual.pilot import Pilot
from twin import TwinNode, channel_id, populated, user

from multichat_tui.model.regards import RequestKind, RequestRow
from multichat_tui.ui.locking import LockScreen

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


def disturbed() -> TwinNode:
    node = populated()
    for number in range(3):
        node.say(channel_id("dev"), "eve", f"buy this {number}", ignored=True)
    node.set_channel(channel_id("dev"), unread=0, mentions=0, read_arrival=node.arrivals)
    row = RequestRow(
        user=user("carol"), name="carol", kind=RequestKind.DIRECT, since_ms=0, through="dev", texts=("hello",), count=1
    )
    node.set_status(requests=(row,))
    return node


@SIZES
def test_folded_messages_and_people_who_ask_look_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        front = pilot.app.main.front
        await front.open(channel_id("dev"))
        await until(lambda: front.row is not None and front.row.unread == 0 and not front.reading)
        await pilot.pause()

    assert snap_compare(application(disturbed()), terminal_size=size, run_before=play)


@SIZES
def test_the_lock_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press("alt+l")
        await until(lambda: isinstance(pilot.app.screen, LockScreen) and pilot.app.screen._input.has_focus)
        pilot.app.locking.counted(pilot.app.main.front.desk.unread + 3)
        await pilot.pause()

    assert snap_compare(application(populated()), terminal_size=size, run_before=play)
