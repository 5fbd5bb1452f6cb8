"""The first screens."""

import asyncio

import pytest
from seat import Sit, until
from twin import TwinNode, populated

from multichat_tui.node.api.launch import ProfileState

SIZES = [(80, 24), (120, 40), (40, 10)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_newcomer_is_led_from_a_name_to_the_main_screen(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(TwinNode(), size=size, state=ProfileState.NEW) as seat:
        await seat.sees("Welcome to Multichat")
        await seat.press(*"jo", "enter")
        await seat.sees("Choose a passphrase")
        await seat.press(*"abc", "enter")
        await seat.sees("Once more")
        assert "abc" not in seat.text
        await seat.press(*"abc", "enter")
        await seat.sees("Write these 24 words down")
        for word in range(1, 25):
            assert f"{word} word{word}" in seat.text
        number = int(seat.text.split("Type word ")[1].split()[0])
        await seat.press(*f"word{number}", "enter")
        await until(lambda: seat.app.screen is seat.main)
        await seat.sees("/pair")
        assert seat.launcher.created == ("jo", "abc")
        assert seat.launcher.started == 1
        assert "word17" not in seat.text


async def test_passphrases_that_differ_are_asked_for_again(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press(*"jo", "enter", *"abc", "enter", *"abd", "enter")
        await seat.sees("The two were not the same")
        assert seat.launcher.created is None


async def test_no_passphrase_needs_a_second_word(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press(*"jo", "enter", "enter")
        await seat.sees("Really without a passphrase?")
        assert seat.launcher.created is None
        await seat.press("enter")
        await seat.sees("Write these 24 words down")
        assert seat.launcher.created == ("jo", None)


async def test_a_wrong_word_does_not_pass_the_recovery_phrase(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press(*"jo", "enter", "enter", "enter")
        await seat.sees("Write these 24 words down")
        await seat.press(*"nonsense", "enter")
        await seat.sees("That is not word")
        assert "word24" in seat.text
        number = int(seat.text.split("Type word ")[1].split()[0])
        await seat.press(*f"word{number}", "enter")
        await until(lambda: seat.app.screen is seat.main)


async def test_a_name_that_no_one_may_have_is_refused_with_the_reason(sit: Sit) -> None:
    async with sit(TwinNode(), state=ProfileState.NEW) as seat:
        await seat.press("number_sign", *"jo", "enter")
        await seat.sees("A name has 1 to 48")


async def test_a_wrong_passphrase_says_so_and_stays_and_the_right_one_opens(sit: Sit) -> None:
    async with sit(populated(), state=ProfileState.LOCKED) as seat:
        await seat.sees("Multichat is locked")
        await seat.press(*"wrong", "enter")
        await seat.sees("does not open it")
        await seat.press(*"open", "space", *"sesame", "enter")
        await seat.sees("#lobby")
        assert seat.launcher.started == 1


async def test_the_main_screen_is_painted_before_the_node_has_started(sit: Sit) -> None:
    node = populated()
    node.gate = asyncio.Event()
    async with sit(node) as seat:
        await seat.sees("opening...")
        node.gate.set()
        await seat.sees("release planning")
        await seat.gone("opening...")


@pytest.mark.parametrize("size", SIZES)
async def test_the_empty_main_screen_teaches_how_to_begin(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(TwinNode(), size=size) as seat:
        await seat.sees("Welcome to Multichat")
        for word in ("/pair", "/create NAME", "F1"):
            await seat.sees(word)
