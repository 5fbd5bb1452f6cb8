"""Keys that come faster than the screens follow go where they would have gone one by one."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from seat import Seat, Sit, until
from textual import events
from textual.widget import Widget
from twin import TwinNode, channel_id

from multichat_tui.model.intents import SendMessage, SetDraft
from multichat_tui.ui.search import SearchScreen

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


@pytest.mark.parametrize("slow", [False, True])
async def test_a_command_behind_messages_that_are_still_being_sent_has_its_channel_open_for_what_follows(
    sit: Sit, slow: bool
) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        if slow:
            seat.node.gate = asyncio.Event()
            asyncio.get_running_loop().call_later(0.2, seat.node.gate.set)
        burst(seat, [*"one", "enter", *"two", "enter", *"/create fresh", "enter", *"first words", "enter"])
        await until(lambda: len(sent(seat.node)) == 3)
        assert sent(seat.node) == [(DEV, "one"), (DEV, "two"), (channel_id("fresh"), "first words")]
        assert seat.main.composer.text == ""


async def test_the_same_said_several_times_in_a_burst_is_sent_as_often(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        burst(seat, [*"ha", "enter"] * 3)
        await until(lambda: seat.main.composer.text == "hahaha")
        await seat.pilot.pause()
        seat.node.gate.set()
        await until(lambda: len(sent(seat.node)) == 3)
        assert sent(seat.node) == [(DEV, "ha")] * 3


async def test_an_enter_while_the_newest_messages_are_read_again_sends_too(sit: Sit) -> None:
    node = two_channels()
    for number in range(400):
        node.say(DEV, "ann", f"more {number}")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+home")
        await until(lambda: seat.main.timeline.window.more_after)
        pages = seat.main.front.pages
        assert pages is not None
        load, going_on, reached = pages.load, asyncio.Event(), asyncio.Event()

        async def slow_load() -> None:
            reached.set()
            await going_on.wait()
            await load()

        pages.load = slow_load  # type: ignore[method-assign]
        burst(seat, [*"a longer first message", "enter"])
        await until(reached.is_set)
        burst(seat, [*"two", "enter", *"three", "enter"])
        await until(lambda: seat.main.composer.text == "twothree")
        await seat.pilot.pause()
        going_on.set()
        await until(lambda: len(sent(node)) == 3)
        assert sent(node) == [(DEV, "a longer first message"), (DEV, "two"), (DEV, "three")]


async def test_what_is_being_written_when_one_leaves_stays_there_though_the_message_before_it_is_still_on_its_way(
    sit: Sit,
) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, seat.node.gate.set)
        burst(seat, [*"one", "enter", *"not finished", "alt+2", *"hello", "enter"])
        await until(lambda: len(sent(seat.node)) == 2)
        assert sent(seat.node) == [(DEV, "one"), (LOBBY, "hello")]
        burst(seat, ["alt+1"])
        await seat.opened(DEV)
        assert seat.main.composer.text == "not finished"


async def test_a_message_goes_to_the_channel_that_is_seen_while_another_one_is_still_opening(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.write("for dev")
        front, node = seat.main.front, seat.node
        opening = asyncio.Event()
        read = node.timeline

        async def slow_timeline(*args: Any, **more: Any) -> Any:
            await opening.wait()
            return await read(*args, **more)

        node.timeline = slow_timeline  # type: ignore[method-assign]
        going = asyncio.create_task(front.open(LOBBY))
        await asyncio.sleep(0)
        burst(seat, ["enter"])
        await until(lambda: sent(node))
        opening.set()
        await going
        await seat.opened(LOBBY)
        assert sent(node) == [(DEV, "for dev")]
        assert seat.main.composer.text == ""


async def test_what_is_typed_while_a_channel_is_long_in_opening_is_of_the_channel_that_is_seen(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.write("of dev")
        seat.node.gate = asyncio.Event()
        burst(seat, ["alt+2", *"of lobby"])
        await until(lambda: seat.main.composer.text == "of lobby")
        assert seat.main.front.current == LOBBY
        await seat.sees("#lobby >")
        seat.node.gate.set()
        await seat.opened(LOBBY)
        assert seat.main.composer.text == "of lobby"
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == "of dev"


async def test_what_came_while_a_channel_was_opening_is_there_when_it_is_open(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        going = asyncio.create_task(seat.main.front.open(LOBBY))
        await until(lambda: seat.main.front._next is not None)
        seat.node.say(LOBBY, "ann", "in between")
        await until(lambda: seat.main.front._meanwhile)
        seat.node.gate.set()
        await going
        await until(lambda: any("in between" in line for line in seat.timeline))


async def test_many_keys_that_a_silent_node_answers_late_do_not_add_up(sit: Sit) -> None:
    """Each would be waited for, one after the other."""
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        burst(seat, [*["alt+2", "alt+1"] * 20, *"kept"])
        await until(lambda: seat.main.composer.text == "kept")
        seat.node.gate.set()


async def test_quitting_does_not_wait_for_a_node_that_never_answers(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multichat_tui.ui.app.QUIT_S", 0.1)
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.write("half")
        seat.node.gate = asyncio.Event()
        burst(seat, ["alt+2", "x", "ctrl+q"])
        await until(lambda: seat.app.return_code == 0)


async def test_what_is_typed_on_the_heels_of_quitting_is_saved(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        burst(seat, [*"to the end", "ctrl+q"])
        await until(lambda: seat.app.return_code == 0)
        assert SetDraft(channel=DEV, text="to the end") in seat.node.intents


async def test_a_key_behind_a_jump_is_for_where_the_jump_leads(sit: Sit) -> None:
    node = two_channels()
    called = node.say(DEV, "ann", "@me what do you say?")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        burst(seat, ["alt+p", "r", *"yes", "enter"])
        await until(lambda: sent(node))
        assert SendMessage(channel=DEV, text="yes", reply_to=called.id) in node.intents


def click(seat: Seat, widget: Widget, x: int, y: int) -> None:
    """As a terminal tells it."""
    driver = seat.app._driver
    assert driver is not None
    x, y = widget.region.x + x, widget.region.y + y
    for kind in (events.MouseDown, events.MouseUp):
        driver.send_message(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))


async def test_a_click_comes_behind_the_keys_before_it_and_before_those_behind_it(sit: Sit) -> None:
    node = two_channels()
    node.add_channel("ops")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        burst(seat, ["alt+2", *"for lobby", "enter"])
        click(seat, seat.main.channels, 4, 3)
        burst(seat, [*"for ops", "enter"])
        await until(lambda: len(sent(node)) == 2)
        assert sent(node) == [(LOBBY, "for lobby"), (channel_id("ops"), "for ops")]


async def test_enter_in_the_search_waits_for_the_answer_to_what_is_typed(sit: Sit) -> None:
    node = two_channels()
    node.say(DEV, "ann", "rope")
    node.say(LOBBY, "ann", "ropes are here")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.press("ctrl+f", "ctrl+f", *"rope")
        await seat.sees("2 found")
        node.gate = asyncio.Event()
        await seat.press("s", "enter")
        assert isinstance(seat.app.screen, SearchScreen)
        node.gate.set()
        await seat.opened(LOBBY)


async def test_a_paste_is_written_wherever_the_focus_is(sit: Sit) -> None:
    async with sit(two_channels()) as seat:
        await seat.opened(DEV)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        seat.app.post_message(events.Paste("rkt\nyes"))
        await until(lambda: seat.main.composer.text == "rkt\nyes")
        await until(lambda: seat.main.composer.has_focus)
        assert seat.main.reply_to is None
