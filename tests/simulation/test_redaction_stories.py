"""Stories of texts that are taken away: by their author, by moderators, by those who had no right to, and across partitions."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_body_stories import engine_of, found, row_of, shown

from multichat_tui.model.acts import Redact, UnknownAct
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import (
    ActOn,
    BanMember,
    GiveRank,
    PurgeMessages,
    RedactMessages,
    RemoveMember,
    SendMessage,
    Together,
)
from multichat_tui.model.limits import MAX_TARGETS
from multichat_tui.model.ranks import MEMBER, MODERATOR, MUTED
from multichat_tui.model.records import Absence
from multichat_tui.model.snapshots import RowKind
from multichat_tui.net.virtual_time import run_virtual

EDIT = 65


async def user_of(person: Person) -> UserId:
    user: UserId = (await person.api.me()).rows.user
    return user


async def say(person: Person, channel: ChannelId, text: str) -> RecordId:
    await person.say(channel, text)
    return RecordId(person.acknowledged[-1][1])


async def author(person: Person, channel: ChannelId, *acts: object) -> RecordId:
    """A record of these acts, whether one may or not."""
    engine = engine_of(person)
    made: list[RecordId] = []

    def write() -> None:
        here = engine.world.channels[channel]
        made.append(engine._ledger.author(here, Log.CONTENT, tuple(acts)).id)  # type: ignore[arg-type]  # a node that runs

    await in_step(person, write)
    return made[0]


async def in_step(person: Person, work: object) -> None:
    """Do something within a step of their node, as an intent would be."""
    node = person.api
    submit = node._engine._choices.submit  # type: ignore[union-attr]  # a node that runs

    def instead(intent: object, entropy: object = None) -> object:
        node._engine._choices.submit = submit  # type: ignore[union-attr,method-assign]  # a node that runs
        work()  # type: ignore[operator]  # a node that runs
        return submit(intent, entropy)  # type: ignore[arg-type]  # a node that runs

    node._engine._choices.submit = instead  # type: ignore[union-attr,method-assign,assignment]  # a node that runs
    from multichat_tui.model.intents import ChangeSetting

    await node.submit(ChangeSetting(key="nothing", value="1"))


def edit(target: RecordId, text: str) -> UnknownAct:
    """As an edit stands in a record."""
    return UnknownAct(type=EDIT, fields={1: target, 4: text})


def body_of(person: Person, record: RecordId) -> tuple[bytes | None, Absence | None]:
    with person.store.transaction() as txn:
        held = txn.record(record)
    assert held is not None
    return held.body, held.absence


async def agree(channel: ChannelId, people: tuple[Person, ...], expected: list[tuple[RowKind, str]]) -> None:
    async def same() -> bool:
        return all([await shown(person, channel) == expected for person in people])

    try:
        await until(same, "all show the same")
    except AssertionError:
        print([(person.name, await shown(person, channel)) for person in people])
        raise


def test_what_its_author_deletes_is_gone_everywhere_and_for_those_who_come_later() -> None:
    async def story() -> None:
        world = SimulatedWorld(71)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        secret = await say(ben, channel, "the password is herring")
        await agree(channel, (ann, ben, cyd), [(RowKind.MESSAGE, "the password is herring")])
        await cyd.stop()
        await ben.api.submit(RedactMessages(channel=channel, targets=(secret,)))
        await agree(channel, (ann, ben), [(RowKind.REDACTED, "deleted")])
        await cyd.start()
        gus = (await world.add("gus"))[0]
        link = (await ann.api.submit(_invitation(channel))).link
        assert link is not None
        await gus.api.submit(_join(link))
        await agree(channel, (ann, ben, cyd, gus), [(RowKind.REDACTED, "deleted")])
        for person in (ann, ben, cyd, gus):
            assert body_of(person, secret) == (None, Absence.REDACTED)
            assert await found(person, "herring") == []
            assert (await person.api.channel(channel)).rows.gaps == ()
        gus.crash()
        await gus.start()
        assert await shown(gus, channel) == [(RowKind.REDACTED, "deleted")]
        with pytest.raises(IntentRefused, match="already"):
            await ben.api.submit(RedactMessages(channel=channel, targets=(secret,)))

    run_virtual(story())


def test_moderators_redact_lower_ranks_and_nobody_else_does() -> None:
    async def story() -> None:
        world = SimulatedWorld(72)
        ann, mod, ben, eve = await world.add("ann", "mod", "ben", "eve")
        channel = await world.channel_of(ann, mod, ben, eve)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MODERATOR))
        of_ann, of_mod, of_ben = [await say(who, channel, f"by {who.name}") for who in (ann, mod, ben)]
        everybody = (ann, mod, ben, eve)
        rows = [(RowKind.MESSAGE, f"by {who.name}") for who in (ann, mod, ben)]
        await until(lambda: _same_texts(channel, everybody, 3), "all have all")
        for who, target in ((eve, of_ben), (mod, of_ann), (ben, of_mod)):
            with pytest.raises(IntentRefused) as caught:
                await who.api.submit(RedactMessages(channel=channel, targets=(target,), reason="why not"))
            assert caught.value.reason is Refusal.NOT_ALLOWED
        with pytest.raises(NotFound):
            await mod.api.submit(RedactMessages(channel=channel, targets=(RecordId(b"?" * 32),)))
        # Those who do it all the same achieve nothing.
        for who, target in ((eve, of_ben), (mod, of_ann), (ben, of_mod)):
            await author(who, channel, Redact(targets=(target,), reason="forced"))
        await asyncio.sleep(30)
        assert all([sorted(await shown(who, channel)) == sorted(rows) for who in everybody])
        await mod.api.submit(RedactMessages(channel=channel, targets=(of_ben,), reason="off topic"))
        expected = sorted([*rows[:2], (RowKind.REDACTED, "redacted by mod: off topic")])
        await until(lambda: _sorted_are(channel, everybody, expected), "all see what mod did")
        assert all(body_of(who, of_ben) == (None, Absence.REDACTED) for who in everybody)

    run_virtual(story())


def test_a_muted_member_takes_back_own_words_and_a_removed_one_does_not() -> None:
    async def story() -> None:
        world = SimulatedWorld(73)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        first, second = await say(ben, channel, "first"), await say(ben, channel, "second")
        await until(lambda: _same_texts(channel, (ann, ben, cyd), 2), "all have both")
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(ben), rank=MUTED))
        await until(lambda: _is_muted(ben, channel), "ben is muted")
        await ben.api.submit(RedactMessages(channel=channel, targets=(first,)))
        left = [(RowKind.REDACTED, "deleted"), (RowKind.MESSAGE, "second")]
        await agree(channel, (ann, ben, cyd), left)
        world.hub.partition(("ben",), ("ann", "cyd"))
        await ann.api.submit(RemoveMember(channel=channel, user=await user_of(ben)))
        await ben.api.submit(RedactMessages(channel=channel, targets=(second,)))
        world.hub.heal()
        await asyncio.sleep(60)
        assert await shown(ann, channel) == left == await shown(cyd, channel)
        # His own node has heard that he is out: what he did does not count, and nobody gives him the text again.
        assert (await shown(ben, channel))[0] == left[0]

    run_virtual(story())


def test_a_redaction_wins_over_an_edit_beside_it_and_those_who_come_later_miss_nothing() -> None:
    async def story() -> None:
        world = SimulatedWorld(74)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        target = await say(ben, channel, "the first version")
        await until(lambda: _same_texts(channel, (ann, ben, cyd), 1), "all have it")
        world.hub.partition(("ben", "cyd"), ("ann",))
        changed = await author(ben, channel, edit(target, "the second version"))
        await until(lambda: _holds(cyd, changed), "cyd has the edit")
        await ann.api.submit(RedactMessages(channel=channel, targets=(target,), reason="spam"))
        world.hub.heal()
        expected = [(RowKind.REDACTED, "redacted by ann: spam")]
        await agree(channel, (ann, ben, cyd), expected)
        await until(lambda: _gone(changed, ann, ben, cyd), "the edit's text is gone too")
        gus = (await world.add("gus"))[0]
        link = (await ann.api.submit(_invitation(channel))).link
        assert link is not None
        await gus.api.submit(_join(link))
        await agree(channel, (ann, ben, cyd, gus), expected)
        await until(lambda: _gone(changed, gus), "and gus does not miss it")

    run_virtual(story())


def test_the_redactions_of_a_moderator_who_was_demoted_beside_them_lose_their_right() -> None:
    async def story() -> None:
        world = SimulatedWorld(75)
        ann, mod, ben, cyd = await world.add("ann", "mod", "ben", "cyd")
        channel = await world.channel_of(ann, mod, ben, cyd)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MODERATOR))
        early, late = await say(ben, channel, "early"), await say(ben, channel, "late")
        everybody = (ann, mod, ben, cyd)
        await until(lambda: _same_texts(channel, everybody, 2), "all have both")
        await until(lambda: _has_role(mod, channel, "moderator"), "mod knows")
        await mod.api.submit(RedactMessages(channel=channel, targets=(early,), reason="rude"))
        gone = (RowKind.REDACTED, "redacted by mod: rude")
        await agree(channel, everybody, [gone, (RowKind.MESSAGE, "late")])
        world.hub.partition(("mod", "cyd"), ("ann", "ben"))
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MEMBER))
        await mod.api.submit(RedactMessages(channel=channel, targets=(late,), reason="revenge"))
        await agree(channel, (mod, cyd), [gone, (RowKind.REDACTED, "redacted by mod: revenge")])
        world.hub.heal()
        # What was within the demotion's fence stays; what was beside it is void, and its text comes back from those who kept it.
        await agree(channel, everybody, [gone, (RowKind.MESSAGE, "late")])
        assert all([await found(who, "late") == ["late"] for who in everybody])

    run_virtual(story())


def test_a_text_that_nobody_kept_when_its_redaction_lost_its_right_is_told_as_missing() -> None:
    async def story() -> None:
        world = SimulatedWorld(76)
        ann, mod, ben = await world.add("ann", "mod", "ben")
        channel = await world.channel_of(ann, mod, ben)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MODERATOR))
        await until(lambda: _has_role(mod, channel, "moderator"), "mod knows")
        world.hub.partition(("mod", "ben"), ("ann",))
        lost = await say(ben, channel, "never seen by ann")
        await until(lambda: _holds(mod, lost), "mod has it")
        await mod.api.submit(RedactMessages(channel=channel, targets=(lost,), reason="no"))
        await agree(channel, (mod, ben), [(RowKind.REDACTED, "redacted by mod: no")])
        assert not await _holds(ann, lost)
        # What was on its way when the network fell apart is not, any more.
        for person in (ann, mod, ben):
            person.crash()
            await person.start()
        await ann.api.submit(BanMember(channel=channel, user=await user_of(mod)))
        world.hub.heal()
        await agree(channel, (ann, ben), [(RowKind.MISSING, "")])
        await ben.say(channel, "life goes on")
        await agree(channel, (ann, ben), [(RowKind.MISSING, ""), (RowKind.MESSAGE, "life goes on")])

    run_virtual(story())


def test_a_purge_takes_away_all_of_somebody_in_several_records() -> None:
    async def story() -> None:
        world = SimulatedWorld(77)
        ann, eve = await world.add("ann", "eve")
        channel = await world.channel_of(ann, eve)
        count = 2 * MAX_TARGETS + 40
        kept = await say(ann, channel, "what ann says")
        before = await say(eve, channel, "harmless")
        await until(lambda: _same_texts(channel, (ann, eve), 2), "both")
        await asyncio.sleep(7200)
        since = world.now_ms() - 3_600_000
        for number in range(count):
            await say(eve, channel, f"spam {number}")
        await until(lambda: _same_texts(channel, (ann, eve), count + 2), "all of it")
        await ann.api.submit(PurgeMessages(channel=channel, user=await user_of(eve), since_ms=since, reason="spam"))
        await until(lambda: _gone_count(channel, (ann, eve), count), "the spam is gone")
        for person in (ann, eve):
            rows = await shown(person, channel)
            assert {text for kind, text in rows if kind is RowKind.MESSAGE} == {"what ann says", "harmless"}
            assert body_of(person, kept)[1] is body_of(person, before)[1] is None
        assert (await ann.api.status()).rows.progress == ()
        await ann.api.submit(PurgeMessages(channel=channel, user=await user_of(eve)))
        await until(lambda: _gone_count(channel, (ann, eve), count + 1), "the rest too")
        with pytest.raises(NotFound):
            await ann.api.submit(PurgeMessages(channel=channel, user=await user_of(eve)))

    run_virtual(story())


def test_a_reaction_that_was_here_leaves_no_row_when_it_is_taken_away() -> None:
    async def story() -> None:
        world = SimulatedWorld(79)
        ann, eve = await world.add("ann", "eve")
        channel = await world.channel_of(ann, eve)
        kept = await say(ann, channel, "what ann says")
        await until(lambda: _same_texts(channel, (ann, eve), 1), "what ann says comes first")
        await say(eve, channel, "spam")
        await until(lambda: _same_texts(channel, (ann, eve), 2), "both")
        reacted = await eve.api.submit(ActOn(channel=channel, record=kept, act="react", fields=(("emoji", "👍"), ("on", "yes"))))
        assert reacted.record is not None
        record = RecordId(reacted.record)
        await until(lambda: _has_reactions(ann, kept, 1), "the reaction is seen")
        user = await user_of(eve)
        await ann.api.submit(PurgeMessages(channel=channel, user=user, reason="spam"))
        for person in (ann, eve):
            await until(lambda who=person: _has_reactions(who, kept, 0), "the reaction is gone")  # type: ignore[misc]
            assert body_of(person, record) == (None, Absence.REDACTED)
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        await until(lambda: _same_texts(channel, (ann, eve), 1), "what is left is looked at again")
        for person in (ann, eve):
            rows = await shown(person, channel)
            assert rows == [(RowKind.MESSAGE, "what ann says"), (RowKind.REDACTED, "redacted by ann: spam")]

    run_virtual(story())


async def _has_reactions(person: Person, record: RecordId, count: int) -> bool:
    return len((await row_of(person, record)).reactions) == count


def test_a_ban_and_a_redaction_are_one_change() -> None:
    async def story() -> None:
        world = SimulatedWorld(78)
        ann, ben, eve = await world.add("ann", "ben", "eve")
        channel = await world.channel_of(ann, ben, eve)
        spam = await say(eve, channel, "buy now")
        await until(lambda: _same_texts(channel, (ann, ben, eve), 1), "all have it")
        user = await user_of(eve)
        done = (
            BanMember(channel=channel, user=user, reason="spam"),
            RedactMessages(channel=channel, targets=(spam,), reason="spam"),
            SendMessage(channel=channel, text="that was spam"),
        )
        await ann.api.submit(Together(channel=channel, intents=done))
        await until(lambda: _gone(spam, ann, ben), "the spam is gone with its author")
        rows = [(row.kind, row.text) for row in await ben.rows(channel) if row.id == spam]
        assert rows == [(RowKind.REDACTED, "redacted by ann: spam")]

    run_virtual(story())


def test_what_redacts_is_taken_up_again_after_a_new_start() -> None:
    async def story() -> None:
        world = SimulatedWorld(79)
        ann, mod, ben = await world.add("ann", "mod", "ben")
        channel = await world.channel_of(ann, mod, ben)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MODERATOR))
        await until(lambda: _has_role(mod, channel, "moderator"), "mod knows")
        texts = [await say(ben, channel, f"text {number}") for number in range(3)]
        await until(lambda: _same_texts(channel, (ann, mod, ben), 3), "all have all")
        world.hub.partition(("mod", "ben"), ("ann",))
        for text in texts:
            await mod.api.submit(RedactMessages(channel=channel, targets=(text,)))
        await until(lambda: _gone(texts[-1], ben), "ben has lost his texts")
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(mod), rank=MEMBER))
        world.hub.heal()
        await until(lambda: _has_role(ben, channel, "member", of="mod"), "ben has heard")
        ben.crash()
        await ben.start()
        await agree(channel, (ann, mod, ben), [(RowKind.MESSAGE, f"text {number}") for number in range(3)])

    run_virtual(story())


def _invitation(channel: ChannelId):
    from multichat_tui.model.intents import InviteToChannel

    return InviteToChannel(channel=channel)


def _join(link: str):
    from multichat_tui.model.intents import JoinChannel

    return JoinChannel(link=link)


async def _same_texts(channel: ChannelId, people: tuple[Person, ...], count: int) -> bool:
    return all([len(await person.texts(channel)) == count for person in people])


async def _sorted_are(channel: ChannelId, people: tuple[Person, ...], expected: list[tuple[RowKind, str]]) -> bool:
    return all([sorted(await shown(person, channel)) == expected for person in people])


async def _holds(person: Person, record: RecordId) -> bool:
    with person.store.transaction() as txn:
        return txn.holds(record)


async def _gone(record: RecordId, *people: Person) -> bool:
    return all([await _holds(person, record) and body_of(person, record) == (None, Absence.REDACTED) for person in people])


async def _gone_count(channel: ChannelId, people: tuple[Person, ...], count: int) -> bool:
    return all([sum(kind is RowKind.REDACTED for kind, _ in await shown(person, channel)) == count for person in people])


async def _has_role(person: Person, channel: ChannelId, role: str, of: str = "") -> bool:
    rows = (await person.api.members(channel)).rows
    return any(row.name == (of or person.name) and row.role == role for row in rows)


async def _is_muted(person: Person, channel: ChannelId) -> bool:
    return await _has_role(person, channel, "muted")
