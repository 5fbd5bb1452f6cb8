"""Pictures of the screens on which it is decided whom one trusts. Updated as those of test_ui_snapshots.py."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from seat import until
from test_ui_comparing import comparison
from test_ui_snapshots import application, opened
from textual.pilot import Pilot
from twin import PHRASE, TwinNode, channel_id, populated, user

from multichat_tui.model.comparing import Purpose
from multichat_tui.model.events import AlarmRaised
from multichat_tui.model.trust import AlarmKind, AlarmRow, ComparisonState, NearbyPerson, NearbyRow
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.ui.app import MultichatApp

SIZES = pytest.mark.parametrize("size", [(80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
UNTIL_MS = 1_750_000_300_000
Play = Callable[[Pilot[Any]], Awaitable[None]]


def told(node: TwinNode, *keys: str, **status: object) -> Play:
    """The main screen, then this status, then these keys."""

    async def play(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, MultichatApp)
        if status:
            node.set_status(**status)
            await until(lambda: app.main.front.desk.status == node.status_row)
        await pilot.press(*keys)
        await until(lambda: not app.main.front.reading)
        await pilot.pause()

    return play


def typed(text: str) -> Play:
    """A command, and what it shows."""

    async def play(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, MultichatApp)
        app.main.composer.insert(text)
        await pilot.press("enter")
        await until(lambda: app.screen is not app.main)
        await pilot.pause()

    return play


@SIZES
def test_a_pairing_link_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(populated()), terminal_size=size, run_before=typed("/pair"))


@pytest.mark.parametrize("size", [(120, 60), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_code_for_cameras_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(populated()), terminal_size=size, run_before=typed("/qr"))


@SIZES
def test_the_way_to_people_nearby_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    node = populated()
    assert snap_compare(application(node), terminal_size=size, run_before=told(node, "f4"))


@SIZES
def test_people_nearby_look_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    node = populated()
    people = tuple(NearbyPerson(id=code, code=code) for code in ("brisk tower", "calm lamp"))
    nearby = NearbyRow(until_ms=UNTIL_MS, code="amber otter", people=people)
    assert snap_compare(application(node), terminal_size=size, run_before=told(node, "f4", nearby=nearby))


@SIZES
def test_the_words_to_compare_look_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    node = populated()
    row = comparison(ComparisonState.COMPARE, purpose=Purpose.MEET, name="bob", code="brisk tower")
    assert snap_compare(application(node), terminal_size=size, run_before=told(node, "f4", comparisons=(row,)))


@pytest.mark.parametrize("state", [ComparisonState.DONE, ComparisonState.DIFFERENT])
def test_the_end_of_a_comparison_looks_as_before(snap_compare: Any, state: ComparisonState) -> None:
    node = populated()
    play = told(node, "f4", comparisons=(comparison(state),))
    assert snap_compare(application(node), terminal_size=(80, 24), run_before=play)


@SIZES
def test_a_safety_number_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(populated()), terminal_size=size, run_before=typed("/whois bob"))


@SIZES
def test_a_warning_about_keys_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    node = populated()
    alarm = AlarmRow(
        user=user("impostor"),
        name="bob~2",
        kind=AlarmKind.SAME_NAME,
        since_ms=0,
        other=user("bob"),
        other_name="bob",
        verified=True,
    )
    node.contact_rows[user("bob")] = replace(node.contact_rows[user("bob")], verified=True, alarm=AlarmKind.SAME_NAME)

    async def play(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, MultichatApp)
        await app.main.front.open(channel_id("direct bob"))
        node.set_status(alarms=(alarm,))
        node.tell(AlarmRaised(seq=node.next_seq(), row=alarm))
        await until(lambda: app.main.front.note is not None and app.main.front.note.bad and not app.main.front.reading)
        await pilot.pause()

    assert snap_compare(application(node), terminal_size=size, run_before=play)


@SIZES
@pytest.mark.parametrize("step", ["phrase", "lost"])
def test_bringing_an_identity_back_looks_as_before(snap_compare: Any, step: str, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[Any]) -> None:
        await pilot.press("ctrl+r")
        if step == "lost":
            pilot.app.screen.query_one("#door-input").value = PHRASE
            await pilot.press("enter")
        await pilot.pause()

    assert snap_compare(application(TwinNode(), ProfileState.NEW), terminal_size=size, run_before=play)


@SIZES
def test_a_closed_account_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    node = populated()
    assert snap_compare(application(node), terminal_size=size, run_before=told(node, closed=True, untold=1))
