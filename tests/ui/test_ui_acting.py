"""Editing, reacting and pinning by key: what the node is asked for, and what is seen of it."""

from dataclasses import replace

import pytest
from seat import Sit, until
from twin import TwinNode

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.intents import ActOn, SendMessage, SetDraft
from multichat_tui.model.snapshots import DeliveryRow, ReactionRow, ReactorsRow, Snapshot, VersionRow


def talk() -> tuple[TwinNode, bytes]:
    node = TwinNode()
    channel = node.add_channel("dev", members=("bob",))
    node.say(channel, "bob", "the ship sails at nine")
    node.say(channel, node.name, "see you thre")
    return node, channel


def asked(node: TwinNode) -> list[tuple[str, dict[str, str]]]:
    return [(intent.act, dict(intent.fields)) for intent in node.intents if isinstance(intent, ActOn)]


async def test_up_on_an_empty_line_brings_the_last_message_back_and_enter_replaces_it(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("up")
        assert seat.main.composer.text == "see you thre"
        await seat.sees("editing your message")
        await seat.press("end", "backspace", "backspace", *"ere", "enter")
        await until(lambda: asked(node) == [("edit", {"text": "see you there"})])
        await seat.sees("see you there (edited)")
        assert seat.main.composer.text == ""
        await seat.gone("editing your message")
        await seat.write("next")
        await seat.press("enter")
        await until(lambda: SendMessage(channel=channel, text="next") in node.intents)


async def test_escape_leaves_the_message_as_it_is_and_the_line_empty(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("up", "x", "escape")
        assert seat.main.composer.text == ""
        await seat.gone("editing your message")
        await seat.write("another")
        await seat.press("enter")
        await until(lambda: SendMessage(channel=channel, text="another") in node.intents)
        assert asked(node) == []


async def test_what_was_being_written_is_no_part_of_it_and_comes_back(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.write("half a thought")
        for leaves in ("escape", "enter"):
            await seat.press("shift+up", "e")
            await until(lambda: seat.main.composer.text == "see you thre")
            await seat.press("!", leaves)
            await until(lambda: seat.main.composer.text == "half a thought")
        assert asked(node) == [("edit", {"text": "see you thre!"})]
        drafts = [intent.text for intent in node.intents if isinstance(intent, SetDraft)]
        assert not any("see you" in text for text in drafts)


async def test_what_is_refused_stays_to_be_edited_on(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        node.refuse_with = IntentRefused(Refusal.NOT_ALLOWED, "Muted.")
        await seat.press("up", "!", "enter")
        await seat.sees("Muted.")
        assert seat.main.composer.text == "see you thre!"
        await seat.sees("editing your message")
        node.refuse_with = None
        await seat.press("enter")
        await seat.sees("see you thre! (edited)")


async def test_e_edits_ones_own_message_only(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("escape", "k", "e")
        await seat.sees("only your own messages")
        assert seat.main.composer.text == ""
        await seat.press("j", "e")
        await until(lambda: seat.main.composer.text == "see you thre")


async def test_plus_picks_an_emoji_by_its_name_and_takes_ones_own_back(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("escape", "plus", *"tada", "enter")
        await seat.sees("[🎉 1]")
        await seat.press("plus", *"tada")
        await seat.sees("takes it back")
        await seat.press("enter")
        await seat.gone("🎉")
        assert asked(node) == [("react", {"emoji": "🎉", "on": "yes"}), ("react", {"emoji": "🎉", "on": "no"})]


async def test_p_pins_and_takes_the_pin_away(sit: Sit) -> None:
    node, channel = talk()
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("escape", "p")
        await seat.sees("see you thre (pinned)")
        await seat.press("p")
        await seat.gone("(pinned)")
        assert asked(node) == [("pin", {"on": "yes"}), ("pin", {"on": "no"})]


async def test_a_poll_shows_its_lines_and_how_it_stands(sit: Sit) -> None:
    node, channel = talk()
    poll = node.say(channel, "bob", "When?")
    node.change(
        replace(
            poll,
            resource="poll",
            lines=("1. Friday: 1 vote, yours", "2. Saturday\x1b[2J: no votes"),
            hint="/vote 1 to /vote 2 answers",
            reactions=(ReactionRow(emoji="👍", count=3, mine=False),),
        )
    )
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("1. Friday: 1 vote, yours")
        await seat.sees("Saturday␛[2J: no votes")
        await seat.sees("👍 3")
        await seat.sees("/vote 1 to /vote 2 answers")
        assert "\x1b" not in seat.text


async def test_i_tells_what_it_said_before_and_who_reacted(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    node, channel = talk()

    async def delivery(record: bytes) -> Snapshot[DeliveryRow]:
        row = next(each for each in node.rows[channel] if each.id == record)
        told = DeliveryRow(
            record=row.id,
            state=row.state,
            devices=(),
            versions=(
                VersionRow(time_ms=1_750_000_000_000, text="sea you"),
                VersionRow(time_ms=1_750_000_060_000, text="see\nyou"),
            ),
            reactions=(ReactorsRow(emoji="🎉", names=("bob", "kim")),),
        )
        return Snapshot(as_of=node.seq, rows=told)

    monkeypatch.setattr(node, "delivery", delivery)
    async with sit(node) as seat:
        await seat.opened(channel)
        await seat.sees("see you thre")
        await seat.press("escape", "i")
        for told in ("sea you", "you", "🎉 bob, kim"):
            await seat.sees(told)
