"""Taking messages away by keys: the command is written, with all that are marked, and Enter does it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from seat import Sit, until
from twin import TwinNode, channel_id

from multichat_tui.model.intents import RedactMessages
from multichat_tui.model.snapshots import MessageRow
from multichat_tui.node.api.lookup import id_text
from multichat_tui.ui.moderating import command_about_messages

DEV = channel_id("dev")


def talk() -> tuple[TwinNode, list[MessageRow]]:
    node = TwinNode()
    node.add_channel("dev")
    return node, [node.say(DEV, who, f"by {who}") for who in ("bob", node.name, "bob")]


async def test_d_writes_the_command_that_takes_a_message_away_and_enter_does_it(sit: Sit) -> None:
    node, (_, _, other) = talk()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("shift+up", "d")
        assert seat.main.composer.text == f"/redact {id_text(other.id)} "
        await seat.press(*"spam", "enter")
        await until(lambda: node.intents[-1] == RedactMessages(channel=DEV, targets=(other.id,), reason="spam"))


async def test_ones_own_is_deleted_and_what_is_being_written_is_not_overwritten(sit: Sit) -> None:
    node, (_, mine, _) = talk()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("shift+up", "k", "d")
        assert seat.main.composer.text == f"/delete {id_text(mine.id)}"
        await seat.press("shift+up", "d")
        await seat.sees("Send or erase what you are writing first.")


async def test_several_are_marked_and_taken_away_together(sit: Sit) -> None:
    node, (first, _, last) = talk()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("shift+up", "k", "k", "space", "j", "space")
        assert seat.main.timeline.view.chosen == {first.id, last.id}
        await seat.press("d")
        assert seat.main.composer.text == f"/redact {id_text(first.id)},{id_text(last.id)} "
        assert seat.main.timeline.view.chosen == set()


async def test_what_disappears_is_marked_and_i_says_when(sit: Sit) -> None:
    node, (row, *_) = talk()
    async with sit(node) as seat:
        await seat.opened(DEV)
        node.change(replace(row, expires_ms=row.time_ms + 3_600_000))
        await seat.sees("by bob ◷")
        await seat.press("shift+up", "k", "k", "i")
        await seat.sees("It is gone from everywhere on")


async def test_what_a_message_still_has_is_counted_down_without_a_key(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    node, (row, *_) = talk()
    now_ms = [row.time_ms]
    monkeypatch.setattr("multichat_tui.ui.main.time", SimpleNamespace(time=lambda: now_ms[0] / 1000))
    monkeypatch.setattr("multichat_tui.ui.timeline.COUNT_DOWN_S", 0.01)
    async with sit(node) as seat:
        await seat.opened(DEV)
        node.change(replace(row, expires_ms=row.time_ms + 3_600_000 + 20))
        await seat.sees("by bob ◷1h")
        now_ms[0] += 30
        await seat.sees("by bob ◷59m")


def test_what_is_no_message_is_not_taken_away() -> None:
    assert command_about_messages([]) is None
