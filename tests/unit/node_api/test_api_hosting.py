"""What is said about the mailbox that a node keeps: slash commands and their words."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin
from host_rows import NOW_MS, no_mailbox, place_row

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.hosting import RefusedRow
from multichat_tui.model.intents import GrantPlace, HostMailbox, RevokePlace
from multichat_tui.model.limits import MIN_FREE_BYTES
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.text import size_words
from multichat_tui.node.api.commands import hosting, run_command


@pytest.fixture
def api() -> ApiTwin:
    return ApiTwin()


async def said(api: ApiTwin, line: str) -> str:
    return "\n".join((await run_command(api, None, line)).lines)


@pytest.mark.parametrize(
    ("text", "bytes_"), [("64M", 64 * 1024**2), ("2g", 2 * 1024**3), ("500KiB", 500 * 1024), ("1T", 1024**4), ("4096", 4096)]
)
def test_sizes_are_read_as_people_write_them(text: str, bytes_: int) -> None:
    assert hosting.size(text) == bytes_


@pytest.mark.parametrize("text", ["", "M", "-1", "0", "1.5G", "12345678901", "64X", "9e9", "\x1b[2J"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        hosting.size(text)


@pytest.mark.parametrize(
    ("bytes_", "words"), [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (64 * 1024**2, "64 MiB"), (1024**4, "1 TiB")]
)
def test_sizes_are_told_shortly(bytes_: int, words: str) -> None:
    assert size_words(bytes_) == words


async def test_a_node_that_keeps_no_mailbox_says_so_and_how_to_begin(api: ApiTwin) -> None:
    for line in ("/mailbox host", "/mailbox host status", "/mailbox kept", "/mailbox grants"):
        assert "keeps no mailbox" in await said(api, line)
    assert "/mailbox host on" in await said(api, "/mailbox host")


async def test_the_mailbox_is_turned_on_and_off(api: ApiTwin) -> None:
    assert "0 B of 2 GiB used" in await said(api, "/mailbox host on 2G")
    assert "/mailbox grant NAME" in await said(api, "/mailbox host on")
    assert "keeps no mailbox" in await said(api, "/mailbox host off")
    assert api.intents == [
        HostMailbox(on=True, total_bytes=2 * 1024**3),
        HostMailbox(on=True),
        HostMailbox(on=False),
    ]


async def test_places_are_given_listed_and_taken_back(api: ApiTwin) -> None:
    await said(api, "/mailbox host on")
    outcome = await run_command(api, None, '/mailbox grant "my aunt" 64M 100')
    assert outcome.lines[-1] == "multichat:mailbox/my aunt", "a link stands alone in its line"
    assert "shown this once" in outcome.lines[0]
    await said(api, "/mailbox grant bob")
    assert await said(api, "/mailbox grants") == "my aunt  0 B of 64 MiB  0 of 256 queues\nbob  0 B of 64 MiB  0 of 256 queues"
    assert "can be taken until it expires" in await said(api, '/mailbox revoke "my aunt"')
    assert "is gone" in await said(api, "/mailbox revoke bob now")
    assert api.intents[1:] == [
        GrantPlace(name="my aunt", quota_bytes=64 * 1024**2, queues=100),
        GrantPlace(name="bob"),
        RevokePlace(name="my aunt"),
        RevokePlace(name="bob", at_once=True),
    ]
    with pytest.raises(NotFound):
        await said(api, "/mailbox revoke bob")


async def test_what_is_kept_is_told_with_why_something_was_refused(api: ApiTwin) -> None:
    refused = (RefusedRow(word="full-owner", count=3, last_ms=NOW_MS),)
    place = place_row("ann\x1b[31m", used_bytes=1536, queues=2, envelopes=3, oldest_ms=NOW_MS, revoked=True, refused=refused)
    api.host_row = replace(
        no_mailbox(),
        on=True,
        mailbox=MailboxId(b"m" * 32),
        addresses=("203.0.113.5:4700",),
        used_bytes=1536,
        free_bytes=5 * 1024**3,
        resting=True,
        links=2,
        places=(place,),
        refused=(RefusedRow(word="newer-word", count=1, last_ms=NOW_MS),),
    )
    told = await said(api, "/mailbox kept")
    for part in (
        "at 203.0.113.5:4700: 1.5 KiB of 1 GiB used, 5 GiB free on the disk",
        "1.5 KiB of 64 MiB  2 of 256 queues  revoked  3 envelopes, the oldest since",
        "refused 3 times: full-owner (a place was full), last",
        "Refused to those who had shown no place",
        "refused 1 times: newer-word, last",
        "nothing new is taken for the moment",
    ):
        assert part in told
    assert "\x1b" not in told
    fields = (await run_command(api, None, "/mailbox kept")).fields
    assert fields["places"][0]["refused"] == [{"word": "full-owner", "count": 3, "last": NOW_MS}]  # type: ignore[index,call-overload]


def test_every_refusal_has_words_of_its_own() -> None:
    good = {Word.DONE, Word.COLLECTED, Word.REFUSED}
    assert set(hosting.WORDS) == {word.value for word in Word if word not in good}


@pytest.mark.parametrize(
    "line",
    [
        "/mailbox nonsense", "/mailbox host maybe", "/mailbox host off 2G", "/mailbox host on 2G 3G", "/mailbox grant",
        "/mailbox grant a 64M many", "/mailbox grant a 64M 3 4", "/mailbox revoke", "/mailbox revoke a later", "/mailbox kept x",
    ],
)  # fmt: skip
async def test_what_is_mistyped_is_told_with_the_usage(api: ApiTwin, line: str) -> None:
    with pytest.raises(UsageError):
        await said(api, line)
    assert api.intents == []


def test_a_mailbox_says_why_nobody_reaches_it_and_why_it_takes_nothing() -> None:
    row = replace(no_mailbox(), on=True, mailbox=MailboxId(bytes(32)), addresses=("10.0.0.9:4700",), shown_on_lan=True)
    assert "Shown on the local network" in "\n".join(hosting.host_lines(row))
    assert "Shown" not in "\n".join(hosting.host_lines(row, lan=False))
    assert "does not run" not in "\n".join(hosting.host_lines(row))
    off = "\n".join(hosting.kept_lines(replace(row, addresses=()), running=False))
    assert "Its node does not run, so nobody reaches it: multichat mailbox run" in off
    assert "no address" not in off
    assert "no address that anybody could know" in "\n".join(hosting.host_lines(replace(row, addresses=())))
    assert "until 64 MiB are free" in "\n".join(hosting.host_lines(replace(row, free_bytes=MIN_FREE_BYTES - 1)))
    assert "until" not in "\n".join(hosting.host_lines(replace(row, free_bytes=MIN_FREE_BYTES)))


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (("127.0.0.1:4700",), "Only programs on this machine reach it"),
        (("localhost:4700", "[::1]:4700"), "Only programs on this machine reach it"),
        (("192.168.1.7:4700", "127.0.0.1:4700"), "Only this network reaches it"),
        (("8.8.8.8:4700", "192.168.1.7:4700"), None),
        (("box.example:4700",), None),
    ],
)
def test_from_where_a_mailbox_is_reached_is_told_where_it_is_less_than_everywhere(
    addresses: tuple[str, ...], words: str | None
) -> None:
    row = replace(no_mailbox(), on=True, mailbox=MailboxId(bytes(32)), addresses=addresses)
    told = "\n".join(hosting.host_lines(row))
    assert (words is None) == ("reach" not in told)
    assert words is None or words in told
    assert "reach" not in "\n".join(hosting.host_lines(replace(row, addresses=()), running=True))


def test_whoever_gets_a_link_is_told_what_to_do_with_it() -> None:
    told = "\n".join(hosting.granted_lines("bob", "multichat:mailbox/x"))
    assert "multichat mailbox add LINK" in told
    assert "/mailbox add LINK" in told
