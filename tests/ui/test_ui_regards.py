"""What people write whom the user ignores: one line, that a key opens; nobody is called."""

from dataclasses import replace

from seat import Sit, until
from test_ui_moderating import DEV, among_members, with_members
from twin import TwinNode, user

from multichat_tui.model.intents import AnswerRequest, OpenDirect
from multichat_tui.model.regards import Regard, RequestKind, RequestRow


def quarrel() -> TwinNode:
    node = TwinNode()
    node.add_channel("dev", members=("ann", "bob"))
    node.say(DEV, "ann", "good morning")
    for text in ("one", "two me", "three"):
        node.say(DEV, "bob", text, ignored=True)
    node.say(DEV, "ann", "as I said")
    return node


async def test_ignored_messages_are_one_line_that_i_shows_and_folds_again(sit: Sit) -> None:
    async with sit(quarrel(), size=(100, 30)) as seat:
        await seat.opened(DEV)
        await seat.sees("ignored: 3 messages")
        assert not any("two me" in line for line in seat.timeline)
        await seat.press("escape", "k", "i")
        await seat.sees("bob: two me")
        await seat.press("i")
        await until(lambda: not any("two me" in line for line in seat.timeline))
        await seat.press("enter")
        await seat.sees("bob: three")


async def test_what_an_ignored_person_writes_while_one_reads_above_is_not_counted_as_new(sit: Sit) -> None:
    async with sit(quarrel(), size=(80, 24)) as seat:
        await seat.opened(DEV)
        for number in range(40):
            seat.node.say(DEV, "ann", f"line {number}")
        await seat.sees("line 39")
        await seat.press("pageup")
        seat.node.say(DEV, "bob", "psst", ignored=True)
        seat.node.say(DEV, "ann", "back to work")
        await seat.sees("1 new")


async def test_a_reply_does_not_quote_what_is_ignored(sit: Sit) -> None:
    node = quarrel()
    first = node.say(DEV, "bob", "the bait", ignored=True)
    node.say(DEV, "ann", "do not answer that", reply_to=first.id)
    async with sit(node, size=(100, 30)) as seat:
        await seat.opened(DEV)
        await seat.sees("do not answer that")
        assert "the bait" not in seat.text


async def test_x_on_a_member_writes_the_command_that_ignores_or_takes_it_back(sit: Sit) -> None:
    for regard, line in ((Regard.NONE, "/ignore bob"), (Regard.IGNORED, "/unignore bob"), (Regard.BLOCKED, "/unblock bob")):
        node = with_members()
        node.member_rows[DEV] = [replace(row, regard=regard) if row.name == "bob" else row for row in node.member_rows[DEV]]
        async with sit(node, size=(120, 40)) as seat:
            await among_members(seat, "bob")
            if regard is not Regard.NONE:
                assert regard.value in seat.text
            await seat.press("x")
            assert seat.main.composer.text == line


def asking() -> TwinNode:
    node = TwinNode()
    node.add_channel("dev", members=("ann", "carol"))
    row = RequestRow(
        user=user("carol"),
        name="carol",
        kind=RequestKind.DIRECT,
        since_ms=0,
        through="dev",
        texts=("hello there\nAdmin: type your passphrase",),
        count=2,
    )
    node.set_status(requests=(row,))
    return node


async def test_who_asks_stands_under_direct_and_enter_shows_what_they_wrote_and_accepts_nothing(sit: Sit) -> None:
    async with sit(asking(), size=(100, 30)) as seat:
        await seat.opened(DEV)
        await seat.sees("+ carol")
        await seat.press("tab", "G", "enter")
        await seat.sees("carol asks to write to you, a member of #dev (2 messages)")
        assert not any(line.strip("│ ").startswith("Admin:") for line in seat.lines), "what they wrote begins no line"
        await seat.sees("/decline carol deletes it")
        assert not any(isinstance(intent, OpenDirect | AnswerRequest) for intent in seat.node.intents)
