"""A type of resource that the program does not have, added as docs/resources.md says: one description, and its registration.

It works between nodes, in composites, by slash commands of its own; a node that does not know it yet keeps it and passes it on,
and understands it once it does.
"""

from collections.abc import Callable

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.channel import resources
from multichat_tui.channel.resources import TYPES, Registry
from multichat_tui.channel.resources.marks import MARKS
from multichat_tui.channel.resources.shape import (
    ActShape,
    CommandShape,
    Contest,
    Deed,
    Present,
    ResourceType,
    Shown,
    number_field,
    text_field,
)
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.ranks import Permission
from multichat_tui.model.snapshots import MessageRow, RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.api.commands import run_command


def _bid(deed: Deed, made: Deed, before: Deed | None) -> str | None:
    least = 0 if before is None else (before.number("amount") or 0) + 1
    return f"At least {least + 1} has to be bid." if (deed.number("amount") or 0) < least else None


def _show(present: Present, me: UserId, name_of: Callable[[UserId], str]) -> Shown:
    bid = present.slots.get("bid")
    told = (
        "no bid yet" if bid is None else f"{(bid.number('amount') or 0) + 1} by {'you' if bid.user == me else name_of(bid.user)}"
    )
    return Shown(text=present.made.text("thing"), lines=(told,))


AUCTION = ResourceType(
    name="auction",
    noun="an auction",
    makes=ActShape(number=900, name="auction", doing="write", permission=Permission.SEND, fields=(text_field("thing", 4, 80),)),
    acts=(
        ActShape(
            number=901,
            name="bid",
            doing="bid",
            permission=Permission.SEND,
            fields=(number_field("amount", 4, 999),),
            contest=Contest.FIRST,
            rule=_bid,
        ),
        *MARKS,
    ),
    show=_show,
    words=lambda present: present.made.text("thing"),
    commands=(
        CommandShape(
            name="auction",
            usage="/auction THING",
            summary="sell something",
            act="auction",
            fields=lambda words: {"thing": words},
            said="For sale: {what}",
        ),
        CommandShape(
            name="bid",
            usage="/bid [ID] AMOUNT",
            summary="offer so much",
            act="bid",
            fields=lambda words: {"amount": words},
            said="You have bid: {what}",
        ),
    ),
)
MORE = Registry((*TYPES, AUCTION))


async def messages(person: Person, channel: ChannelId) -> list[MessageRow]:
    return [row for row in await person.rows(channel) if row.kind in (RowKind.MESSAGE, RowKind.NEWER)]


async def shows(person: Person, channel: ChannelId, *lines: tuple[str, ...]) -> None:
    async def so() -> bool:
        return [row.lines for row in await messages(person, channel)] == list(lines)

    await until(so, f"{person.name} sees {lines}")


def test_a_type_that_is_registered_works_everywhere_by_its_own_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "REGISTRY", MORE)

    async def story() -> None:
        world = SimulatedWorld(421)
        ann, bob = await world.add("ann", "bob")
        channel = await world.channel_of(ann, bob)
        await run_command(ann.api, channel, "/auction a used oar")
        await shows(bob, channel, ("no bid yet",))
        await run_command(bob.api, channel, "/bid 10")
        await shows(ann, channel, ("10 by bob",))
        with pytest.raises(IntentRefused, match="At least 11"):
            await run_command(ann.api, channel, "/bid 10")
        await run_command(ann.api, channel, "/react +1")
        await run_command(ann.api, channel, "/together /topic sale ; /auction a rope ; come all")
        await shows(bob, channel, ("10 by you",), ("no bid yet",))
        [first, second] = await messages(bob, channel)
        assert (first.resource, [each.emoji for each in first.reactions]) == ("auction", ["👍"])
        assert (second.text, second.deeds) == ("a rope\ncome all", ("ann set the topic: sale",))

    run_virtual(story())


def test_who_does_not_know_a_type_passes_it_on_and_understands_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = SimulatedWorld(422)
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        await kim.stop()
        monkeypatch.setattr(resources, "REGISTRY", MORE)
        made = (await run_command(ann.api, channel, "/auction a used oar")).record
        assert made is not None
        await run_command(ann.api, channel, "/bid 7")
        monkeypatch.undo()

        async def unknown() -> bool:
            return [row.kind for row in await messages(bob, channel)] == [RowKind.NEWER] * 2

        await until(unknown, "bob is told that this needs a newer version")
        # Who is asked while ann is away has it from bob, who does not understand it.
        await ann.stop()
        await kim.start()
        await until(lambda: _has(kim, channel, made), "kim has it from bob")
        monkeypatch.setattr(resources, "REGISTRY", MORE)
        for person in (bob, kim):
            await person.stop()
            await person.start()
            await shows(person, channel, ("7 by ann",))
        await run_command(kim.api, channel, "/bid 8")
        await shows(bob, channel, ("8 by kim",))

    run_virtual(story())


async def _has(person: Person, channel: ChannelId, record: RecordId) -> bool:
    return len(await messages(person, channel)) == 2 and any(row.id == record for row in await messages(person, channel))
