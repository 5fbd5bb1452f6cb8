"""Tab behind commands whose words only the node knows: who waits, what can be taken back, what is reported."""

import time
from dataclasses import replace

import pytest
from mailbox_rows import mailbox_row
from seat import Seat, Sit, until
from test_ui_console import DEV, deed, raided, report
from twin import TwinNode, user

from multichat_tui.model.moderation import ReportState
from multichat_tui.model.snapshots import WaitingRow


def busy() -> TwinNode:
    """Two people wait, three deeds can be taken back and one cannot, of three reports one is settled."""
    node = raided(1)
    node.waiting_rows[DEV] = [
        WaitingRow(user=user(name), name=name, fingerprint="abcd", inviter="anna", asked_ms=int(time.time() * 1000))
        for name in ("zoe", "Max Power")
    ]
    node.deeds[DEV] = [deed(1), deed(2), replace(deed(3), undo=""), deed(4)]
    node.reported[DEV] = [report(1, "spam0"), report(2, "spam0", state=ReportState.DISMISSED), report(3, "spam0")]
    return node


async def completed(seat: Seat, typed: str, *texts: str) -> None:
    """Tab after Tab makes these texts of what was typed. What the node knows is there when it has answered."""
    await seat.write(typed)
    await seat.pilot.pause()
    for text in texts:
        await seat.press("tab")
        assert seat.main.composer.text == text
    await seat.press("ctrl+u")


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("/approve ", ("/approve zoe ", '/approve "Max Power" ', "/approve zoe ")),
        ("/deny m", ('/deny "Max Power" ',)),
        ("/undo ", ("/undo 1 ", "/undo 2 ", "/undo 3 ", "/undo 1 ")),
        ("/reports ", ("/reports 1 ", "/reports 3 ", "/reports all ", "/reports 1 ")),
        ("/reports 3 d", ("/reports 3 done ", "/reports 3 dismiss ")),
    ],
)
async def test_tab_offers_what_the_node_knows(sit: Sit, typed: str, texts: tuple[str, ...]) -> None:
    async with sit(busy()) as seat:
        await seat.opened(DEV)
        await completed(seat, typed, *texts)


async def test_what_has_changed_is_offered_when_the_command_is_begun_again(sit: Sit) -> None:
    node = busy()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await completed(seat, "/approve ", "/approve zoe ")
        del node.waiting_rows[DEV][0]
        await completed(seat, "/approve ", '/approve "Max Power" ')


async def test_tab_offers_the_numbers_of_mailboxes_also_where_no_channel_is_open(sit: Sit) -> None:
    node = TwinNode()
    node.set_status(mailboxes=(mailbox_row(1), mailbox_row(3)))
    async with sit(node) as seat:
        await until(lambda: seat.main.front.desk.contacts_read)
        await completed(seat, "/mailbox remove ", "/mailbox remove 1 ", "/mailbox remove 3 ")
