"""Restoring at the first start, and devices: what needs the account's key asks for the passphrase without showing it."""

import asyncio

import pytest
from seat import Sit, until
from textual import events
from textual.widgets import Input
from twin import PHRASE, TwinNode, populated

from multichat_tui.model.ids import DeviceId
from multichat_tui.model.intents import SendMessage
from multichat_tui.model.snapshots import DeviceRow
from multichat_tui.node.api.launch import ProfileState

SIZES = [(80, 24), (120, 40), (40, 10)]


@pytest.mark.parametrize("size", SIZES)
async def test_an_identity_is_brought_back_from_its_phrase(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(TwinNode(), size=size, state=ProfileState.NEW) as seat:
        await seat.sees("Welcome to Multichat")
        await seat.press("ctrl+r")
        await seat.sees("Bring your identity back")
        await seat.press(*"nonsense", "enter")
        await seat.sees("24 words")
        seat.app.screen.query_one("#door-input").value = PHRASE
        await seat.press("enter")
        await seat.sees("Are your other devices lost?")
        await seat.press(*"keep", "enter")
        await seat.sees("Choose a passphrase")
        await seat.press(*"abc", "enter", *"abc", "enter")
        await until(lambda: seat.app.screen is seat.main)
        assert seat.launcher.restored == (PHRASE, "abc", False)
        assert seat.launcher.created is None


async def test_esc_leads_back_from_restoring_to_a_new_identity(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press("ctrl+r")
        await seat.sees("Bring your identity back")
        await seat.press("escape")
        await seat.sees("Welcome to Multichat")
        await seat.press(*"jo", "enter", "enter", "enter")
        await seat.sees("Write these 24 words down")
        assert seat.launcher.created == ("jo", None)
        assert seat.launcher.restored is None


async def test_revoking_a_device_asks_for_the_passphrase_unseen_and_again_if_it_is_wrong(sit: Sit) -> None:
    node = populated()
    node.device_rows = [_device(b"a", this=True), _device(b"b", label="old phone")]
    async with sit(node) as seat:
        await seat.sees("#lobby")
        await seat.press(*"/devices", "space", *"revoke", "space", *"old", "space", *"phone", "enter")
        await seat.sees("/devices needs your passphrase")
        await seat.press(*"wrong", "enter")
        await seat.sees("not the passphrase")
        await seat.press(*"open", "space", *"sesame")
        assert "sesame" not in seat.text
        await seat.press("enter")
        await seat.sees("old phone is revoked")
        assert [row.revoked for row in node.device_rows] == [False, True]


async def test_what_is_typed_behind_a_wrong_passphrase_is_never_seen_though_trying_it_takes_long(sit: Sit) -> None:
    node = populated()
    node.device_rows = [_device(b"a", this=True), _device(b"b", label="old")]
    async with sit(node) as seat:
        await seat.sees("#lobby")
        await seat.press(*"/devices", "space", *"revoke", "space", *"old", "enter")
        await seat.sees("needs your passphrase")
        await until(lambda: not seat.main.front.reading)
        node.gate = asyncio.Event()
        await seat.press(*"wrong", "enter")
        await seat.sees("A moment")
        await seat.press(*"open", "space", *"sesame")
        await until(lambda: len(seat.app.screen.query_one("#passphrase-input", Input).value) == len("open sesame"))
        assert "sesame" not in seat.text
        assert "sesame" not in seat.main.composer.text
        node.gate.set()
        await seat.sees("not the passphrase")
        await seat.press("enter")
        await seat.sees("old is revoked")


async def test_a_second_try_typed_at_once_behind_a_passphrase_that_opens_is_not_taken_for_a_message(sit: Sit) -> None:
    async with sit(populated(), state=ProfileState.LOCKED) as seat:
        await seat.sees("Multichat is locked")
        driver = seat.app._driver
        assert driver is not None
        for key in [*"open", "space", *"sesame", "enter", *"another", "enter"]:
            event = events.Key(key, " " if key == "space" else key if len(key) == 1 else None)
            event.set_sender(seat.app)
            driver.send_message(event)
        await until(lambda: seat.app.screen is seat.main)
        await seat.sees("#lobby")
        await seat.pilot.pause()
        await seat.press(*"later")
        assert seat.main.composer.text == "later"
        assert not [intent for intent in seat.node.intents if isinstance(intent, SendMessage)]


async def test_esc_at_the_passphrase_changes_nothing(sit: Sit) -> None:
    node = populated()
    node.device_rows = [_device(b"a", this=True), _device(b"b", label="old")]
    async with sit(node) as seat:
        await seat.sees("#lobby")
        await seat.press(*"/devices", "space", *"revoke", "space", *"old", "enter")
        await seat.sees("needs your passphrase")
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)
        assert [row.revoked for row in node.device_rows] == [False, False]


def _device(fill: bytes, *, this: bool = False, label: str = "") -> DeviceRow:
    return DeviceRow(device=DeviceId(fill * 32), label=label, created_ms=1_760_000_000_000, this=this, revoked=False, online=this)


async def test_the_node_ends_and_the_passphrase_opens_it_here(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.sees("#lobby")
        await seat.write("kept")
        first, second = seat.node, populated()
        seat.launcher.now, seat.launcher.node = ProfileState.LOCKED, second
        first.stop_events()
        await seat.sees("attached to has ended.")
        await seat.press(*"wrong", "enter")
        await seat.sees("does not open it")
        await seat.press(*"open", "space", *"sesame", "enter")
        await until(lambda: seat.app.screen is seat.main)
        await seat.sees("Connected again")
        assert seat.main.composer.text == "kept"
        await seat.press("enter")
        await until(lambda: any(isinstance(intent, SendMessage) for intent in second.intents))
