"""Searching on the screens: as one types, at every size; where Enter goes, and what Escape leaves as it was."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, populated

from multichat_tui.model.searching import FoundRow, Phrase, Search, marked_places
from multichat_tui.ui.cells import width
from multichat_tui.ui.completing import complete_query
from multichat_tui.ui.finding import PAGE_HITS
from multichat_tui.ui.found import TEACHING, hit_strips, mark_style, marked_text
from multichat_tui.ui.glyphs import ASCII, UNICODE
from multichat_tui.ui.panel import PanelScreen
from multichat_tui.ui.search import SearchScreen
from multichat_tui.ui.themes import DARK, LIGHT, MONO, TERMINAL
from multichat_tui.ui.typed_line import TypedLine

DEV, LOBBY, OPS = channel_id("dev"), channel_id("lobby"), channel_id("ops")
SIZES = [(120, 40), (80, 24), (40, 10)]


async def searching(seat: Seat, *keys: str) -> SearchScreen:
    """The search, opened by its key and answered."""
    await seat.press("ctrl+f", *keys)
    await until(lambda: isinstance(seat.app.screen, SearchScreen))
    screen = seat.app.screen
    assert isinstance(screen, SearchScreen)
    await answered(seat, screen)
    return screen


async def answered(seat: Seat, screen: SearchScreen) -> None:
    await until(lambda: not screen.lines.finder.searching)
    await seat.pilot.pause()


def texts(screen: SearchScreen) -> list[str]:
    return [found.row.text for found in screen.lines.finder.answer.hits]


@pytest.mark.parametrize("size", SIZES)
async def test_a_search_begins_in_the_open_channel_and_one_key_widens_it(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(populated(), size=size) as seat:
        await seat.opened(DEV)
        screen = await searching(seat)
        assert screen.lines.line.text == "in:#dev "
        await seat.sees(TEACHING[0][:30])
        await seat.press(*"full")
        await answered(seat, screen)
        assert texts(screen) == []
        await seat.sees("Nothing is found.")
        await seat.press("ctrl+f")
        await answered(seat, screen)
        assert screen.lines.line.text == "full"
        assert texts(screen) == ["@me the disk is full"]
        await seat.sees("1 of 1 found")
        await seat.sees("#ops")
        await seat.sees("the disk is full")
        await seat.press("ctrl+f")
        await answered(seat, screen)
        assert screen.lines.line.text == "in:#dev full"
        assert texts(screen) == []


@pytest.mark.parametrize("size", SIZES)
async def test_enter_goes_to_the_message_in_its_channel(sit: Sit, size: tuple[int, int]) -> None:
    node = populated()
    node.fill(LOBBY, 900)
    target = node.rows[LOBBY][300]
    async with sit(node, size=size) as seat:
        await seat.opened(DEV)
        await seat.press("x")
        screen = await searching(seat, "ctrl+f", *target.text.split()[1])
        assert target.text in texts(screen)
        await seat.press("enter")
        await seat.opened(LOBBY)
        await until(lambda: seat.main.timeline.cursor == target.id)
        await until(lambda: any(target.text in line for line in seat.timeline))
        assert seat.main.timeline.has_focus
        assert len(seat.main.timeline.window.rows) < 900
        # What was being written stays where it was.
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == "x"


async def test_escape_leaves_everything_as_it_was(sit: Sit) -> None:
    node = populated()
    node.fill(DEV, 400)
    async with sit(node) as seat:
        await until(lambda: seat.main.front.current is not None)
        await seat.press("alt+1")
        await seat.opened(DEV)
        await seat.press("pageup", "pageup")
        before = seat.timeline
        await searching(seat, *"message")
        await seat.press("down", "down", "escape")
        await until(lambda: not isinstance(seat.app.screen, SearchScreen))
        await seat.pilot.pause()
        assert seat.timeline == before
        assert seat.main.front.current == DEV
        assert seat.main.composer.has_focus


async def test_moving_through_the_hits_shows_what_stands_around_them_and_pages_go_on(sit: Sit) -> None:
    node = populated()
    node.fill(DEV, 300)
    async with sit(node, size=(80, 24)) as seat:
        await until(lambda: seat.main.front.current is not None)
        await seat.press("alt+1")
        await seat.opened(DEV)
        screen = await searching(seat, *"message")
        finder = screen.lines.finder
        assert len(finder.answer.hits) == PAGE_HITS
        await seat.sees(f"1 of {PAGE_HITS}+ found")
        await seat.press("pagedown", "pagedown")
        await until(lambda: len(finder.answer.hits) > PAGE_HITS)
        await until(lambda: finder.hit is not None and finder.hit.row in finder.around)
        assert finder.hit is not None
        at = node.rows[DEV].index(finder.hit.row)
        neighbour = node.rows[DEV][at - 1].text
        await seat.sees(neighbour)
        for _ in range(60):
            await seat.press("pagedown")
        await until(lambda: not finder.answer.more)
        assert len(finder.answer.hits) == 300
        assert len({found.row.id for found in finder.answer.hits}) == 300
        await seat.press("pageup", "up")
        assert finder.chosen < 299


async def test_keys_never_wait_and_no_answer_shows_for_a_text_that_is_gone(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        screen = await searching(seat, "ctrl+f")
        node.gate = asyncio.Event()
        await seat.press(*"release")
        assert screen.lines.line.text == "release"
        await seat.sees("searching")
        reads = node.reads
        await seat.press(*" done")
        assert screen.lines.line.text == "release done"
        # One question is under way, whatever is typed.
        assert node.reads == reads
        gate, node.gate = node.gate, None
        gate.set()
        await answered(seat, screen)
        assert texts(screen) == ["release done"]


async def test_errors_are_told_with_the_nearest_name_and_leave_with_the_next_key(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(DEV)
        screen = await searching(seat, "ctrl+f", *"from:bbo x")
        await seat.sees("Did you mean 'bob'")
        assert texts(screen) == []
        await seat.press(*(["backspace"] * 4), *"ob morning")
        await answered(seat, screen)
        assert texts(screen) == ["morning"]
        await seat.gone("Did you mean")


async def test_names_are_completed_and_completed_again(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(DEV)
        screen = await searching(seat, "ctrl+f", *"fr", "tab")
        assert screen.lines.line.text == "from:"
        await seat.press("b", "tab")
        assert screen.lines.line.text == "from:bob "
        await seat.press(*"in:", "tab")
        first = screen.lines.line.text
        await seat.press("tab")
        assert screen.lines.line.text != first
        await answered(seat, screen)
        assert all(found.row.name == "bob" for found in screen.lines.finder.answer.hits)


def test_completion_knows_filters_people_and_channels() -> None:
    people, channels = ["Ann Lee", "bob"], ["#dev", "#ops", "@bob"]

    def words(text: str) -> tuple[str, ...]:
        found = complete_query(text, len(text), people=people, channels=channels)
        return found.words if found is not None else ()

    assert words("f") == ("from:",)
    assert words("boat be") == ("before:",)
    assert words("from:a") == ('from:"Ann Lee" ',)
    assert words('from:"ann l') == ('from:"Ann Lee" ',)
    assert words("from:") == ("from:me ", 'from:"Ann Lee" ', "from:bob ")
    assert words("in:d") == ("in:#dev ",)
    assert words("in:@") == ("in:@bob ",)
    assert words("in:b") == ("in:@bob ",)
    assert words("boat") == ()
    assert words("on:2") == ()
    assert words("") == ()


async def test_indexing_is_told_and_the_search_follows_it(sit: Sit) -> None:
    node = populated()
    node.set_status(indexed_percent=40)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await searching(seat, "ctrl+f", *"morning")
        await seat.sees("indexing 40 %")
        node.set_status(indexed_percent=100)
        await seat.gone("indexing")


async def test_the_slash_command_opens_the_search_and_jump_goes_to_a_day(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.write("/search disk")
        await seat.press("enter")
        await until(lambda: isinstance(seat.app.screen, SearchScreen))
        screen = seat.app.screen
        assert isinstance(screen, SearchScreen)
        await answered(seat, screen)
        assert texts(screen) == ["@me the disk is full"]
        await seat.press("escape")
        await until(lambda: not isinstance(seat.app.screen, SearchScreen))
        assert seat.main.composer.text == ""
        await seat.write("/jump 2025-06-15")
        await seat.press("enter")
        await until(lambda: seat.main.timeline.cursor == node.rows[DEV][0].id)


async def test_a_message_that_went_away_meanwhile_is_told(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await searching(seat, "ctrl+f", *"disk")
        node.rows[OPS].clear()
        await seat.press("enter")
        await seat.sees("not here any more")


async def test_help_in_a_search_shows_its_keys(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(DEV)
        screen = await searching(seat)
        await seat.press("f1")
        await until(lambda: isinstance(seat.app.screen, PanelScreen))
        await seat.sees("Searching messages  (here)")
        await seat.press("escape")
        await until(lambda: seat.app.screen is screen)


async def test_clicks_choose_a_hit_and_then_go_there(sit: Sit) -> None:
    async with sit(populated(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        screen = await searching(seat, "ctrl+f", *"the")
        count = len(texts(screen))
        assert count >= 2
        await seat.pilot.click("#search-lines", offset=(30, 2))
        assert screen.lines.finder.chosen == 1
        target = screen.lines.finder.answer.hits[1].row
        await seat.pilot.click("#search-lines", offset=(30, 2))
        await until(lambda: seat.main.timeline.cursor == target.id)


async def test_nothing_that_others_wrote_draws_outside_its_cells(sit: Sit) -> None:
    node = TwinNode()
    dev = node.add_channel("dev")
    evil = "evil \x1b[2J\u202e\n\tword\u0301\u0301\u0301 你好 👩‍👩‍👧 [bold]x[/bold]"
    node.put(node.row(dev, "m\x1b[1mal", evil), quietly=True)
    for size in SIZES:
        async with sit(node, size=size) as seat:
            await seat.opened(dev)
            await searching(seat, "ctrl+f", *"word")
            await seat.sees("1 of 1 found")
            assert "\x1b" not in seat.text
            assert "\u202e" not in seat.text
            assert "[bold]x[/bold]" in seat.text or size[0] < 60


def found(text: str, *words: str) -> FoundRow:
    node = TwinNode()
    row = node.row(node.add_channel("dev"), "ann", text)
    search = Search(phrases=tuple(Phrase(text=word) for word in words))
    return FoundRow(row=row, places=marked_places(text, search))


@given(st.text("ab boat\n你\x1b👍\u0301é", max_size=300), st.integers(8, 90), st.booleans())
def test_a_hit_is_drawn_in_exactly_its_cells(text: str, cells: int, chosen: bool) -> None:
    from datetime import date

    each = found(text + " boat", "boat")
    for palette, glyphs in ((DARK, UNICODE), (MONO, ASCII)):
        assert sum(width(part) for part, _ in marked_text(each, cells, palette, glyphs)) <= cells
        strips = hit_strips(each, "#dev", cells, palette, glyphs, chosen=chosen, today=date(2025, 6, 15))
        assert all(strip.cell_length == cells for strip in strips)


def test_the_words_that_were_searched_for_are_marked_in_every_look() -> None:
    each = found("x" * 30 + " and then " * 30 + "the red boat sails", "boat")
    for palette in (DARK, LIGHT, TERMINAL, MONO):
        pieces = marked_text(each, 60, palette, UNICODE)
        assert [part for part, style in pieces if style == mark_style(palette)] == ["boat"]
        assert mark_style(palette).underline
        assert mark_style(palette) != Style()


def test_a_line_is_edited_within_its_bound() -> None:
    line = TypedLine("boat", 10)
    line.type("s and more\nlines")
    assert line.text == "boats and "
    assert line.perform("erase.word")
    assert line.text == "boats "
    assert line.perform("undo")
    assert line.perform("line.start")
    line.type("x" * 20)
    assert line.text == "boats and "
    assert not line.perform("send")
    line.set("y" * 20)
    assert line.text == "y" * 10
