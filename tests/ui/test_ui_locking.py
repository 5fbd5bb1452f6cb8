"""The app lock: hides everything, receives on, opens for the passphrase alone, waits after wrong ones."""

import pytest
from seat import Seat, Sit, until
from twin import TwinNode, channel_id

from multichat_tui.model.intents import MarkRead
from multichat_tui.node.api.settings import idle_ms
from multichat_tui.ui.locking import LockScreen
from multichat_tui.ui.panel import PanelScreen

DEV = channel_id("dev")


def node() -> TwinNode:
    twin = TwinNode()
    twin.add_channel("dev", members=("ann", "bob"))
    twin.say(DEV, "ann", "the secret plan")
    return twin


async def locked(seat: Seat) -> LockScreen:
    await seat.opened(DEV)
    await seat.sees("the secret plan")
    await until(lambda: seat.node.channel_rows[DEV].unread == 0 == seat.main.front.desk.unread, "it counts as read")
    await seat.press("alt+l")
    await until(lambda: isinstance(seat.app.screen, LockScreen) and seat.app.screen._input.has_focus)
    assert isinstance(seat.app.screen, LockScreen)
    return seat.app.screen


def hides_all(seat: Seat) -> bool:
    return not any(word in seat.text for word in ("secret", "ann", "bob", "dev", "#"))


async def type_passphrase(seat: Seat, words: str) -> None:
    await seat.press(*("space" if char == " " else char for char in words), "enter")


async def test_the_lock_hides_everything_receives_on_and_counts_without_a_name(sit: Sit) -> None:
    async with sit(node(), size=(80, 24)) as seat:
        await locked(seat)
        await seat.sees("Multichat is locked")
        await seat.sees("Your passphrase opens it.")
        assert hides_all(seat), seat.text
        before = len([i for i in seat.node.intents if isinstance(i, MarkRead)])
        for number in range(3):
            seat.node.say(DEV, "ann", f"psst {number}")
        assert seat.node.channel_rows[DEV].unread == 3
        await seat.sees("3 new")
        assert hides_all(seat), seat.text
        assert len([i for i in seat.node.intents if isinstance(i, MarkRead)]) == before, "nothing counts as read"
        assert not seat.main.front.focused
        await type_passphrase(seat, "open sesame")
        await seat.sees("psst 2")
        assert seat.launcher.tried == ["open sesame"]


async def test_a_wrong_passphrase_opens_nothing_and_the_next_try_waits_longer_each_time(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multichat_tui.ui.locking.LOCK_PAUSE_S", 100.0)
    async with sit(node(), size=(80, 24)) as seat:
        screen = await locked(seat)
        waits = []
        for word in ("a", "b", "c"):
            await type_passphrase(seat, word)
            await until(lambda word=word: word in seat.launcher.tried)
            await until(lambda: screen._waits is not None)
            waits.append(screen._waits._interval)
            await type_passphrase(seat, "open sesame")
            assert seat.launcher.tried[-1] == word, "Enter does not count yet"
            assert hides_all(seat)
            screen._waits.stop()
            screen._may_try()
            await seat.press("ctrl+u")
        assert waits == [100, 200, 300], "at most five minutes"
        await type_passphrase(seat, "open sesame")
        await seat.sees("the secret plan")


async def test_what_would_open_a_screen_meanwhile_waits_until_it_is_unlocked(sit: Sit) -> None:
    async with sit(node(), size=(80, 24)) as seat:
        await locked(seat)
        seat.main.panel(seat_page())
        await seat.press("f1", "ctrl+k", "escape", "tab")
        assert isinstance(seat.app.screen, LockScreen)
        assert hides_all(seat), seat.text
        await seat.press("ctrl+u")
        await type_passphrase(seat, "open sesame")
        await until(lambda: isinstance(seat.app.screen, PanelScreen))


def seat_page():
    from multichat_tui.ui.panel import page_of

    return page_of("members", ("ann is here",))


async def test_without_a_passphrase_it_is_refused_with_a_hint(sit: Sit) -> None:
    async with sit(node(), size=(80, 24)) as seat:
        seat.launcher.passphrase = None
        await seat.opened(DEV)
        await seat.press("alt+l")
        await seat.sees("has no passphrase")
        await seat.sees("the secret plan")


async def test_it_locks_by_itself_after_idling_and_tells_the_node_of_this_process(sit: Sit) -> None:
    twin = node()
    twin.stored_settings = {"lock.idle": "10s"}
    async with sit(twin, size=(80, 24)) as seat:
        await seat.opened(DEV)
        await until(lambda: seat.app.preferences.lock_idle_ms == 10_000)
        seat.app.locking._touched_s -= 11
        seat.app.locking._look()
        await seat.sees("Multichat is locked")
        assert seat.launcher.locked_now
        await until(lambda: seat.app.screen.focused is not None)
        await type_passphrase(seat, "open sesame")
        await seat.sees("the secret plan")
        assert not seat.launcher.locked_now


async def test_the_bell_rings_for_a_number_without_a_name(sit: Sit) -> None:
    async with sit(node(), size=(80, 24)) as seat:
        written: list[str] = []
        await locked(seat)
        seat.app.preferences = type(seat.app.preferences)(alert="osc9")
        seat.app._driver.write = written.append
        seat.app.locking.new = 3
        seat.app.ring("ann", "message")
        told = "".join(written)
        assert "multichat: 3 new" in told
        assert "ann" not in told


@pytest.mark.parametrize(("text", "expected"), [("off", 0), ("10m", 600_000), ("90s", 90_000), ("24h", 86_400_000)])
def test_a_span_of_idling_is_read(text: str, expected: int) -> None:
    assert idle_ms(text) == expected


@pytest.mark.parametrize("text", ["", "5s", "25h", "m", "-1m", "1d", "1.5h", "９m", "100000h"])
def test_what_is_no_span_of_idling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="off, or"):
        idle_ms(text)
