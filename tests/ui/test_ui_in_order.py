"""Keys that come faster than the screens follow go where they would have gone one by one."""

import asyncio
from collections.abc import Iterable

import pytest
from seat import Seat, Sit, until
from textual import events
from twin import TwinNode, channel_id

from multichat_tui.model.intents import SendMessage

DEV, LOBBY = channel_id("dev"), channel_id("lobby")
LINK = "/join multichat:join/pwABAQECUK1jq2jkG0rd9y4"


def two_channels() -> TwinNode:
    node = TwinNode()
    node.add_channel("dev")
    node.add_channel("lobby")
    for number in range(40):
        node.say(DEV, "ann", f"line {number}")
    return node


def burst(seat: Seat, keys: Iterable[str]) -> None:
    """All at once, as a terminal has them after a pause of the line."""
    named = {"/": "slash", " ": "space", ":": "colon"}
    driver = seat.app._driver
    assert driver is not None
    for key in keys:
        event = events.Key(named.get(key, key), key if len(key) == 1 else None)
        event.set_sender(seat.app)
        driver.send_message(event)


def sent(node: TwinNode) -> list[tuple[bytes, str]]:
    return [(intent.channel, intent.text) for intent in node.intents if isinstance(intent, SendMessage)]


async def test_what_is_typed_with_the_messages_in_focus_comes_whole_and_does_nothing_else(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        burst(seat, LINK)
        await until(lambda: len(seat.main.composer.text) >= len(LINK) or seat.main.front.current != DEV)
        await seat.pilot.pause()
        assert seat.main.composer.text == LINK
        assert seat.main.front.current == DEV


@pytest.mark.parametrize("slow", [False, True])
async def test_a_message_typed_at_once_behind_a_switch_goes_to_the_new_channel(sit: Sit, slow: bool) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        if slow:
            seat.node.gate = asyncio.Event()
            asyncio.get_running_loop().call_later(0.2, seat.node.gate.set)
        burst(seat, ["alt+2", *"for the lobby", "enter", "alt+1", *"for dev", "enter"])
        await until(lambda: len(sent(seat.node)) == 2)
        assert sent(seat.node) == [(LOBBY, "for the lobby"), (DEV, "for dev")]


async def test_a_list_that_one_picks_from_gets_what_is_typed_behind_the_key_that_opens_it(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        burst(seat, ["ctrl+k", *"lobby", "enter", *"hello", "enter"])
        await until(lambda: sent(seat.node))
        assert sent(seat.node) == [(LOBBY, "hello")]


async def test_what_is_typed_behind_a_command_that_opens_a_channel_is_for_that_channel(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        burst(seat, [*"/create fresh", "enter", *"first words", "enter"])
        await until(lambda: sent(seat.node))
        assert sent(seat.node) == [(channel_id("fresh"), "first words")]


async def test_a_node_that_does_not_answer_does_not_hold_the_keyboard(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        burst(seat, ["alt+2", *"kept"])
        await until(lambda: seat.main.composer.text == "kept")
        seat.node.gate.set()


async def test_a_text_without_a_channel_goes_along_to_the_first_one(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await until(lambda: seat.main.front.api is not None and not seat.main.front.reading)
        await seat.press(*"early words")
        channel = seat.node.add_channel("fresh")
        await until(lambda: channel in seat.main.front.desk.channels)
        await seat.press("alt+1")
        await seat.opened(channel)
        assert seat.main.composer.text == "early words"
