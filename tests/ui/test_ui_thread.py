"""The thread pane: opened from a message, live, with a text of its own, at every size."""

import asyncio

import pytest
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, populated

from multichat_tui.model.intents import Accepted, Intent, SendMessage, SetDraft
from multichat_tui.model.snapshots import MessageRow

DEV, LOBBY = channel_id("dev"), channel_id("lobby")


def with_thread() -> tuple[TwinNode, MessageRow]:
    node = TwinNode()
    node.add_contact("ann")
    dev = node.add_channel("dev", members=("ann", "bob"), online=2)
    node.add_channel("lobby", members=("ann",))
    root = node.put(node.row(dev, "ann", "who brings the boat?", replies=2), quietly=True)
    node.put(node.row(dev, "bob", "I do", reply_to=root.id), quietly=True)
    node.put(node.row(dev, "ann", "lovely", reply_to=root.id), quietly=True)
    node.put(node.row(dev, "bob", "other news"), quietly=True)
    node.set_channel(dev, unread=0, read_arrival=node.arrivals)
    return node, root


def in_thread(seat: Seat) -> list[str]:
    return [row.text for row in seat.main.thread.lines.window.rows]


async def opened_thread(seat: Seat) -> None:
    await seat.opened(DEV)
    await seat.press("shift+up", "g")
    await until(lambda: seat.main.timeline.cursor is not None)
    await seat.press("k", "k", "k", "k", "t")
    await until(lambda: seat.main.thread.root is not None)
    await seat.pilot.pause()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
async def test_t_opens_the_thread_of_a_message_and_escape_closes_it(sit: Sit, size: tuple[int, int]) -> None:
    node, root = with_thread()
    async with sit(node, size=size) as seat:
        await seat.opened(DEV)
        await seat.sees("↳ 2 replies")
        await opened_thread(seat)
        assert seat.main.thread.root == root.id
        assert in_thread(seat) == ["who brings the boat?", "I do", "lovely"]
        await seat.sees("2 replies")
        await seat.sees("#dev thread >")
        assert seat.main.composer.has_focus
        assert seat.main.timeline.display == (size[0] >= 100)
        assert "││" not in seat.text
        assert not seat.main.members.display
        await seat.press("escape")
        await until(lambda: seat.main.thread.root is None)
        await seat.pilot.pause()
        assert seat.main.timeline.display
        assert not seat.main.thread.display
        await seat.sees("#dev >")


async def test_enter_and_a_click_on_the_count_open_it(sit: Sit) -> None:
    node, root = with_thread()
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        row = next(number for number, line in enumerate(seat.timeline) if "↳ 2 replies" in line)
        await seat.pilot.click(seat.main.timeline, offset=(24, row))
        await until(lambda: seat.main.thread.root == root.id)
        await seat.press("escape")
        await until(lambda: seat.main.thread.root is None)
        await seat.press("shift+up", "k", "k", "k", "enter")
        await until(lambda: seat.main.thread.root == root.id)


async def test_what_is_sent_there_answers_the_first_message_and_what_comes_is_shown(sit: Sit) -> None:
    node, root = with_thread()
    async with sit(node, size=(120, 40)) as seat:
        await opened_thread(seat)
        await until(lambda: not seat.main.front.reading)
        await seat.write("me too")
        await seat.press("enter")
        await until(lambda: SendMessage(channel=DEV, text="me too", reply_to=root.id) in node.intents)
        await until(lambda: in_thread(seat)[-1] == "me too")
        node.say(DEV, "bob", "and I", reply_to=root.id)
        await until(lambda: in_thread(seat)[-1] == "and I")
        await seat.sees("4 replies")
        node.say(DEV, "bob", "aside")
        await until(lambda: any("aside" in line for line in seat.timeline))
        assert "aside" not in in_thread(seat)


async def test_thread_and_channel_have_texts_of_their_own_that_are_kept(sit: Sit) -> None:
    node, _ = with_thread()
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await seat.write("for all")
        await seat.press("ctrl+p", *"its thread", "enter")
        await until(lambda: seat.main.thread.root is not None)
        await until(lambda: seat.main.composer.text == "")
        await seat.write("for the thread")
        await seat.press("escape")
        await until(lambda: seat.main.composer.text == "for all")
        await until(
            lambda: any(isinstance(i, SetDraft) and i.thread is not None and i.text == "for the thread" for i in node.intents)
        )
        assert SetDraft(channel=DEV, text="for all") in node.intents
        await seat.main.front.open_thread(seat.main.timeline.window.rows[-1].id)
        await until(lambda: seat.main.composer.text == "for the thread")


async def test_another_channel_closes_it(sit: Sit) -> None:
    node, _ = with_thread()
    async with sit(node, size=(120, 40)) as seat:
        await opened_thread(seat)
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        await until(lambda: seat.main.thread.root is None)
        assert not seat.main.thread.display


async def test_slash_thread_opens_the_newest_one(sit: Sit) -> None:
    node, root = with_thread()
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.write("/thread")
        await seat.press("enter")
        await until(lambda: seat.main.thread.root == root.id)


async def test_nothing_is_read_for_threads_while_none_is_open(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = populated()

    async def refuse(_record: object) -> object:
        raise AssertionError("read a thread")

    monkeypatch.setattr(node, "thread", refuse)
    async with sit(node, size=(120, 40)) as seat:
        await seat.opened(DEV)
        node.say(DEV, "ann", "an answer", reply_to=node.rows[DEV][5].id)
        await until(lambda: any("an answer" in line for line in seat.timeline))
        await until(lambda: not seat.main.front.reading)


async def test_what_was_entered_in_a_thread_goes_there_though_it_is_closed_by_then(sit: Sit) -> None:
    node, root = with_thread()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.write("of the channel")
        await seat.press("shift+up", "g")
        await until(lambda: seat.main.timeline.cursor is not None)
        await seat.main.front.open_thread(root.id)
        await until(lambda: seat.main.thread.root == root.id)
        await until(lambda: not seat.main.front.reading)
        gate = asyncio.Event()
        submit = node.submit

        async def slow(intent: Intent) -> Accepted:
            if isinstance(intent, SendMessage):
                await gate.wait()
            return await submit(intent)

        node.submit = slow  # type: ignore[method-assign]
        await until(lambda: seat.main.composer.has_focus)
        await seat.press(*"one", "enter", *"two", "enter", *"left", "escape")
        await until(lambda: seat.main.thread.root is None)
        assert seat.main.composer.text == "of the channel"
        gate.set()
        told = [
            SendMessage(channel=DEV, text="one", reply_to=root.id),
            SendMessage(channel=DEV, text="two", reply_to=root.id),
        ]
        await until(lambda: [intent for intent in node.intents if isinstance(intent, SendMessage)] == told)
        await until(lambda: seat.main.outbox._idle.is_set())
        assert seat.main.composer.text == "of the channel"
        await seat.main.front.open_thread(root.id)
        await until(lambda: seat.main.thread.root == root.id)
        assert seat.main.composer.text == "left"
