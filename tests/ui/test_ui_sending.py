"""Writing, sending, refusals, drafts, commands, completion."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from seat import Sit, until
from twin import LINK, TwinNode, channel_id, populated

from multichat_tui.model.errors import IntentRefused, Refusal, Unreachable
from multichat_tui.model.intents import AcceptContact, Accepted, CreateChannel, Intent, MarkRead, SendMessage, SetDraft, SetTopic
from multichat_tui.model.limits import MAX_DRAFT_CHARACTERS
from multichat_tui.model.snapshots import Delivery, Membership, RowKind

SIZES = [(80, 24), (120, 40), (40, 10)]
DEV = channel_id("dev")
LOBBY = channel_id("lobby")


def sent(node: TwinNode) -> list[str]:
    return [intent.text for intent in node.intents if isinstance(intent, SendMessage)]


def quiet() -> TwinNode:
    node = TwinNode()
    node.add_channel("dev")
    node.add_channel("lobby")
    return node


@pytest.mark.parametrize("size", SIZES)
async def test_a_sent_message_shows_once_and_the_line_is_cleared(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(quiet(), size=size) as seat:
        await seat.opened(DEV)
        await seat.press(*"hello", "enter")
        await until(lambda: sent(seat.node) == ["hello"])
        await until(lambda: seat.main.composer.text == "")
        await seat.sees("hello")
        await seat.pilot.pause()
        assert sum("hello" in line for line in seat.lines) == 1


async def test_the_line_is_cleared_only_after_acceptance_and_keeps_what_was_typed_since(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        await seat.press(*"one", "enter")
        await seat.press(*" two")
        assert seat.main.composer.text == "one two"
        seat.node.gate.set()
        await until(lambda: seat.main.composer.text == " two")
        assert sent(seat.node) == ["one"]


async def test_a_refused_message_stays_in_the_line_with_the_reason(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        seat.node.refuse_with = IntentRefused(Refusal.NOT_ALLOWED, "You may not write here.")
        await seat.press(*"hello", "enter")
        await seat.sees("You may not write here.")
        assert seat.main.composer.text == "hello"
        assert not any("hello" in line for line in seat.timeline)


@pytest.mark.parametrize("key", ["ctrl+j", "alt+enter", "shift+enter"])
async def test_a_new_line_grows_the_composer_and_enter_sends_all_of_it(sit: Sit, key: str) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.press("a", key, "b", key, "c")
        await until(lambda: seat.main.composer.size.height == 3)
        await seat.press("enter")
        await until(lambda: sent(seat.node) == ["a\nb\nc"])
        await until(lambda: seat.main.composer.size.height == 1)


async def test_the_composer_grows_to_six_lines_and_scrolls_then(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("\n".join(f"line {n}" for n in range(9)))
        await until(lambda: seat.main.composer.size.height == 6)
        await seat.sees("line 8")
        assert "line 2" not in seat.text
        await seat.press(*["up"] * 8)
        await seat.sees("line 0")


async def test_two_slashes_send_one(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("//etc is a directory")
        await seat.press("enter")
        await until(lambda: sent(seat.node) == ["/etc is a directory"])


async def test_a_command_runs_and_an_unknown_one_names_the_nearest(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("/craete ops")
        await seat.press("enter")
        await seat.sees("Did you mean /create?")
        assert seat.main.composer.text == "/craete ops"
        await seat.press("ctrl+u")
        await seat.write("/create ops")
        await seat.press("enter")
        await seat.opened(channel_id("ops"))
        assert CreateChannel(name="ops") in seat.node.intents
        assert seat.main.composer.text == ""


async def test_a_link_shows_in_a_panel_from_the_left_edge_and_is_copied(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("/pair")
        await seat.press("enter")
        await seat.sees(LINK[:60])
        lines = seat.lines[24:]
        start = next(i for i, line in enumerate(lines) if line.startswith(LINK[:20]))
        assert "".join(line.rstrip() for line in lines[start : start + 4]).startswith(LINK)
        await seat.press("y")
        assert seat.app.clipboard == LINK
        await seat.press("escape")
        await until(lambda: seat.app.screen is seat.main)


async def test_drafts_are_kept_per_channel_and_saved(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("half a thought")
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        assert seat.main.composer.text == ""
        await until(lambda: SetDraft(channel=DEV, text="half a thought") in seat.node.intents)
        await seat.write("another")
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == "half a thought"
        await seat.press("ctrl+q")
        await until(lambda: SetDraft(channel=LOBBY, text="another") in seat.node.intents)


async def test_a_draft_from_before_is_restored(sit: Sit) -> None:
    node = quiet()
    node.set_channel(DEV, draft="from yesterday")
    async with sit(node) as seat:
        await seat.opened(DEV)
        assert seat.main.composer.text == "from yesterday"


async def test_tab_completes_members_channels_and_commands_in_turn(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", members=("anna", "anton", "bob"))
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: seat.main.front.desk.members)
        await seat.press("a", "tab")
        assert seat.main.composer.text == "anna: "
        await seat.press("tab")
        assert seat.main.composer.text == "anton: "
        await seat.press("shift+tab")
        assert seat.main.composer.text == "anna: "
        await seat.press("at", "b", "tab")
        assert seat.main.composer.text == "anna: @bob "
        await seat.press("number_sign", "d", "tab")
        assert seat.main.composer.text == "anna: @bob #dev "
        await seat.press("ctrl+u", "slash", "c", "r", "tab")
        assert seat.main.composer.text == "/create "


async def test_tab_goes_on_inside_a_directory_that_it_has_completed(
    sit: Sit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "from" / "below").mkdir(parents=True)
    (tmp_path / "from" / "below" / "one.mcb").touch()
    (tmp_path / "fruit").mkdir()
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        composer = seat.main.composer
        await seat.write("/bundle import fro")
        for expected in ("from/", "from/below/", "from/below/one.mcb "):
            await seat.press("tab")
            assert composer.text == f"/bundle import {expected}"
        # Where there are several, they come in turn; a slash goes into the one that stands there.
        await seat.press("ctrl+u")
        await seat.write("/bundle import f")
        for expected in ("from/", "fruit/", "from/"):
            await seat.press("tab")
            assert composer.text == f"/bundle import {expected}"
        await seat.press("slash", "tab")
        assert composer.text == "/bundle import from/below/"
        # Where there is nothing inside, it stays as it is.
        await seat.press("ctrl+u")
        await seat.write("/bundle import fru")
        await seat.press("tab", "tab", "tab")
        assert composer.text == "/bundle import fruit/"


async def test_tab_on_an_empty_line_moves_between_the_panes_and_enter_opens(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.press("tab")
        assert seat.main.focused is seat.main.channels
        await seat.press("j", "enter")
        await seat.opened(LOBBY)
        assert seat.main.focused is seat.main.composer


async def test_the_input_history_is_recalled(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        for text in ("first", "second"):
            await seat.write(text)
            await seat.press("enter")
            await until(lambda: seat.main.composer.text == "")
        await seat.write("now")
        await seat.press("ctrl+up", "ctrl+up")
        assert seat.main.composer.text == "first"
        await seat.press("ctrl+down", "ctrl+down")
        assert seat.main.composer.text == "now"


async def test_a_large_paste_asks(sit: Sit) -> None:
    from textual import events

    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        big = "\n".join(["pasted"] * 40)
        for answer, expected in (("escape", ""), ("enter", big)):
            seat.app.post_message(events.Paste(big))
            await seat.sees("Paste 40 lines")
            await seat.press(answer)
            await until(lambda: seat.app.screen is seat.main)
            assert seat.main.composer.text == expected


async def test_a_small_paste_of_several_lines_is_taken_without_sending(sit: Sit) -> None:
    from textual import events

    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        seat.app.post_message(events.Paste("one\r\ntwo\x1b[31m"))
        await until(lambda: seat.main.composer.text == "one\ntwo[31m")
        assert sent(seat.node) == []


async def test_a_reply_quotes_and_is_sent_as_one(sit: Sit) -> None:
    node = quiet()
    asked = node.say(DEV, "ann", "who comes?")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("escape", "r")
        await seat.sees("replying to ann")
        await seat.press(*"me", "enter")
        await until(lambda: sent(seat.node) == ["me"])
        assert seat.node.intents[-1] == SendMessage(channel=DEV, text="me", reply_to=asked.id) or any(
            isinstance(intent, SendMessage) and intent.reply_to == asked.id for intent in seat.node.intents
        )
        await seat.sees("┃ ann: who comes?")
        await seat.gone("replying to")


async def test_delivery_signs_change_in_place(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.press(*"ping", "enter")
        await until(lambda: any(line.endswith("⋯ ") and "ping" in line for line in seat.timeline))
        seat.node.deliver(DEV, Delivery.SOME)
        await until(lambda: any(line.endswith("✓ ") and "ping" in line for line in seat.timeline))
        seat.node.deliver(DEV, Delivery.ALL)
        await until(lambda: any(line.endswith("✓✓") and "ping" in line for line in seat.timeline))
        seat.node.deliver(DEV, Delivery.READ)
        await until(lambda: any(line.endswith("◉ ") and "ping" in line for line in seat.timeline))
        assert sum("ping" in line for line in seat.timeline) == 1


async def test_who_has_a_message_is_told_with_the_reason_of_a_failure(sit: Sit) -> None:
    node = quiet()
    node.say(DEV, "me", "lost", state=Delivery.FAILED, failure="the disk is full")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: any(line.endswith("✗ ") for line in seat.timeline))
        await seat.press("escape", "i")
        await seat.sees("the disk is full")


async def test_reading_marks_read_only_while_focused(sit: Sit) -> None:
    from textual import events

    def marked(node: TwinNode) -> list[int]:
        return [intent.arrival for intent in node.intents if isinstance(intent, MarkRead)]

    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        seat.app.post_message(events.AppBlur())
        await until(lambda: not seat.main.front.focused)
        row = seat.node.say(DEV, "ann", "are you there?")
        await seat.sees("are you there?")
        await seat.sees(" new ")
        assert marked(seat.node) == []
        seat.app.post_message(events.AppFocus())
        await until(lambda: marked(seat.node) == [row.arrival])


async def test_switching_goes_by_number_by_neighbour_to_the_last_and_to_activity(sit: Sit) -> None:
    node = quiet()
    node.add_channel("ops")
    async with sit(node) as seat:
        await seat.opened(DEV)
        for key, channel in (
            ("alt+2", LOBBY),
            ("alt+slash", DEV),
            ("ctrl+n", LOBBY),
            ("alt+down", channel_id("ops")),
            ("alt+up", LOBBY),
        ):
            await seat.press(key)
            await seat.opened(channel)
        node.say(DEV, "ann", "plain")
        node.say(channel_id("ops"), "ann", "@me loud")
        await until(lambda: seat.main.front.desk.channels[channel_id("ops")].mentions)
        await seat.press("alt+a")
        await seat.opened(channel_id("ops"))
        await seat.press("alt+a")
        await seat.opened(DEV)


async def test_clicking_a_channel_opens_it(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.pilot.click("#channels", offset=(4, 2))
        await seat.opened(LOBBY)


async def test_a_contact_without_a_conversation_opens_one(sit: Sit) -> None:
    node = populated()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("alt+6")
        await seat.opened(channel_id("direct ann"))
        await seat.sees("Your conversation with ann")


async def test_a_direct_message_elsewhere_rings_and_one_here_does_not(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = populated()
    async with sit(node) as seat:
        rung: list[str] = []
        monkeypatch.setattr(seat.app, "bell", lambda: rung.append("bell"))
        await seat.opened(DEV)
        node.say(DEV, "ann", "@me here")
        await seat.sees("@me here")
        node.say(LOBBY, "ann", "nothing special")
        await until(lambda: seat.main.front.desk.channels[LOBBY].unread == 3)
        assert rung == []
        node.say(channel_id("direct bob"), "bob", "psst")
        await until(lambda: rung == ["bell"])


async def test_a_node_that_stops_is_started_again_and_what_is_written_stays(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write("half a thought")
        seat.node.stop_events()
        await seat.sees("Connected again")
        assert seat.launcher.started == 2
        assert seat.main.composer.text == "half a thought"
        seat.node.say(DEV, "ann", "still there?")
        await until(lambda: any("still there?" in line for line in seat.timeline))


async def test_a_node_that_cannot_be_started_again_is_told(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)

        async def refuse(_passphrase: str | None = None) -> TwinNode:
            raise Unreachable("The profile is in use.")

        monkeypatch.setattr(seat.launcher, "start", refuse)
        seat.node.stop_events()
        await seat.sees("The profile is in use. Quit with Ctrl+Q and start again.")


async def test_writing_begins_from_the_timeline_with_any_letter_that_means_nothing_there(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(DEV)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        await seat.sees("r reply")
        await seat.press("h", "e", "r", "e", "i")
        assert seat.main.composer.text == "herei"
        assert seat.main.reply_to is None
        await seat.press("ctrl+u", "escape")
        await until(lambda: seat.main.timeline.has_focus)
        await seat.press("slash")
        await until(lambda: seat.main.composer.has_focus)
        assert seat.main.composer.text == "/"


async def test_the_cursor_begins_at_the_newest_message_each_time(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(DEV)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        newest = seat.main.timeline.cursor
        await seat.press("k", "k", "escape")
        await until(lambda: seat.main.composer.has_focus)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        assert seat.main.timeline.cursor == newest


async def test_a_command_with_line_breaks_in_it_is_never_sent_as_a_message(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.write(f"/pair {LINK[:40]}\n{LINK[40:]}\n")
        await seat.press("enter")
        await until(lambda: seat.main.composer.text == "")
        assert any(isinstance(intent, AcceptContact) for intent in seat.node.intents)
        assert sent(seat.node) == []


async def test_a_link_alone_is_taken_where_no_channel_is_open(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await until(lambda: seat.main.front.desk.status)
        await seat.write(LINK)
        await seat.press("enter")
        await until(lambda: any(isinstance(intent, AcceptContact) for intent in seat.node.intents))


@pytest.mark.parametrize("size", SIZES)
async def test_a_reason_longer_than_the_line_is_shown_whole(sit: Sit, size: tuple[int, int]) -> None:
    async with sit(quiet(), size=size) as seat:
        await seat.opened(DEV)
        await seat.write("/join nonsense")
        await seat.press("enter")
        await seat.sees("/invite.")
        await seat.press("ctrl+u")
        await seat.write("/nick")
        await seat.press("enter")
        await seat.sees("You are called")


async def test_a_joining_that_comes_about_is_told_and_so_is_a_pairing(sit: Sit) -> None:
    node = quiet()
    async with sit(node) as seat:
        await seat.opened(DEV)
        node.set_channel(LOBBY, membership=Membership.JOINING)
        await until(lambda: seat.main.front.desk.channels[LOBBY].membership is Membership.JOINING)
        node.set_channel(LOBBY, membership=Membership.JOINED)
        await seat.sees("You are in #lobby now.")
        node.add_contact("zoe")
        node.resync()
        await seat.sees("zoe is your contact now.")
        node.set_channel(LOBBY, membership=Membership.JOINING)
        await until(lambda: seat.main.front.desk.channels[LOBBY].membership is Membership.JOINING)
        node.set_channel(LOBBY, membership=Membership.REFUSED, note="the invitation is used up")
        await seat.sees("the invitation is used up")


async def test_what_is_no_message_cannot_be_replied_to(sit: Sit) -> None:
    node = quiet()
    node.say(DEV, "ann", "garden planning", kind=RowKind.TOPIC)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("escape")
        await until(lambda: seat.main.timeline.has_focus)
        await seat.press("r")
        await seat.sees("Only messages can be replied to.")
        assert seat.main.reply_to is None


async def test_what_is_entered_while_the_line_before_is_being_sent_is_sent_after_it(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        await seat.press(*"one", "enter", *"two", "enter", *"three", "enter", *"fo")
        seat.node.gate.set()
        await until(lambda: sent(seat.node) == ["one", "two", "three"])
        await until(lambda: seat.main.composer.text == "fo")


async def test_a_channel_that_one_is_not_in_does_not_say_who_is_online(sit: Sit) -> None:
    node = quiet()
    node.set_channel(DEV, membership=Membership.JOINING, members=1, online=0)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.sees("joining")
        assert "alone" not in seat.lines[0]


async def test_one_line_of_answer_is_no_panel_at_any_width(sit: Sit) -> None:
    async with sit(quiet(), size=(40, 10)) as seat:
        await seat.opened(DEV)
        await seat.write("/nick")
        await seat.press("enter")
        await seat.sees("You are called")
        assert seat.app.screen is seat.main


async def test_leaving_says_so_after_the_channel_has_gone_from_the_screen(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        seat.main.front.say("You left #dev.")
        await seat.main.front.open(None)
        await seat.sees("Nothing is open")
        await seat.sees("You left #dev.")
        seat.main.front.say("That failed.", bad=True)
        await seat.main.front.open(LOBBY)
        await seat.gone("That failed.")


async def test_what_is_being_written_is_saved_when_the_program_is_ended_on_its_heels(sit: Sit) -> None:
    node = quiet()
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.write("half a thought")
        await seat.press("ctrl+q")
        await until(lambda: SetDraft(channel=DEV, text="half a thought") in node.intents)


@pytest.mark.parametrize("instead", ["/create ops", "ten letters, or eleven"])
async def test_what_was_entered_and_erased_again_is_not_done(sit: Sit, instead: str) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        await seat.press(*"one", "enter", *"ten letters", "enter", "ctrl+u")
        await seat.write(instead)
        seat.node.gate.set()
        await until(lambda: sent(seat.node) == ["one"])
        await until(lambda: seat.main.outbox._idle.is_set())
        assert seat.main.composer.text == instead
        assert sent(seat.node) == ["one"]
        assert not any(isinstance(intent, CreateChannel) for intent in seat.node.intents)


async def test_an_answer_to_a_message_is_the_first_of_two_that_are_entered(sit: Sit) -> None:
    node = quiet()
    asked = node.say(DEV, "ann", "who comes?")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.press("escape", "r")
        await seat.sees("replying to ann")
        node.gate = asyncio.Event()
        await seat.press(*"me", "enter", *"when?", "enter")
        node.gate.set()
        await until(lambda: sent(node) == ["me", "when?"])
        answers = [intent.reply_to for intent in node.intents if isinstance(intent, SendMessage)]
        assert answers == [asked.id, None]


async def test_what_was_typed_behind_a_message_stays_where_that_went_though_another_channel_is_open_by_then(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        gate = asyncio.Event()
        submit = seat.node.submit

        async def slow(intent: Intent) -> Accepted:
            if isinstance(intent, SendMessage):
                await gate.wait()
            return await submit(intent)

        seat.node.submit = slow  # type: ignore[method-assign]
        await seat.press(*"one", "enter", *"two", "enter", *"more", "alt+2")
        await seat.opened(LOBBY)
        await seat.press(*"here")
        gate.set()
        await until(lambda: len(sent(seat.node)) == 2)
        where = [(intent.channel, intent.text) for intent in seat.node.intents if isinstance(intent, SendMessage)]
        assert where == [(DEV, "one"), (DEV, "two")]
        assert seat.main.composer.text == "here"
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == "more"
        await until(lambda: SetDraft(channel=DEV, text="more") in seat.node.intents)


async def test_a_command_is_for_the_channel_in_which_it_was_entered(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        await seat.write("/topic of dev")
        opening, read = asyncio.Event(), seat.node.timeline

        async def slow(*args: Any, **more: Any) -> Any:
            await opening.wait()
            return await read(*args, **more)

        seat.node.timeline = slow  # type: ignore[method-assign]
        going = asyncio.create_task(seat.main.front.open(LOBBY))
        await asyncio.sleep(0)
        await seat.press("enter")
        await until(lambda: any(isinstance(intent, SetTopic) for intent in seat.node.intents))
        opening.set()
        await going
        await seat.opened(LOBBY)
        assert [intent.channel for intent in seat.node.intents if isinstance(intent, SetTopic)] == [DEV]


async def test_a_channel_that_is_long_in_coming_does_not_take_the_place_of_what_is_being_written(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await until(lambda: not seat.main.front.reading)
        seat.node.gate = asyncio.Event()
        await seat.press(*"/create", "space", *"fresh", "enter")
        await until(lambda: seat.main.composer.text == "/create fresh")
        await seat.write("half a word")
        seat.node.gate.set()
        await seat.sees("Ctrl+K goes")
        assert seat.main.front.current == DEV
        assert seat.main.composer.text == "half a word"


async def test_what_is_typed_before_the_first_channel_is_open_does_not_take_the_place_of_its_draft(sit: Sit) -> None:
    node = quiet()
    node.set_channel(DEV, draft="from yesterday")
    node.gate = asyncio.Event()
    async with sit(node) as seat:
        await until(lambda: seat.main.composer.has_focus)
        await seat.press(*"early", "enter")
        node.gate.set()
        await seat.opened(DEV)
        assert seat.main.composer.text == "from yesterday\nearly"
        assert sent(node) == []
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == "from yesterday\nearly"


async def test_of_a_draft_longer_than_the_node_keeps_nothing_is_lost_here(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        long = "x" * (MAX_DRAFT_CHARACTERS + 10)
        await seat.write(long)
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        await until(lambda: SetDraft(channel=DEV, text=long[:MAX_DRAFT_CHARACTERS]) in seat.node.intents)
        await seat.press("alt+1")
        await seat.opened(DEV)
        assert seat.main.composer.text == long


async def test_typing_goes_on_through_the_start_of_another_node(sit: Sit) -> None:
    async with sit(quiet()) as seat:
        await seat.opened(DEV)
        await seat.press(*"half ")
        front = seat.main.front
        seat.main.composer.editor.insert("a")
        front._begin_anew(seat.node)
        assert seat.main.composer.text == "half a"


async def test_an_answer_that_is_being_written_stays_one_through_the_start_of_another_node_but_not_in_another_channel(
    sit: Sit,
) -> None:
    node = quiet()
    asked = node.say(DEV, "ann", "who comes?")
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press("escape", "r")
        await seat.sees("replying to ann")
        node.stop_events()
        await seat.sees("Connected again")
        await seat.press(*"me", "enter")
        await until(lambda: SendMessage(channel=DEV, text="me", reply_to=asked.id) in node.intents)
        await until(lambda: seat.main.composer.text == "" and seat.main.reply_to is None)
        await seat.press("shift+up", "r")
        await until(lambda: seat.main.reply_to is not None, "an answer to one's own")
        await seat.press("alt+2")
        await seat.opened(LOBBY)
        assert seat.main.reply_to is None


async def test_what_fails_in_an_unforeseen_way_is_said_and_logged_and_leaves_what_is_being_written(
    sit: Sit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = quiet()

    async def fail(*_: object) -> None:
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(node, "exposure", fail)
    async with sit(node) as seat:
        await seat.opened(DEV)
        await seat.press(*"/privacy", "enter")
        await seat.sees("Something went wrong inside: /log shows what.")
        assert "nobody has thought of this" in caplog.text
        caplog.clear()
        assert seat.main.composer.text == "/privacy"
        await seat.press("ctrl+u", *"still here", "enter")
        await until(lambda: sent(node) == ["still here"])
