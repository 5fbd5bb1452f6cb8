"""The channel that was open last is open again after a restart."""

import pytest
from seat import Sit, until
from twin import TwinNode, channel_id

from multichat_tui.ui.last_open import SETTING

DEV, OPS, LOBBY = (channel_id(name) for name in ("dev", "ops", "lobby"))


def three() -> TwinNode:
    node = TwinNode()
    for name in ("dev", "lobby", "ops"):
        node.add_channel(name)
    return node


async def test_what_was_open_when_the_program_ended_is_open_when_it_starts_again(sit: Sit) -> None:
    node = three()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+3")
        await seat.opened(OPS)
        await seat.press("ctrl+q")
        await until(lambda: seat.app._exit)
    # Something new elsewhere does not call louder.
    node.say(LOBBY, "bob", "me, look at this")
    async with sit(node) as seat:
        await seat.opened(OPS)


async def test_it_is_kept_while_one_is_there_so_that_a_crash_forgets_nothing(sit: Sit) -> None:
    node = three()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        await until(lambda: node.stored_settings.get(SETTING) == LOBBY.hex())


@pytest.mark.parametrize("kept", ["", "no hex", "ab", (b"x" * 32).hex()])
async def test_where_there_is_no_such_channel_what_calls_loudest_is_opened(sit: Sit, kept: str) -> None:
    node = three()
    node.stored_settings[SETTING] = kept
    node.say(OPS, "bob", "anybody?")
    async with sit(node) as seat:
        await seat.opened(OPS)
