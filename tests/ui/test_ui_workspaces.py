"""Workspaces in the side pane: sections that keys go between, and headings that can be opened."""

from dataclasses import replace
from typing import Any

import pytest
from seat import Sit, until
from test_ui_snapshots import application, opened
from twin import TwinNode, channel_id

from multichat_tui.model.snapshots import ChannelKind, ListedRow

ACME, UMBRELLA, DEV, OPS, TEA = (channel_id(name) for name in ("acme", "umbrella", "dev", "ops", "tea"))


def with_workspaces() -> TwinNode:
    """acme with dev and ops, umbrella with ops as well, and tea, which is in neither."""
    node = TwinNode()
    for name in ("acme", "umbrella", "dev", "ops", "tea"):
        node.add_channel(name)
    for space in (ACME, UMBRELLA):
        node._set_channel(replace(node.channel_rows[space], kind=ChannelKind.WORKSPACE))
    node._set_channel(replace(node.channel_rows[DEV], workspaces=(ACME,)))
    node._set_channel(replace(node.channel_rows[OPS], workspaces=tuple(sorted((ACME, UMBRELLA)))))
    node.add_contact("bob", online=True)
    node.directories[ACME] = [
        ListedRow(channel=DEV, name="dev", topic="release", joined=True, joining=False, open=True, members=3),
        ListedRow(channel=channel_id("hr"), name="hr", topic="", joined=False, joining=False, open=True, members=None),
        ListedRow(channel=channel_id("board"), name="board", topic="", joined=False, joining=False, open=False, members=None),
    ]
    return node


async def test_a_workspace_heads_its_channels_and_one_of_two_stands_in_the_first(sit: Sit) -> None:
    async with sit(with_workspaces(), size=(120, 40)) as seat:
        await seat.opened(ACME)
        await seat.press("alt+2")
        await seat.opened(DEV)
        pane = seat.main.channels
        lines = ["".join(text for text, _ in item.left).strip() for item in pane.items]
        assert lines[:10] == ["1 ACME", "2 #dev", "3 #ops", "", "4 UMBRELLA", "", "CHANNELS", "5 #tea", "", "DIRECT"]
        assert "acme ▸ #dev" in seat.text


async def test_keys_go_from_section_to_section(sit: Sit) -> None:
    async with sit(with_workspaces(), size=(120, 40)) as seat:
        await seat.opened(ACME)
        for _ in range(4):
            if seat.main.focused is not seat.main.channels:
                await seat.press("tab")
        assert seat.main.focused is seat.main.channels
        await seat.press("g")
        seen = [seat.main.channels._chosen]
        for key in ("l", "right", "l", "l", "h", "left", "h"):
            await seat.press(key)
            seen.append(seat.main.channels._chosen)
        assert seen[:3] == [ACME, UMBRELLA, TEA]
        assert seen[3] == seen[4] not in (ACME, UMBRELLA, TEA)
        assert seen[5:] == [TEA, UMBRELLA, ACME]
        await seat.press("enter")
        await until(lambda: seat.main.front.current == ACME)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_workspaces_look_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    async def play(pilot: Any) -> None:
        await opened(pilot)
        pilot.app.main.composer.insert("/list acme")
        await pilot.press("enter")
        await until(lambda: pilot.app.screen is not pilot.app.main)
        await pilot.pause()

    assert snap_compare(application(with_workspaces()), terminal_size=size, run_before=play)
