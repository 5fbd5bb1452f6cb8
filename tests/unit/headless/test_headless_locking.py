"""The lock of line mode, and a control socket whose node's terminal is locked."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "node_api"))
import pytest
from api_twin import ApiTwin
from test_headless_line import seat

from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.line import locking
from multichat_tui.headless.line.locking import LineLock
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import IntentRefused, WrongPassphrase


class Tried:
    """Checks passphrases: "open sesame" is the one."""

    def __init__(self) -> None:
        self.words: list[str] = []

    async def check(self, passphrase: str) -> None:
        self.words.append(passphrase)
        if passphrase != "open sesame":
            raise WrongPassphrase("That is not it.")


@pytest.fixture
def api():
    twin = ApiTwin()
    twin.add_channel("dev", "bob")
    return twin


async def test_a_locked_line_mode_writes_nothing_of_what_comes_and_sends_nothing_that_is_typed(api, monkeypatch):
    monkeypatch.setattr(locking, "LOCK_PAUSE_S", 0.0)
    tried = Tried()
    async with seat(api) as one:
        one.conversation._lock = LineLock(tried.check, lambda: True)
        await one.paper.until("#dev> ")
        one.type("/lock\n")
        await one.paper.until("locked, passphrase: ")
        at = len(one.paper.getvalue())
        for text in ("psst", "the secret plan"):
            api.arrive(next(iter(api.rows)), "bob", text)
        one.type("hello everybody\n")
        await one.paper.until("That is not the passphrase", at)
        assert "psst" not in one.paper.getvalue()
        assert api.intents == [], "what is typed at the lock is a passphrase, and no message"
        one.type("open sesame\n")
        await one.paper.until("Unlocked. 2 new.", at)
        written = await one.paper.until("the secret plan", at)
        assert written.count("psst") == 1
        assert tried.words == ["hello everybody", "open sesame"]


async def test_after_wrong_passphrases_further_ones_are_not_even_tried_for_twice_as_long_each_time(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("multichat_tui.headless.line.locking.time.monotonic", lambda: clock[0])
    tried = Tried()
    lock = LineLock(tried.check, lambda: True)
    lock.lock()
    for number, pause in enumerate((1, 2, 4), 1):
        assert f"in {pause} s" in await lock.open(f"wrong {number}")
        clock[0] += pause - 0.1
        assert "Wait" in await lock.open("open sesame")
        assert len(tried.words) == number
        clock[0] += 0.1
    assert await lock.open("open sesame") == ""
    assert not lock.locked


async def test_a_profile_without_a_passphrase_and_an_input_that_is_no_terminal_cannot_be_locked(api):
    with pytest.raises(IntentRefused, match="no passphrase"):
        LineLock(Tried().check, lambda: False).lock()
    async with seat(api, interactive=False) as one:
        one.conversation._lock = LineLock(Tried().check, lambda: True)
        one.type("/lock\n")
        await one.errors.until("no terminal")
        assert not one.conversation._lock.locked


async def test_the_socket_of_a_locked_terminal_refuses_who_comes_if_that_is_set_and_goes_on_serving_who_is_there(api, runtime):
    path = runtime / "s" / "c.sock"
    server = ControlServer(api, path)
    await server.start()
    try:
        first = await RemoteNode.attach(path)
        server.locked = True
        allowed = await RemoteNode.attach(path)
        await allowed.close()
        api.kept["lock.commands"] = "refuse"
        with pytest.raises(IntentRefused, match="locked at its terminal"):
            await RemoteNode.attach(path)
        assert (await first.me()).rows.name == api.name
        server.locked = False
        second = await RemoteNode.attach(path)
        await asyncio.gather(first.close(), second.close())
    finally:
        await server.stop()
