"""Pictures of the screens. After a wanted change: look at the report of pytest, then `pytest tests/ui --snapshot-update`."""

from typing import Any

import pytest
from seat import until
from textual.pilot import Pilot
from twin import START_MS, TwinLauncher, TwinNode, populated, raided

from multichat_tui.node.api.launch import ProfileState
from multichat_tui.ui.app import MultichatApp
from multichat_tui.ui.overseeing import OverseeingScreen
from multichat_tui.ui.preferences import Look, Preferences, Signs
from multichat_tui.ui.search import SearchScreen

CONSOLES = {
    "reports": ("1",),
    "waiting": ("2",),
    "people": ("3", "t", "t", "t", "a"),
    "log": ("4",),
    "sheet": ("3", "t", "t", "t", "a", "K", "4"),
}


def application(node: TwinNode, state: ProfileState = ProfileState.OPEN, look: Look = Look.DARK) -> MultichatApp:
    return MultichatApp(TwinLauncher(node, state), Preferences(signs=Signs.UNICODE, look=look))


async def opened(pilot: Pilot[Any]) -> None:
    """Until everything has been read and drawn."""
    app = pilot.app
    assert isinstance(app, MultichatApp)
    front = app.main.front
    await until(lambda: front.current is not None and front.desk.members and front.desk.status and front.settings == ())
    await until(lambda: front.row is not None and front.row.unread == 0 and not front.reading)
    await pilot.pause()


async def helped(pilot: Pilot[Any]) -> None:
    await opened(pilot)
    await pilot.press("f1")
    await pilot.pause()


async def welcomed(pilot: Pilot[Any]) -> None:
    app = pilot.app
    assert isinstance(app, MultichatApp)
    await until(lambda: app.main.front.desk.status and app.main.channels.items and not app.main.front.reading)
    await pilot.pause()


async def searched(pilot: Pilot[Any]) -> None:
    await opened(pilot)
    await pilot.press("ctrl+f", "ctrl+f", *"on:2025-06-15 the")
    app = pilot.app
    await until(lambda: isinstance(app.screen, SearchScreen) and app.screen.lines.told == "7 found")
    screen = app.screen
    assert isinstance(screen, SearchScreen)
    await pilot.press("down")
    await until(lambda: screen.lines.finder.hit is not None and screen.lines.finder.hit.row in screen.lines.finder.around)
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_search_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(populated()), terminal_size=size, run_before=searched)


def test_a_search_in_sixteen_colours_looks_as_before(snap_compare: Any) -> None:
    assert snap_compare(application(populated(), look=Look.TERMINAL), terminal_size=(80, 24), run_before=searched)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_main_screen_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(populated()), terminal_size=size, run_before=opened)


@pytest.mark.parametrize("look", [Look.LIGHT, Look.TERMINAL, Look.MONO])
def test_the_other_looks_look_as_before(snap_compare: Any, look: Look) -> None:
    assert snap_compare(application(populated(), look=look), terminal_size=(100, 30), run_before=opened)


def test_the_first_run_looks_as_before(snap_compare: Any) -> None:
    assert snap_compare(application(TwinNode(), ProfileState.NEW), terminal_size=(80, 24))


def test_the_help_looks_as_before(snap_compare: Any) -> None:
    assert snap_compare(application(populated()), terminal_size=(80, 24), run_before=helped)


def test_the_empty_main_screen_looks_as_before(snap_compare: Any) -> None:
    assert snap_compare(application(TwinNode()), terminal_size=(80, 24), run_before=welcomed)


@pytest.mark.parametrize("size", [(80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("keys", [("ctrl+k",), ("ctrl+p", "c", "h"), ("ctrl+k", *"zzzz")], ids=["switcher", "palette", "nothing"])
def test_the_lists_to_pick_from_look_as_before(snap_compare: Any, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    async def picking(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(application(populated()), terminal_size=size, run_before=picking)


@pytest.mark.parametrize("look", [Look.TERMINAL, Look.NIGHT, Look.PAPER, Look.CONTRAST])
def test_the_palette_looks_as_before_in_other_themes(snap_compare: Any, look: Look) -> None:
    async def picking(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press("ctrl+p", *"erase")
        await pilot.pause()

    assert snap_compare(application(populated(), look=look), terminal_size=(80, 24), run_before=picking)


@pytest.mark.parametrize("size", [(120, 40), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_thread_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    async def threaded(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, MultichatApp)
        answered = next(row for row in app.main.timeline.window.rows if row.reply_to is not None)
        await app.main.front.open_thread(answered.id)
        await until(lambda: app.main.thread.display and not app.main.front.reading)
        await pilot.pause()

    assert snap_compare(application(populated()), terminal_size=size, run_before=threaded)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "keys", [("1",), ("2",), ("3", "t", "t", "t", "a"), ("4",), ("3", "t", "t", "t", "a", "K", "4")], ids=CONSOLES
)
def test_the_moderation_console_looks_as_before(
    snap_compare: Any, keys: tuple[str, ...], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("overseeing", "overseen"):
        monkeypatch.setattr(f"multichat_tui.ui.{part}.now_ms", lambda: START_MS + 3_600_000)

    async def overseeing(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press("f2")
        app = pilot.app
        await until(lambda: isinstance(app.screen, OverseeingScreen) and app.screen.loaded)
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(application(raided()), terminal_size=size, run_before=overseeing)
