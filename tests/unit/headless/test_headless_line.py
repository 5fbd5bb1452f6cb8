"""Line mode within one process: what is typed into a pipe, what is written, with a twin for the node."""

import asyncio
import io
import os
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "node_api"))
import pytest
from api_twin import ApiTwin, user

from multichat_tui.headless.line import page as pages
from multichat_tui.headless.line.conversation import Conversation, End
from multichat_tui.headless.line.page import Page
from multichat_tui.headless.line.reading import LineReader, TooLong
from multichat_tui.model.errors import IntentRefused, Refusal, Unreachable
from multichat_tui.model.events import ChannelChanged, DeliveryChanged, MessageChanged, Resync
from multichat_tui.model.intents import Answer, AnswerComparison, MarkRead, SendMessage
from multichat_tui.model.limits import MAX_INPUT_LINE_BYTES
from multichat_tui.model.snapshots import ChannelKind, Delivery, Membership
from multichat_tui.model.trust import ComparisonState

PATIENCE_S = 20


class Paper(io.StringIO):
    """What was written, and a wait for more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def write(self, text: str) -> int:
        count = super().write(text)
        with suppress(RuntimeError):  # a write that ends after the test
            self._loop.call_soon_threadsafe(self.changed.set)
        return count

    async def until(self, wanted: str, after: int = 0) -> str:
        async with asyncio.timeout(PATIENCE_S):
            while wanted not in self.getvalue()[after:]:
                self.changed.clear()
                await self.changed.wait()
        return self.getvalue()


class Seat:
    def __init__(self, api: ApiTwin, interactive: bool) -> None:
        read, self._write = os.pipe()
        self.paper, self.errors = Paper(), Paper()
        self.page = Page(self.paper, self.errors, interactive=interactive)
        self.reader = LineReader(read)
        self.conversation = Conversation(api, self.reader, self.page)
        self.task = asyncio.create_task(self.conversation.run())
        self._read = read
        self._closed = False

    def type(self, text: str) -> None:
        left = text.encode()
        while left:
            left = left[os.write(self._write, left) :]

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._write)

    async def end(self) -> End:
        self.close()
        async with asyncio.timeout(PATIENCE_S):
            end = await self.task
        await self.page.close()
        return end


@asynccontextmanager
async def seat(api: ApiTwin, *, interactive: bool = True):
    one = Seat(api, interactive)
    try:
        yield one
    finally:
        one.close()
        one.task.cancel()
        await asyncio.gather(one.task, return_exceptions=True)
        await one.page.close()
        # A thread that was about to read would read from whatever has the number of this pipe next.
        if one.reader._reading is not None:
            await asyncio.wait((one.reader._reading,), timeout=PATIENCE_S)
        os.close(one._read)


# Reading


async def lines_of(*chunks: bytes) -> list[object]:
    read, write = os.pipe()
    reader = LineReader(read)
    found: list[object] = []
    feeding = asyncio.to_thread(feed, write, chunks)
    task = asyncio.create_task(feeding)
    while (line := await reader.line()) is not None:
        found.append(line)
    await task
    os.close(read)
    return found


def feed(write: int, chunks: tuple[bytes, ...]) -> None:
    for chunk in chunks:
        while chunk:
            chunk = chunk[os.write(write, chunk) :]
    os.close(write)


async def test_lines_are_read_whole_however_they_come():
    assert await lines_of(b"one\ntw", b"o\r\n\nthree") == ["one", "two", "", "three"]
    assert await lines_of() == []
    assert await lines_of("gr\u00fcn\n".encode()[:3], "gr\u00fcn\n".encode()[3:]) == ["gr\u00fcn"]
    assert await lines_of(b"\xff\n") == ["\ufffd"]


async def test_a_line_that_is_too_long_is_dropped_whole_and_the_next_is_read():
    long = b"x" * (5 * MAX_INPUT_LINE_BYTES)
    found = await lines_of(long, b"end of it\nnext\n", long)
    assert isinstance(found[0], TooLong)
    assert found[1] == "next"
    assert isinstance(found[2], TooLong)
    assert len(found) == 3
    assert await lines_of(b"x" * MAX_INPUT_LINE_BYTES + b"\n") == ["x" * MAX_INPUT_LINE_BYTES]


async def test_a_cancelled_read_loses_nothing():
    read, write = os.pipe()
    reader = LineReader(read)
    waiting = asyncio.create_task(reader.line())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    os.write(write, b"kept\n")
    assert await reader.line() == "kept"
    os.close(write)
    assert await reader.line() is None
    os.close(read)


# Talking


async def test_the_newest_channel_is_opened_with_its_last_messages_and_read():
    api = ApiTwin()
    api.add_channel("old")
    dev = api.add_channel("dev", "bob")
    api.rows[dev.id] = replace(dev, last_ms=5, unread=1)
    api.arrive(dev.id, "bob", "hello\nthere \x1b[2J")
    async with seat(api) as one:
        text = await one.paper.until("#dev> ")
        assert "bob: hello\u240athere \u241b[2J\n" in text
        assert "#dev: 1 unread" in text
        assert MarkRead(channel=dev.id, arrival=1) in api.intents
        assert "\x1b" not in text
        assert await one.end() is End.INPUT


async def test_typed_lines_are_messages_and_two_slashes_begin_one():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        one.type("hello\n//not a command\n   \n")
        assert await one.end() is End.INPUT
    assert [i.text for i in api.intents if isinstance(i, SendMessage)] == ["hello", "/not a command"]
    assert all(i.channel == dev.id for i in api.intents if isinstance(i, SendMessage))
    assert one.paper.getvalue().endswith("online\n#dev> #dev> #dev> #dev> \n"), "the terminal has echoed it already"


async def test_commands_work_and_switch_opens_another_channel():
    api = ApiTwin()
    api.add_contact("bob")
    api.add_channel("dev", "bob")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        one.type("/create ops\n")
        await one.paper.until("#ops> ")
        one.type("/switch dev\n/query bob\n/nonsense\n/quit\nnever sent\n")
        async with asyncio.timeout(PATIENCE_S):
            assert await one.task is End.QUIT
        text = one.paper.getvalue()
        assert "@bob> " in text
        assert "There is no command /nonsense." in text
    assert not [i for i in api.intents if isinstance(i, SendMessage)]


async def test_messages_of_the_open_channel_are_lines_and_of_others_short_notices():
    api = ApiTwin(name="zoe")
    api.add_channel("ops", "cid")
    dev = api.add_channel("dev", "bob")
    api.rows[dev.id] = replace(dev, last_ms=5)
    ops = next(row for row in api.rows.values() if row.name == "ops")
    direct = api.add_channel("bob", "bob", kind=ChannelKind.DIRECT, partner=user("bob"))
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        at = len(one.paper.getvalue())
        api.arrive(dev.id, "bob", "first\nsecond")
        await one.paper.until("#dev> ", at)
        shown = one.paper.getvalue()[at:]
        assert shown.startswith("\n#dev ")
        assert shown.endswith("bob: first\u240asecond\n#dev> ")
        for number in range(3):
            api.arrive(ops.id, "cid", f"chatter {number}")
        api.arrive(ops.id, "cid", "@zoe look")
        api.arrive(direct.id, "bob", "psst")
        api.arrive(direct.id, "bob", "psst again")
        api.arrive(dev.id, "bob", "end of it")
        text = await one.paper.until("end of it")
        assert "chatter" not in text
        assert "psst" not in text
        assert text.count("#ops: cid has written (/switch #ops)") == 1
        assert text.count("#ops: cid mentions you (/switch #ops)") == 1
        assert text.count("@bob: bob has written (/switch @bob)") == 2


async def test_a_burst_costs_one_prompt(monkeypatch):
    monkeypatch.setattr(pages, "QUIET_S", PATIENCE_S)
    api = ApiTwin()
    dev = api.add_channel("dev", "bob")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        for number in range(50):
            api.arrive(dev.id, "bob", f"burst {number}")
        (reader,) = api._readers
        async with asyncio.timeout(PATIENCE_S):
            while reader._queue:  # noqa: ASYNC110  # a queue of the twin's has no event
                await asyncio.sleep(0)
        await one.end()
        assert one.paper.getvalue().count("#dev> ") == 2
        assert one.paper.getvalue().count("burst") == 50


async def test_held_messages_wait_for_enter():
    api = ApiTwin()
    api.kept["line.hold"] = "on"
    dev = api.add_channel("dev", "bob")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        api.arrive(dev.id, "bob", "later")
        one.type("/status\n")
        text = await one.paper.until("trouble    none")
        assert text.index("bob: later") < text.index("listening")
        assert "#dev> \n" not in text, "nothing broke into the line being typed"


async def test_a_refused_message_is_told_with_its_text_and_the_conversation_goes_on():
    api = ApiTwin()
    api.add_channel("dev")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        api.refuse = IntentRefused(Refusal.TOO_LONG, "That is too much.", "Say less.")
        one.type("a precious text\nsecond\n")
        await one.end()
    text = one.paper.getvalue()
    assert "That is too much. Say less.\nNot sent: a precious text\n" in text
    assert api.messages[-1].text == "second"


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("command", ["/switch lobbi", "/query nobody", "/swich lobby"])
async def test_what_stands_behind_a_command_that_opened_nothing_is_not_sent_elsewhere(interactive: bool, command: str):
    api = ApiTwin()
    api.add_channel("dev", "bob")
    api.add_channel("lobby", "bob")
    async with seat(api, interactive=interactive) as one:
        one.type(f"/switch dev\n{command}\nfor others\n/switch lobby\nfor the lobby\n")
        await one.end()
    assert [row.text for row in api.messages] == ["for the lobby"]
    assert one.conversation.failed is not None
    written = one.paper.getvalue() + one.errors.getvalue()
    assert "No channel is open now: what follows is not sent until one is." in written


async def test_a_command_that_goes_nowhere_changes_no_place_by_failing():
    api = ApiTwin()
    api.add_channel("dev", "bob")
    async with seat(api, interactive=False) as one:
        one.type("/switch dev\n/whois nobody\nstill here\n")
        await one.end()
    assert [row.text for row in api.messages] == ["still here"]


async def test_without_a_channel_the_way_to_one_is_told():
    api = ApiTwin()
    async with seat(api) as one:
        text = await one.paper.until("\n> ")
        assert "/create NAME" in text
        one.type("hello?\n")
        await one.end()
    assert "No channel is open." in one.paper.getvalue()


async def test_joining_pairing_failures_and_changes_are_told():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob")
    waiting = api.add_channel("far", membership=Membership.JOINING)
    api.rows[dev.id] = replace(dev, last_ms=3)
    asked = api.add_contact("carol", pending=True)
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        api.emit(ChannelChanged(seq=api.next_seq(), row=replace(waiting, membership=Membership.JOINED)))
        await one.paper.until("You are in #far now")
        api.add_contact("carol", identifier=asked.user)
        await one.paper.until("carol is your contact now.")
        row = api.arrive(dev.id, "bob", "early")
        changed = MessageChanged(seq=api.next_seq(), channel=dev.id, id=row.id, position=row.position, row=replace(row, text="x"))
        api.emit(changed)
        await one.paper.until("bob: x (changed)")
        one.type("doomed\n/status\n")
        await one.paper.until("trouble")
        api.messages[-1] = replace(api.messages[-1], state=Delivery.FAILED, failure="you had left")
        api.emit(DeliveryChanged(seq=api.next_seq(), channel=dev.id, first=2, last=2))
        await one.paper.until("Not accepted in #dev: doomed (you had left)")


async def test_after_a_resync_what_was_missed_is_shown_once():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        readers, api._readers = api._readers, set()
        api.arrive(dev.id, "bob", "lost one")
        api.arrive(dev.id, "bob", "lost two")
        api._readers = readers
        api.emit(Resync(seq=api.next_seq()))
        api.arrive(dev.id, "bob", "then this")
        text = await one.paper.until("then this")
        assert [text.count(f"bob: {what}") for what in ("lost one", "lost two", "then this")] == [1, 1, 1]


async def test_the_end_of_the_node_ends_the_conversation_and_no_line_is_lost():
    api = ApiTwin()
    api.add_channel("dev")
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        api.refuse = Unreachable("The node has stopped.")
        one.type("still here\n")
        async with asyncio.timeout(PATIENCE_S):
            assert await one.task is End.NODE
        assert "Not sent: still here" in one.paper.getvalue()
    async with seat(api) as one:
        await one.paper.until("#dev> ")
        api.stop()
        async with asyncio.timeout(PATIENCE_S):
            assert await one.task is End.NODE


async def test_a_pipe_gets_no_prompt_and_its_faults_go_to_the_other_stream():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob")
    api.arrive(dev.id, "bob", "history")
    async with seat(api, interactive=False) as one:
        await asyncio.to_thread(one.type, "hello\n/nope\n" + "y" * (2 * MAX_INPUT_LINE_BYTES) + "\nbye")
        assert await one.end() is End.INPUT
    assert [m.text for m in api.messages if m.mine] == ["hello", "bye"]
    out = one.paper.getvalue()
    assert "> " not in out
    assert "history" not in out
    assert "me: hello (queued)" in out
    assert "There is no command /nope." in one.errors.getvalue()
    assert one.conversation.failed is not None
    assert one.conversation.failed.exit_code == 2
    assert not [i for i in api.intents if isinstance(i, MarkRead)], "a script is no reader"


async def test_what_is_held_for_enter_is_bounded_and_the_newest_stay(monkeypatch):
    monkeypatch.setattr(pages, "MAX_HELD_LINES", 5)
    paper = Paper()
    page = Page(paper, paper, interactive=True)
    page.hold = True
    for number in range(50):
        await page.tell(f"news {number}")
    await page.entered()
    assert paper.getvalue().splitlines() == [f"news {number}" for number in range(45, 50)]
    await page.close()


async def test_the_messages_whose_failure_is_watched_are_bounded(monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.line.conversation.MAX_WATCHED_MESSAGES", 3)
    api = ApiTwin()
    api.add_channel("dev", "bob")
    async with seat(api, interactive=False) as one:
        one.type("".join(f"message {number}\n" for number in range(10)))
        await one.end()
        assert len(one.conversation._watched) == 3
        assert len([i for i in api.intents if isinstance(i, SendMessage)]) == 10


async def test_words_are_announced_shown_and_answered_only_then():
    api = ApiTwin()
    async with seat(api) as one:
        await one.paper.until("> ")
        row = api.compare("bob")
        await one.paper.until("* The words to compare with bob are here (/verify shows them)")
        one.type("/verify yes\n")
        await one.paper.until("were not shown here yet")
        one.type("/verify\n")
        text = await one.paper.until("apple bob-word")
        one.type("/verify yes\n")
        await one.paper.until("Compare with bob", after=len(text))
        assert [i for i in api.intents if isinstance(i, AnswerComparison)] == [
            AnswerComparison(comparison=row.id, answer=Answer.SAME)
        ]
        api.end_comparison(row, ComparisonState.DONE)
        await one.paper.until("* bob is verified.")
