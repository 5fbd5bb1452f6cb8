"""The key that quits does so wherever one is."""

import pytest
from seat import Sit, until
from twin import populated


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("f1",),
        ("f4",),
        ("ctrl+k",),
        ("ctrl+p",),
        ("ctrl+f",),
        ("ctrl+r",),
        ("escape",),
        (*"/log", "enter"),
        (*"/theme", "enter"),
    ],
)
async def test_quit_quits(sit: Sit, keys: tuple[str, ...]) -> None:
    async with sit(populated()) as seat:
        await seat.sees("#lobby")
        await until(lambda: seat.main.front.current is not None and not seat.main.front.reading)
        for key in keys:
            await seat.press({"/": "slash"}.get(key, key))
        if keys and keys != ("escape",):
            await until(lambda: seat.app.screen is not seat.main)
        await seat.press("ctrl+q")
        await until(lambda: seat.app._exit)
