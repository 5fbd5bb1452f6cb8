"""Keys on members write the command that Enter then does."""

from dataclasses import replace

import pytest
from seat import Seat, Sit, until
from twin import TwinNode, channel_id

from multichat_tui.model.snapshots import Membership

DEV = channel_id("dev")


def with_members(*roles: str) -> TwinNode:
    """A channel whose founder is anna, and in which bob and the one after have these roles."""
    node = TwinNode()
    node.add_channel("dev", members=("anna", "bob", "cleo m"))
    rows = node.member_rows[DEV]
    node.member_rows[DEV] = [
        replace(row, role=roles[index - 1]) if 1 <= index <= len(roles) else row for index, row in enumerate(rows)
    ]
    return node


async def among_members(seat: Seat, name: str) -> None:
    """The keys go to the member pane, with the cursor on this one."""
    await seat.opened(DEV)
    await until(lambda: seat.main.front.desk.members)
    for _ in range(4):
        if seat.main.focused is not seat.main.members:
            await seat.press("tab")
    assert seat.main.focused is seat.main.members
    user = next(row.user for row in seat.main.front.desk.members if row.name == name)
    await seat.press("g")
    for _ in range(5):
        if seat.main.members._chosen != user:
            await seat.press("j")


@pytest.mark.parametrize(
    ("role", "key", "line"),
    [
        ("muted", "s", "/unsilence bob "),
        ("member", "o", "/role bob moderator "),
        ("moderator", "o", "/role bob admin "),
        ("moderator", "O", "/role bob member "),
        ("admin", "o", ""),
    ],
)
async def test_a_key_on_a_member_writes_the_command(sit: Sit, role: str, key: str, line: str) -> None:
    async with sit(with_members(role), size=(120, 40)) as seat:
        await among_members(seat, "bob")
        await seat.press(key)
        assert seat.main.composer.text == line
        assert (seat.main.focused is seat.main.composer) == bool(line)


@pytest.mark.parametrize(("key", "title"), [("k", "Kick bob"), ("b", "Ban bob"), ("K", "Kick and ban bob"), ("s", "Silence bob")])
async def test_what_is_done_to_a_member_is_asked_for_on_a_sheet(sit: Sit, key: str, title: str) -> None:
    async with sit(with_members("member"), size=(120, 40)) as seat:
        await among_members(seat, "bob")
        await seat.press(key)
        await seat.sees(f"{title}: no reason given")
        await seat.press("escape", "escape")
        await until(lambda: seat.app.screen is seat.main)


async def test_a_name_with_spaces_is_quoted_and_what_is_being_written_is_kept(sit: Sit) -> None:
    async with sit(with_members(), size=(120, 40)) as seat:
        await among_members(seat, "cleo m")
        await seat.press("o")
        assert seat.main.composer.text == '/role "cleo m" moderator '
        seat.main.members.focus()
        await seat.press("O")
        assert seat.main.composer.text == '/role "cleo m" moderator '
        await seat.sees("Send or erase what you are writing first.")


async def test_who_is_removed_or_in_again_is_told_wherever_they_are(sit: Sit) -> None:
    node = TwinNode()
    dev, lobby = node.add_channel("dev"), node.add_channel("lobby")
    async with sit(node) as seat:
        await seat.opened(dev)
        node.set_channel(lobby, membership=Membership.REMOVED)
        await seat.sees("You were removed from #lobby.")
        node.set_channel(lobby, membership=Membership.JOINED)
        await seat.sees("You are in #lobby again.")
