"""A closed account: who knows of it, and the end of the profile on this device."""

from seat import Sit, until
from twin import channel_id, populated

from multichat_tui.model.errors import ProfileBusy
from multichat_tui.ui.closed import ClosedScreen

DEV = channel_id("dev")


async def test_a_closed_account_tells_who_knows_and_a_word_deletes_the_profile_and_ends(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        node.set_status(closed=True, untold=2)
        await seat.sees("Your account is closed. 1 of 3 contacts were told.")
        await seat.sees("The others are told while this stays open")
        node.set_status(untold=0)
        await seat.sees("Every contact was told.")
        assert "The others are told" not in seat.text
        await seat.press(*"delete", "enter")
        await until(lambda: seat.app.return_code == 0)
        assert seat.launcher.wiped
        assert seat.app.last_words == "Your account is closed. Every contact was told. The profile is deleted."


async def test_a_profile_that_another_program_runs_is_not_deleted_and_that_is_said(sit: Sit) -> None:
    node = populated()
    async with sit(node, size=(40, 10)) as seat:
        await seat.opened(DEV)
        seat.launcher.busy = ProfileBusy("Another program runs this node.", "End that one.")
        node.set_status(closed=True, untold=0)
        await seat.sees("Your account is closed.")
        await seat.press(*"delete", "enter", "pagedown")
        screen = seat.app.screen
        assert isinstance(screen, ClosedScreen)
        await until(lambda: "Another program runs this node. End that one." in screen.page.lines)
        assert not seat.launcher.wiped
        assert seat.app.return_code is None


async def test_one_may_read_on_and_is_not_asked_again(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        node.set_status(closed=True, untold=1)
        await seat.sees("Your account is closed.")
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)
        node.set_status(untold=0)
        await until(lambda: seat.main.front.desk.status.untold == 0 and not seat.main.front.reading)
        assert seat.app.screen is seat.main
        assert not seat.launcher.wiped


async def test_an_enter_that_belongs_to_a_message_deletes_nothing(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press(*"see you")
        node.set_status(closed=True, untold=2)
        await seat.sees("Your account is closed.")
        await seat.press(*" there", "enter", *"yes", "enter", "enter", *"deleted", "enter", *"d")
        assert not seat.launcher.wiped
        assert isinstance(seat.app.screen, ClosedScreen)
        await seat.sees("> d")
