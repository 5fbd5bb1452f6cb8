"""The quick switcher, the command palette and the search of one's own input: by keys, by mouse, at every size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, populated, user

from multichat_tui.model.intents import OpenDirect
from multichat_tui.node.api.commands import COMMANDS
from multichat_tui.ui import menu, switcher
from multichat_tui.ui.actions import ACTIONS
from multichat_tui.ui.fuzzy import best, fitness
from multichat_tui.ui.picker import PickerScreen
from multichat_tui.ui.themes import DARK

DEV, LOBBY, OPS = channel_id("dev"), channel_id("lobby"), channel_id("ops")
SIZES = [(120, 40), (80, 24), (40, 10)]


async def picked(seat: Seat) -> PickerScreen:
    await until(lambda: isinstance(seat.app.screen, PickerScreen))
    await seat.pilot.pause()
    screen = seat.app.screen
    assert isinstance(screen, PickerScreen)
    return screen


async def test_a_command_with_many_forms_still_says_what_it_does_at_80_columns(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.press("ctrl+p", *"mailbox")
        await seat.sees("/mailbox [list | add LINK")
        await seat.sees("where others leave messages for you while")


def offered(screen: PickerScreen) -> list[str]:
    return ["".join(text for text, _ in choice.left).strip() for choice in screen.lines.choices]


def test_a_beginning_fits_better_than_a_middle_and_a_run_better_than_gaps() -> None:
    assert best("ops", ["shops", "top secrets", "ops"], str) == ["ops", "shops", "top secrets"]
    assert best("rp", ["harp", "release planning"], str)[0] == "harp"
    assert best("rel pla", ["plain", "release planning", "planning"], str) == ["release planning"]
    assert fitness("xyz", "release") is None
    assert best(" ", ["b", "a"], str) == ["b", "a"]
    assert best("hbr", ["harbour"], str) == ["harbour"]
    apart = "Show or hide the other members of this place"
    assert best("theme", [apart, "/theme NAME"], str) == ["/theme NAME"]
    assert best("theme", [apart], str) == [apart]


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=6))
def test_whatever_fits_holds_the_typed_characters_in_their_order(query: str, texts: list[str]) -> None:
    for found in best(query, texts, str):
        for word in query.casefold().split():
            rest = iter(found.casefold())
            assert all(character in rest for character in word)


@pytest.mark.parametrize("size", SIZES)
async def test_the_switcher_goes_to_a_channel_by_a_few_letters(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(populated(), size=size) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+k", "l", "b", "y")
        screen = await picked(seat)
        assert offered(screen)[0] == "#lobby"
        await seat.press("enter")
        await seat.opened(LOBBY)
        assert seat.main.composer.has_focus
        assert seat.main.composer.text == ""


async def test_where_one_was_lately_is_first_what_is_unread_is_marked_and_here_is_last(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.press("alt+3")
        await seat.opened(OPS)
        await seat.press("alt+1")
        await seat.opened(DEV)
        await seat.press("ctrl+k")
        screen = await picked(seat)
        assert offered(screen)[0] == "#ops"
        assert offered(screen)[-1].startswith("#dev")
        lobby = next(choice for choice in screen.lines.choices if choice.key == ("channel", LOBBY))
        assert "2" in "".join(text for text, _ in lobby.right)
        await seat.press("enter")
        await seat.opened(OPS)


async def test_a_person_without_a_conversation_gets_one(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+k", "@", "a", "n", "n")
        await picked(seat)
        await seat.press("enter")
        await until(lambda: OpenDirect(user=user("ann")) in seat.node.intents)
        await seat.opened(channel_id("direct ann"))


async def test_a_click_picks_a_line_and_one_beside_the_list_leaves_it(sit: Sit) -> None:
    async with sit(populated(), size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+k")
        screen = await picked(seat)
        row = next(i for i, choice in enumerate(screen.lines.choices) if choice.key == ("channel", LOBBY))
        await seat.pilot.click(screen.lines, offset=(6, row + 1))
        await seat.opened(LOBBY)
        await seat.press("ctrl+k")
        await picked(seat)
        await seat.pilot.click(offset=(60, 35))
        await until(lambda: seat.app.screen is seat.main)
        assert seat.main.front.current == LOBBY


async def test_escape_leaves_everything_as_it_was(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.write("half a thought")
        await seat.press("ctrl+k", "o", "escape")
        await until(lambda: seat.app.screen is seat.main)
        assert seat.main.front.current == DEV
        assert seat.main.composer.text == "half a thought"


async def test_nothing_that_fits_says_what_to_do(sit: Sit) -> None:
    async with sit(populated(), size=(120, 24)) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+k", *"qqqq")
        await seat.sees("/create NAME makes a channel")
        await seat.press("enter", "escape")
        await until(lambda: seat.app.screen is seat.main)


def test_every_action_and_every_command_is_in_the_palette() -> None:
    keys = {choice.key for choice in menu.offer("", (), DARK)}
    assert {("command", command.name) for command in COMMANDS} <= keys
    expected = {("action", action.id) for action in ACTIONS if action.scope not in menu.OVERLAYS}
    assert expected <= keys
    assert len(keys) == len(COMMANDS) + len(expected)


@pytest.mark.parametrize("size", SIZES)
async def test_the_palette_does_an_action_and_shows_its_key(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(populated(), size=size) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+p", *"oldest mess")
        screen = await picked(seat)
        assert offered(screen)[0].startswith("Oldest message")
        await seat.sees("Alt+Home")
        await seat.press("enter")
        await until(lambda: seat.app.screen is seat.main)


async def test_the_palette_runs_a_command_or_writes_it_where_it_needs_words(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.write("a draft")
        await seat.press("ctrl+p", *"make a channel")
        await picked(seat)
        await seat.press("enter")
        await until(lambda: seat.main.composer.text == "/create ")
        await seat.sees("/create NAME [--private|--approval|--broadcast|--public]  make a channel")
        await seat.press("ctrl+underscore")
        assert seat.main.composer.text == "a draft"
        await seat.press("ctrl+p", *"who is in this")
        await picked(seat)
        await seat.press("enter")
        await seat.sees("members, ")
        await seat.press("escape", "ctrl+p")
        screen = await picked(seat)
        assert offered(screen)[0].startswith("/names")
        assert offered(screen)[1].startswith("/create")


async def test_tab_in_the_palette_writes_a_command_that_could_run(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+p", *"/topic", "tab")
        await until(lambda: seat.main.composer.text == "/topic ")


async def test_ones_own_input_is_found_by_a_part_of_it(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        for text in ("the first thing", "something else"):
            await seat.write(text)
            await seat.press("enter")
            await until(lambda: not seat.main.composer.text)
        await seat.press("ctrl+r", *"first")
        await picked(seat)
        await seat.press("enter")
        await until(lambda: seat.main.composer.text == "the first thing")


async def test_a_long_paste_into_the_list_does_not_grow_without_bound(sit: Sit) -> None:
    async with sit(TwinNode(), size=(80, 24)) as seat:
        await seat.sees("Welcome")
        await seat.press("ctrl+k")
        screen = await picked(seat)
        screen.lines.type("x" * 100_000 + "\nmore")
        assert len(screen.lines.typed) == 100
        await seat.press("ctrl+u")
        assert screen.lines.typed == ""


async def test_the_switcher_finds_messages_too_and_goes_to_the_picked_one(sit: Sit) -> None:
    node = populated()
    said = node.say(OPS, "bob", "the ladder is behind the shed")
    node.fill(OPS, 300)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("ctrl+k", *"ladder")
        screen = await picked(seat)
        await until(lambda: any("behind the shed" in line for line in offered(screen)))
        assert "Messages" in offered(screen)
        assert screen.lines.chosen is not None
        assert screen.lines.chosen.key == ("message", said)
        await seat.press("enter")
        await seat.opened(OPS)
        await until(lambda: seat.main.timeline.cursor == said.id)
        assert any("behind the shed" in line for line in seat.timeline)


async def test_the_switcher_asks_for_no_messages_where_channels_or_people_are_meant(sit: Sit) -> None:
    node = populated()
    node.say(OPS, "bob", "lobby and ann")
    async with sit(node) as seat:
        await seat.opened(DEV)
        assert seat.main.front.api is not None
        for typed in ("#lobby", "@ann", "l", "from:"):
            assert await switcher.messages(typed, seat.main.front.api, {}, (DARK, seat.main.glyphs)) == []
        assert await switcher.messages("lobby an", seat.main.front.api, {}, (DARK, seat.main.glyphs)) != []
