"""Where nothing is yet, the screens say what the place is for and how it is filled, with the keys in force."""

import re
from dataclasses import replace

import pytest
from mailbox_rows import mailbox_row
from seat import Seat, Sit, until
from twin import TwinNode, channel_id, device, populated, user

from multichat_tui.model.history import ALL, JOINING, NONE
from multichat_tui.model.snapshots import DeviceRow, MailboxState
from multichat_tui.ui.teaching import NO_THREAD, with_keys


async def enter(seat: Seat, text: str) -> None:
    await seat.write(text)
    await seat.press("enter")


def flat(seat: Seat) -> str:
    """The timeline's text as if it were not wrapped."""
    return " ".join(" ".join(seat.timeline).split())


async def taught(seat: Seat, text: str) -> None:
    await until(lambda: text in flat(seat), f"{text!r} in {flat(seat)!r}")


async def test_without_anything_every_way_to_begin_is_shown(sit: Sit) -> None:
    async with sit(TwinNode(), size=(120, 40)) as seat:
        for told in (
            "/pair makes a link",
            "/pair LINK accepts",
            "F4 meets somebody on this network",
            "/create NAME",
            "/join LINK",
        ):
            await taught(seat, told)
        await until(lambda: seat.main.front.desk.contacts_read)
        pane = "\n".join("".join(text for text, _ in item.left) for item in seat.main.channels.items)
        assert pane.split("\n") == [
            "CHANNELS",
            "  /create NAME",
            "  /join LINK",
            "",
            "DIRECT",
            "  /pair makes a link",
            "  F4 who is nearby",
        ]
        await seat.press("tab", "enter")
        assert seat.main.front.current is None


async def test_on_a_low_screen_it_begins_at_the_top_and_the_rest_is_a_page_away(sit: Sit) -> None:
    async with sit(TwinNode(), size=(40, 10)) as seat:
        await seat.sees("Welcome to Multichat")
        await seat.sees("newer below (End)")
        await seat.press("pagedown", "pagedown", "pagedown", "pagedown")
        await seat.sees("/join LINK")
        await seat.press("pageup", "pageup", "pageup", "pageup")
        await seat.sees("Welcome to Multichat")


async def test_with_contacts_alone_the_channels_are_taught_and_the_people_listed(sit: Sit) -> None:
    node = TwinNode()
    node.add_contact("bob")
    async with sit(node, size=(120, 40)) as seat:
        await taught(seat, "No channel yet")
        await taught(seat, "/query NAME, or Enter on a name at the left")
        assert [item.target for item in seat.main.channels.items if item.target] == [user("bob")]


async def test_a_key_that_is_bound_anew_is_taught_as_it_is_now(sit: Sit) -> None:
    node = TwinNode()
    node.stored_settings = {"ui.bind.trust": "f2"}
    async with sit(node, size=(120, 40)) as seat:
        await taught(seat, "F2 meets somebody on this network")


async def test_a_channel_with_nobody_else_says_how_to_let_others_in(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", members=())
    async with sit(node, size=(120, 40)) as seat:
        await taught(seat, "You are alone here: /invite makes a link to hand over (c shows it as a QR code).")
        await seat.sees("alone here")


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (ALL, "Whoever joins sees the whole history"),
        (NONE, "Whoever joins sees nothing that was written before everybody knew them"),
        (JOINING + 7, "Whoever joins sees the last 7 days before their joining"),
    ],
)
async def test_who_joins_is_said_to_see_what_the_channel_lets_newcomers_see(sit: Sit, history: int, told: str) -> None:
    node = TwinNode()
    dev = node.add_channel("dev", members=())
    node.channel_rows[dev] = replace(node.channel_rows[dev], history=history)
    async with sit(node, size=(160, 40)) as seat:
        await taught(seat, told)


async def test_a_channel_where_nobody_is_online_says_what_becomes_of_messages(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", online=0)
    async with sit(node, size=(120, 40)) as seat:
        await seat.sees("nobody else is online: delivered when they come")


@pytest.mark.parametrize(
    ("ann", "bob", "told"),
    [
        (0, 1, "nobody else is online: what you write goes to mailboxes, or waits here"),
        (2, 1, "nobody else is online: what you write goes to their mailboxes"),
    ],
)
async def test_a_channel_where_nobody_is_online_says_that_messages_wait_at_mailboxes(
    sit: Sit, ann: int, bob: int, told: str
) -> None:
    node = TwinNode()
    for name, boxes in (("ann", ann), ("bob", bob)):
        user = node.add_contact(name, online=False)
        node.contact_rows[user] = replace(node.contact_rows[user], mailboxes=boxes)
    node.add_channel("dev", online=0)
    async with sit(node, size=(120, 40)) as seat:
        await seat.sees(told)


@pytest.mark.parametrize(
    ("boxes", "told"),
    [(0, "delivered when they come"), (1, "what you write goes to their mailbox"), (2, "goes to their mailboxes")],
)
async def test_a_conversation_with_somebody_who_is_away_says_where_messages_wait(sit: Sit, boxes: int, told: str) -> None:
    node = TwinNode()
    user = node.add_contact("bob", online=False)
    node.contact_rows[user] = replace(node.contact_rows[user], mailboxes=boxes)
    node.add_direct("bob", online=False)
    async with sit(node, size=(120, 40)) as seat:
        await seat.sees(f"bob is offline: {told}" if boxes < 2 else f"bob is offline: what you write {told}")


@pytest.mark.parametrize(
    ("verified", "online", "told"),
    [
        (False, True, "/verify bob compares four words on both screens"),
        (False, False, "bob is offline: what you write is kept"),
        (True, True, "You have verified that this is bob."),
    ],
)
async def test_the_first_conversation_says_who_can_read_it_and_how_to_be_sure_who_it_is(
    sit: Sit, verified: bool, online: bool, told: str
) -> None:
    node = TwinNode()
    node.add_contact("bob", online=online, verified=verified)
    node.add_direct("bob", online=online)
    async with sit(node, size=(120, 40)) as seat:
        await taught(seat, "Only the two of you can read it.")
        await taught(seat, told)


async def test_writing_to_somebody_without_any_contact_says_how_contacts_are_made(sit: Sit) -> None:
    async with sit(TwinNode(), size=(140, 24)) as seat:
        await until(lambda: seat.main.front.desk.contacts_read)
        await enter(seat, "/query bob")
        await seat.sees("you have no contacts yet. /pair makes a link to hand over")
        await enter(seat, "/verify bob")
        await seat.sees("/pair nearby meets people")


async def test_a_search_without_a_hit_says_how_to_find_more(sit: Sit) -> None:
    async with sit(populated()) as seat:
        await seat.opened(channel_id("dev"))
        await seat.press("ctrl+f", *"zebra")
        await seat.sees("Nothing is found.")
        await seat.sees("Ctrl+F searches everywhere.")
        await seat.press("ctrl+f")
        await seat.sees("beginnings of words with a *")


async def test_without_threads_the_command_says_how_one_begins(sit: Sit) -> None:
    node = TwinNode()
    node.fill(node.add_channel("dev"), 3)
    async with sit(node, size=(120, 24)) as seat:
        await seat.opened(channel_id("dev"))
        await enter(seat, "/thread")
        await seat.sees("Nothing here has replies yet: Shift+Up, then t on a message begins a thread.")
        assert with_keys(NO_THREAD) in seat.text


async def test_the_only_device_says_how_another_comes_about(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev")
    this = DeviceRow(device=device("me"), label="", created_ms=0, this=True, revoked=False, online=True)
    node.device_rows = [this]
    async with sit(node) as seat:
        await seat.opened(channel_id("dev"))
        await enter(seat, "/devices")
        await seat.sees("This is the only one.")
        await seat.sees("multichat init --restore")
        await seat.press("escape")
        node.device_rows = [
            this,
            DeviceRow(device=device("phone"), label="", created_ms=0, this=False, revoked=False, online=False),
        ]
        await enter(seat, "/devices")
        await seat.sees("offline")
        assert "the only one" not in seat.text


async def test_nobody_nearby_says_under_which_words_one_is_visible_and_what_the_other_does(sit: Sit) -> None:
    from multichat_tui.model.trust import NearbyRow

    node = populated()
    node.set_status(nearby=NearbyRow(code="amber otter", until_ms=node.clock_ms, people=()))
    async with sit(node) as seat:
        await seat.opened(channel_id("dev"))
        await seat.press("f4")
        await seat.sees("amber otter")
        await seat.sees("The other person does the same: F4, then v.")


@pytest.mark.parametrize("keys", [("ctrl+k", *"zzzz"), ("ctrl+p", *"zzzz"), ("ctrl+r",)])
async def test_lists_in_which_nothing_fits_say_so(sit: Sit, keys: tuple[str, ...]) -> None:
    async with sit(populated()) as seat:
        await seat.opened(channel_id("dev"))
        await seat.press(*keys)
        said = {
            "ctrl+k": "/create NAME makes a channel",
            "ctrl+p": "nothing fits",
            "ctrl+r": "you have not written anything here yet",
        }
        await seat.sees(said[keys[0]])


async def test_where_a_channel_is_there_but_not_open_the_line_says_how_to_open_it(sit: Sit) -> None:
    async with sit(TwinNode()) as seat:
        await seat.sees("type /pair, /create NAME or /join LINK")
        await until(lambda: seat.main.front.api is not None and not seat.main.front.reading)
        seat.node.add_channel("fresh")
        await seat.sees("Ctrl+K opens a conversation")
        assert "type /pair" not in seat.text
        await seat.press(*"lost", "enter")
        await seat.sees("Nothing is open to write in: Ctrl+K opens a conversation.")
        assert seat.main.composer.text == "lost"


async def test_at_80_columns_the_status_line_tells_how_many_mailboxes_serve(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", online=0)
    node.set_status(queued=12, lan=True, mailboxes=(mailbox_row(1), mailbox_row(2, state=MailboxState.UNREACHED)))
    async with sit(node, size=(80, 24)) as seat:
        await seat.sees("12 queued · mailboxes 1/2")
        await seat.sees("F1 help")


async def test_what_is_told_and_keys_do_not_touch_in_the_status_line(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", online=0)
    node.set_status(queued=1, stored=1, lan=False, mailboxes=(mailbox_row(1), mailbox_row(2)))
    async with sit(node, size=(80, 24)) as seat:
        await seat.sees("nobody linked · 1 stored · mailboxes 2/2 ")
        await seat.sees("commands  F1 help")
        assert "mailboxes 2/2Ctrl" not in seat.text


@pytest.mark.parametrize(
    ("name", "header"),
    [("harbour", "#harbour  who sails, an… 1/3 online"), ("harbourmasters-of", "#harbourmasters-of +1/3 online")],
)
async def test_a_narrow_status_line_tells_whole_things_and_a_narrow_header_no_scrap_of_the_topic(
    sit: Sit, name: str, header: str
) -> None:
    node = TwinNode()
    node.add_channel(name, online=0, topic="who sails, and when")
    node.set_status(queued=1, stored=1, lan=False, mailboxes=(mailbox_row(1), mailbox_row(2)))
    async with sit(node, size=(44, 10)) as seat:
        await seat.sees(f"The beginning of #{name}")
        await seat.sees("nobody linked · 1 stored ")
        lines = seat.text.splitlines()
        assert any(re.search("1 stored +F1 help", line) for line in lines), lines
        assert any(re.search(header, line) for line in lines), lines


async def test_a_node_that_rests_does_not_tell_of_mailboxes_as_missed(sit: Sit) -> None:
    node = TwinNode()
    node.add_channel("dev", online=0)
    missed = mailbox_row(1, state=MailboxState.UNREACHED)
    node.set_status(lan=False, mailboxes=(missed, mailbox_row(2)), resting_until_ms=1_700_000_000_000)
    async with sit(node, size=(80, 24)) as seat:
        await seat.sees("resting until")
        assert "mailboxes" not in seat.text
