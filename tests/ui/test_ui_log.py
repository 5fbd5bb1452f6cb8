"""The page of the log: where it is, what was logged last, and what is logged while one looks."""

from seat import Seat, Sit, until
from twin import channel_id, populated

from multichat_tui.ui.log_panel import LogScreen

DEV = channel_id("dev")


def logged(seat: Seat, *, newest: int, count: int = 60) -> None:
    seat.launcher.logged = tuple(f"time={number} room=node" for number in range(newest, max(0, newest - count), -1))
    seat.launcher.log_grown.set()


async def opened(seat: Seat) -> LogScreen:
    await seat.opened(DEV)
    await seat.write("/log")
    await seat.press("enter")
    await until(lambda: isinstance(seat.app.screen, LogScreen))
    screen = seat.app.screen
    assert isinstance(screen, LogScreen)
    return screen


async def test_an_empty_log_says_where_it_is_and_what_will_stand_there(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await opened(seat)
        await seat.sees("/var/log/twin.log")
        await seat.sees("Nothing has been logged there yet.")
        await seat.sees("This page shows it as it comes.")


async def test_what_is_logged_while_one_looks_comes_on_top(sit: Sit) -> None:
    async with sit(populated()) as seat:
        screen = await opened(seat)
        logged(seat, newest=2)
        await seat.sees("time=2 room=node")
        assert seat.text.index("time=2 ") < seat.text.index("time=1 ")
        assert "following" in seat.text
        logged(seat, newest=70)
        await seat.sees("time=70 room=node")
        assert screen.lines.at_top
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)
        logged(seat, newest=71)
        await seat.pilot.pause()
        assert "time=71" not in seat.text


async def test_what_one_has_scrolled_to_stays_while_more_is_logged(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await opened(seat)
        logged(seat, newest=60)
        await seat.sees("time=60 ")
        await seat.press("pagedown")
        await seat.gone("time=60 ")
        shown = [line for line in seat.lines if "room=node" in line]
        assert "following" not in seat.text
        logged(seat, newest=63)
        await seat.sees("newer lines above")
        assert [line for line in seat.lines if "room=node" in line] == shown
        await seat.press("pageup", "pageup", "pageup")
        await seat.sees("time=63 ")
        await seat.sees("following")
