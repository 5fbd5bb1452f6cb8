"""What is said about one's own mailboxes: slash commands and their words."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin
from mailbox_rows import mailbox_row

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.intents import AddMailbox, RemoveMailbox
from multichat_tui.model.snapshots import MailboxFailing, MailboxRow, MailboxState
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.commands.own_mailboxes import all_own_lines, own_fields, own_lines


@pytest.fixture
def api() -> ApiTwin:
    return ApiTwin()


async def said(api: ApiTwin, line: str) -> str:
    return "\n".join((await run_command(api, None, line)).lines)


async def test_who_has_none_is_told_how_to_get_one(api: ApiTwin) -> None:
    for line in ("/mailbox", "/mailbox list"):
        assert "You have no mailboxes" in await said(api, line)
        assert "/mailbox add LINK" in await said(api, line)


async def test_adding_and_giving_up(api: ApiTwin) -> None:
    assert "Added" in await said(api, "/mailbox add multichat:mailbox/abc def")
    assert api.intents[-1] == AddMailbox(link="multichat:mailbox/abc def")
    assert "in use" in await said(api, "/mailbox")
    assert "is given up" in await said(api, "/mailbox remove 1")
    assert api.intents[-1] == RemoveMailbox(number=1)
    assert "given up" in await said(api, "/mailbox list")
    assert "is forgotten" in await said(api, "/mailbox remove 1")
    assert "You have no mailboxes" in await said(api, "/mailbox list")
    with pytest.raises(NotFound):
        await said(api, "/mailbox remove 1")


WRONG = ["/mailbox add", "/mailbox remove", "/mailbox remove x", "/mailbox remove 12345", "/mailbox adds x"]


@pytest.mark.parametrize("line", WRONG)
async def test_what_is_not_understood_is_said(api: ApiTwin, line: str) -> None:
    with pytest.raises(UsageError):
        await said(api, line)


async def test_that_a_node_rests_is_said_where_mailboxes_are_not_reached(api: ApiTwin) -> None:
    status = (await api.status()).rows
    missed = replace(status, mailboxes=(mailbox_row(state=MailboxState.UNREACHED, since_ms=0),))
    resting = replace(missed, resting_until_ms=1_800_000_000_000)
    assert "This node rests until 2027-01-15" in "\n".join(all_own_lines(resting))
    assert "rests" not in "\n".join(all_own_lines(missed))
    assert "rests" not in "\n".join(all_own_lines(replace(status, resting_until_ms=1_800_000_000_000)))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (mailbox_row(), "1  k3f9x2a1  in use  12 KiB of 64 MiB, 14 of 14 queues  10.0.0.9:4700"),
        (mailbox_row(state=MailboxState.REFUSED, detail="unknown", used_bytes=None), "refuses you  10.0.0.9:4700"),
        (mailbox_row(2, state=MailboxState.REFUSED, detail="unknown"), "\n   There is no place for you any more: it was revoked"),
        (mailbox_row(2, state=MailboxState.REFUSED, detail="unknown"), "/mailbox remove 2"),
        (mailbox_row(state=MailboxState.UNREACHED, since_ms=0, detail="refused"), "not reached since"),
        (mailbox_row(state=MailboxState.LEAVING, since_ms=0, unaware=2), "2 devices do not know yet"),
        (mailbox_row(state=MailboxState.LEAVING, since_ms=0, unaware=1), "1 device does not know yet"),
        (mailbox_row(state=MailboxState.LEAVING, since_ms=0), "being emptied"),
        (mailbox_row(state=MailboxState.PARTLY, detail="too-many"), "in use for some  too many queues"),
        (mailbox_row(waiting=7), "7 to be read"),
        (mailbox_row(losses=1), "has lost something 1 of 3 times"),
        (mailbox_row(), "10.0.0.9:4700  not tested yet"),
        (mailbox_row(tests=1, passed=1), "kept 1 of 1 test"),
        (mailbox_row(tests=41, passed=40, reached_percent=98), "kept 40 of 41 tests, reached 98 % of the time"),
        (
            mailbox_row(failing=MailboxFailing.LOSES, note="It loses what is left there."),
            "not tested yet\n   It loses what is left there.",
        ),
        (mailbox_row(failing=MailboxFailing.LOSES), "1  k3f9x2a1  failing  12 KiB"),
        (mailbox_row(state=MailboxState.REFUSED, failing=MailboxFailing.REFUSES), "refuses you"),
        (mailbox_row(detail="\x1b[31mred", state=MailboxState.UNREACHED), "red"),
    ],
)
def test_each_state_has_its_words(row: MailboxRow, words: str) -> None:
    line = "\n".join(own_lines(row))
    assert words in line
    assert "\x1b" not in line
    assert own_fields(row)["state"] == row.state.value


def test_an_address_that_was_called_in_vain_is_named_once():
    row = mailbox_row(
        state=MailboxState.UNREACHED,
        since_ms=0,
        addresses=("10.0.0.9:4700", "192.0.2.4:4700"),
        detail="10.0.0.9:4700: connection refused",
    )
    (line,) = own_lines(row)
    assert line.count("10.0.0.9:4700") == line.count("192.0.2.4:4700") == 1
