"""The virtual clock: it jumps, keeps the order of timers, and says when nothing can ever happen."""

import asyncio
import threading

import pytest

from multichat_tui.net.virtual_time import Deadlock, Livelock, VirtualTimeLoop, run_virtual


def test_a_year_passes_without_waiting():
    async def scenario() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) == pytest.approx(365 * 86_400, abs=1e-3)


def test_timers_fire_in_the_order_of_their_times():
    async def scenario() -> list[str]:
        loop = asyncio.get_running_loop()
        fired: list[str] = []
        loop.call_later(3, fired.append, "late")
        loop.call_later(1, fired.append, "early")
        loop.call_later(2, fired.append, "middle")
        await asyncio.sleep(10)
        return fired

    assert run_virtual(scenario()) == ["early", "middle", "late"]


def test_time_stands_still_while_something_is_ready():
    async def scenario() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) == 0


def test_a_timeout_ends_a_wait_in_virtual_time():
    async def scenario() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) == pytest.approx(30, abs=1e-3)


def test_a_deadlock_is_raised_and_names_who_waits():
    async def scenario() -> None:
        waiting = asyncio.create_task(asyncio.Event().wait(), name="waits-for-ever")
        await waiting

    with pytest.raises(Deadlock, match="waits-for-ever"):
        run_virtual(scenario())


def test_going_round_in_a_circle_is_raised():
    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_soon(again)

        again()
        await asyncio.Event().wait()

    with pytest.raises(Livelock, match="time stands still"):
        run_virtual(scenario())


def test_the_wall_clock_begins_where_it_was_told_and_runs_with_the_loop():
    async def scenario() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        before = loop.now_ms()
        await asyncio.sleep(1.5)
        return before, loop.now_ms()

    before, after = run_virtual(scenario(), start_ms=1_700_000_000_000)
    assert before == 1_700_000_000_000
    assert 1499 <= after - before <= 1501


def test_tasks_left_over_are_cancelled():
    cancelled = []

    async def linger() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def scenario() -> asyncio.Task[None]:
        task = asyncio.create_task(linger())
        await asyncio.sleep(0)
        return task

    task = run_virtual(scenario())
    assert cancelled == [True]
    assert task.cancelled()


def test_a_call_from_another_thread_is_run():
    async def scenario() -> str:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(arrived.set_result, "hello"))
        thread.start()
        thread.join()
        return await arrived

    assert run_virtual(scenario()) == "hello"
