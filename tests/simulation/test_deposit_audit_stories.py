"""Others' mailboxes that do not keep what was put there are found out by who has put it, and left for last."""

import asyncio

import pytest
from carried import within
from post import Mood
from simulated_world import Person
from test_deposit_stories import Scene, play, scene

from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import CHECK_DEPOSIT_MS
from multichat_tui.model.snapshots import MailboxFailing, RowKind
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.lookup import id_text

pytestmark = pytest.mark.usefixtures("patient")


def placed(made: Scene, person: Person) -> list[set[int]]:
    """At which mailboxes each deposit of a person is to lie or lies, the older first."""
    ids = [mailbox.id for mailbox in made.post.mailboxes]
    rows = within(person, lambda engine: engine.world.deposits.all())
    return [{ids.index(target.mailbox) for target in row.targets} for row in rows]


def failing(made: Scene, person: Person, reader: Person) -> list[MailboxFailing | None]:
    user = within(reader, lambda engine: engine.world.identity.user)
    scores = within(person, lambda engine: engine.mailboxes.scores)
    return [within(person, lambda engine, box=box: scores.of(box.id, user).failing) for box in made.post.mailboxes]


async def why_of(person: Person, channel: ChannelId) -> str:
    """What `/net why` says of the oldest message of one's own here."""
    oldest = next(row for row in (await person.api.timeline(channel)).rows if row.mine and row.kind is RowKind.MESSAGE)
    return " ".join((await run_command(person.api, channel, f"/net why {id_text(oldest.id)}")).lines)


@pytest.mark.parametrize("mood", [Mood.LIES, Mood.PRETENDS, Mood.HONEST])
def test_who_does_not_keep_what_was_put_there_is_left_for_last(mood: Mood) -> None:
    async def story() -> None:
        made = await scene(81, "ann", "bob", mailboxes=3)
        ann, bob = made.people
        made.post.mailboxes[0].mood = mood
        said = []
        for number in range(4):
            said.append(f"early {number}")
            await ann.say(made.channel, said[-1])
            await asyncio.sleep(CHECK_DEPOSIT_MS / 1000 + 60)
        await asyncio.sleep(CHECK_DEPOSIT_MS / 1000)
        expected = None if mood is Mood.HONEST else MailboxFailing.LOSES
        assert failing(made, ann, bob) == [expected, None, None]
        for number in range(6):
            said.append(f"late {number}")
            await ann.say(made.channel, said[-1])
            await asyncio.sleep(60)
        said_of = await why_of(ann, made.channel)
        assert ("left for last" in said_of) is (mood is not Mood.HONEST), said_of
        late = placed(made, ann)[-6:]
        assert all(len(where) == 2 for where in late)
        if mood is Mood.HONEST:
            assert set.union(*late) == {0, 1, 2}
        else:
            assert set.union(*late) == {1, 2}
        await made.restart(ann)
        assert failing(made, ann, bob) == [expected, None, None], "that is kept"
        made.post.collect(bob)
        assert await bob.texts(made.channel) == said

    play(story)
