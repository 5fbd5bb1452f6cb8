"""Stories of the log of moderation, of undoing, of silences that end and of reports, between whole nodes in virtual time."""

import asyncio
from collections.abc import Callable

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_moderation_stories import agree, refused, roles, three, user_of

from multichat_tui.model.acts import Act, Ban, Redact, Report, Settlement
from multichat_tui.model.acts import SettleReport as SettleAct
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.history import JOINING
from multichat_tui.model.ids import ChannelId, Log, RecordId
from multichat_tui.model.intents import (
    BanMember,
    ConfigureChannel,
    GiveRank,
    InviteToChannel,
    JoinChannel,
    LiftBan,
    NameRole,
    PurgeMessages,
    RedactMessages,
    RemoveMember,
    RenameChannel,
    SendReport,
    SetPermission,
    SettleReport,
    SetTopic,
    Together,
    UndoDeed,
)
from multichat_tui.model.limits import MAX_REPORTS_PER_MEMBER, RANK_BACK_MS
from multichat_tui.model.moderation import EVERYTHING, DeedKind, DeedRow, DeedSearch, DeedState, ReportRow, ReportState
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.snapshots import RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.service import Outcome

HOUR_MS = 3_600_000


async def log_of(person: Person, channel: ChannelId, search: DeedSearch = EVERYTHING, limit: int = 100) -> list[DeedRow]:
    """The log of moderation, page by page, the newest first."""
    rows: list[DeedRow] = []
    before: RecordId | None = None
    while True:
        page = (await person.api.modlog(channel, search=search, before=before, limit=limit)).rows
        rows += page.rows
        if page.more is None:
            return rows
        before = page.more


async def same_log(channel: ChannelId, people: tuple[Person, ...], check: Callable[[list[DeedRow]], bool]) -> list[DeedRow]:
    """Wait until all read the same log, for which the condition holds; it."""

    async def same() -> bool:
        logs = [[(row.id, row.act, row.said, row.state, row.by) for row in await log_of(each, channel)] for each in people]
        return all(log == logs[0] for log in logs) and check(await log_of(people[0], channel))

    await until(same, "all read the same log")
    return await log_of(people[0], channel)


def write(person: Person, channel: ChannelId, log: Log, *acts: Act) -> RecordId:
    """A record made by a node that asks nobody whether it may."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        record = engine._ledger.author(engine.world.channels[channel], log, acts)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return record.id


async def reports(person: Person, channel: ChannelId) -> list[ReportRow]:
    return list((await person.api.reports(channel)).rows)


# The log


def test_all_members_read_who_did_what_why_and_what_it_is_worth_now() -> None:
    async def story() -> None:
        world = SimulatedWorld(301)
        ann, bob, kim, channel = await three(world)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MODERATOR, reason="night shift"))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await bob.api.submit(BanMember(channel=channel, user=users["kim"], reason="spam"))
        await until(lambda: gone(ann, channel, "kim"), "kim is out")
        await ann.api.submit(LiftBan(channel=channel, user=users["kim"], reason="a mistake"))
        rows = await same_log(channel, (ann, bob), lambda rows: rows[0].kind is DeedKind.UNBANNED)
        by_kind = {row.kind: row for row in rows}
        banned = by_kind[DeedKind.BANNED]
        assert (banned.said, banned.reason, banned.name, banned.subject) == ("bob banned kim", "spam", "bob", users["kim"])
        assert (banned.state, banned.by) == (DeedState.LIFTED, "ann lifted the ban of kim")
        assert (by_kind[DeedKind.RANK].state, by_kind[DeedKind.RANK].reason) == (DeedState.IN_EFFECT, "night shift")
        assert by_kind[DeedKind.UNBANNED].state is DeedState.IN_EFFECT
        joined = [row for row in rows if row.kind is DeedKind.JOINED]
        assert {row.subject_name: row.state for row in joined} == {"bob": DeedState.IN_EFFECT, "kim": DeedState.LIFTED}
        # Nobody has decided it: a link did, whichever nodes have written it down.
        assert {row.said for row in joined} == {"bob joined by a link of ann", "kim joined by a link of ann"}
        assert {row.said for row in rows if row.kind is DeedKind.CLOSED} == {"a link of ann is used up"}
        assert {row.name for row in joined} == {"bob", "kim"}
        # By person, by kind, by time.
        assert {row.kind for row in await log_of(bob, channel, DeedSearch(user=users["kim"]))} == {
            DeedKind.JOINED,
            DeedKind.BANNED,
            DeedKind.UNBANNED,
        }
        assert [row.said for row in await log_of(bob, channel, DeedSearch(kinds=(DeedKind.BANNED,)))] == ["bob banned kim"]
        assert await log_of(bob, channel, DeedSearch(since_ms=world.now_ms() + 1)) == []
        # In small pages it is the same.
        assert await log_of(bob, channel, limit=1) == await log_of(bob, channel)
        with pytest.raises(NotFound):
            await bob.api.modlog(channel, before=RecordId(bytes(32)))

    run_virtual(story())


def test_what_a_higher_one_decided_beside_it_shows_as_reverted_by_that() -> None:
    async def story() -> None:
        world = SimulatedWorld(302)
        ann, bob, kim, channel = await three(world)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await bob.stop()
        await ann.api.submit(GiveRank(channel=channel, user=users["kim"], rank=ADMIN, reason="welcome"))
        await until(lambda: is_role(kim, channel, "kim", "admin"), "kim is an admin")
        await ann.stop()
        await kim.stop()
        await bob.start()
        await bob.api.submit(RemoveMember(channel=channel, user=users["kim"], reason="spam"))
        assert (await log_of(bob, channel))[0].state is DeedState.IN_EFFECT
        await ann.start()
        await kim.start()
        rows = await same_log(
            channel, (ann, bob, kim), lambda rows: any(row.state is DeedState.REVERTED for row in rows) and len(rows) >= 5
        )
        removal = next(row for row in rows if row.kind is DeedKind.REMOVED)
        assert (removal.state, removal.by, removal.undo) == (DeedState.REVERTED, "ann made kim an admin", "")

    run_virtual(story())


def test_what_somebody_had_no_right_to_shows_as_refused() -> None:
    async def story() -> None:
        world = SimulatedWorld(303)
        ann, bob, kim, channel = await three(world)
        write(bob, channel, Log.CONTROL, Ban(user=await user_of(kim), fence=(), reason="mine now"))
        rows = await same_log(channel, (ann, bob, kim), lambda rows: rows[0].kind is DeedKind.BANNED)
        assert (rows[0].state, rows[0].reason, rows[0].undo) == (DeedState.REFUSED, "mine now", "")
        assert await roles(kim, channel) == {"ann": "founder", "bob": "member", "kim": "member"}

    run_virtual(story())


def test_who_came_by_which_link_shows_and_undoing_the_link_closes_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(304)
        ann, bob, kim, channel = await three(world)
        (zoe,) = await world.add("zoe")
        await world.pair(ann, zoe)
        link = (await ann.api.submit(InviteToChannel(channel=channel, uses=5))).link
        assert link is not None
        await zoe.api.submit(JoinChannel(link=link))
        await agree(channel, (ann, bob, kim, zoe), {"ann": "founder", "bob": "member", "kim": "member", "zoe": "member"})
        rows = (await ann.api.roster(channel)).rows
        assert rows[0].name == "zoe"
        assert {row.name: (row.admitted_by, row.link_open) for row in rows} == {
            "ann": ("", False),
            "bob": ("ann", False),
            "kim": ("ann", False),
            "zoe": ("ann", True),
        }
        made = (await log_of(ann, channel, DeedSearch(kinds=(DeedKind.INVITED,))))[0]
        assert made.undo == "close the link"
        with pytest.raises(IntentRefused, match="moderators"):
            await bob.api.submit(UndoDeed(channel=channel, record=made.id))
        await ann.api.submit(UndoDeed(channel=channel, record=made.id))
        rows = await same_log(channel, (ann, bob, kim, zoe), lambda rows: rows[0].kind is DeedKind.CLOSED)
        assert rows[0].said == "ann closed a link of ann"
        assert {row.state for row in rows if row.kind is DeedKind.JOINED} == {DeedState.IN_EFFECT}
        assert not any(row.link_open for row in (await bob.api.roster(channel)).rows)

    run_virtual(story())


# Undoing


def test_deeds_are_undone_by_their_opposites_and_all_see_the_state_of_before() -> None:
    async def story() -> None:
        world = SimulatedWorld(311)
        ann, bob, kim, channel = await three(world)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}

        async def undo(person: Person, kind: DeedKind) -> str:
            row = (await log_of(person, channel, DeedSearch(kinds=(kind,))))[0]
            await person.api.submit(UndoDeed(channel=channel, record=row.id, reason="undone"))
            return row.undo

        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MODERATOR))
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MUTED))
        assert await undo(ann, DeedKind.RANK) == "make bob a moderator again"
        await ann.api.submit(SetPermission(channel=channel, permission=Permission.TOPIC, rank=ADMIN))
        assert await undo(ann, DeedKind.PERMISSION) == "let all members set the topic again"
        await ann.api.submit(SetTopic(channel=channel, topic="one"))
        await ann.api.submit(SetTopic(channel=channel, topic="two"))
        assert await undo(ann, DeedKind.TOPIC) == "set the topic back"
        await ann.api.submit(RenameChannel(channel=channel, name="other"))
        assert await undo(ann, DeedKind.RENAMED) == "give the channel its name back"
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.SLOW_MODE, value=30_000))
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.SLOW_MODE, value=60_000))
        assert await undo(ann, DeedKind.SETTING) == "let each member write one message in 30s again"
        assert (await log_of(ann, channel, DeedSearch(kinds=(DeedKind.SETTING,))))[1].state is DeedState.LIFTED
        for key, value, back in (
            (SettingKey.ARCHIVED, 1, "open the channel again"),
            (SettingKey.RETENTION, 24 * HOUR_MS, "let messages stay again"),
            (SettingKey.HISTORY, JOINING, "let newcomers see the whole history again"),
        ):
            await ann.api.submit(ConfigureChannel(channel=channel, key=key, value=value))
            assert await undo(ann, DeedKind.SETTING) == back
        await ann.api.submit(NameRole(channel=channel, rank=20, name="reader"))
        assert await undo(ann, DeedKind.SETTING) == "take the name of rank 20 away"
        assert (await ann.api.rules(channel)).rows.roles == ()
        await ann.api.submit(NameRole(channel=channel, rank=20, name="reader"))
        await ann.api.submit(NameRole(channel=channel, rank=20, name="writer"))
        assert await undo(ann, DeedKind.SETTING) == "call rank 20 what it was called before"
        await ann.api.submit(BanMember(channel=channel, user=users["kim"], lasts_ms=24 * HOUR_MS, reason="spam"))
        row = (await log_of(ann, channel))[0]
        assert (row.undo, row.stays) == ("lift the ban of kim", "An invitation lets them back in.")
        await undo(ann, DeedKind.BANNED)
        assert (await ann.api.rules(channel)).rows.bans == ()
        assert await undo(ann, DeedKind.UNBANNED) == "ban kim again"
        (ban,) = (await ann.api.rules(channel)).rows.bans
        assert 23 * HOUR_MS < ban.until_ms - world.now_ms() <= 24 * HOUR_MS
        await agree(channel, (ann, bob), {"ann": "founder", "bob": "moderator"})
        for person in (ann, bob):
            row = (await person.api.channel(channel)).rows
            assert (row.name, row.topic) == ("dev", "one")
            rules = (await person.api.rules(channel)).rows
            assert rules.permissions[Permission.TOPIC - 1].rank == MEMBER
            assert [(role.rank, role.name) for role in rules.roles] == [(20, "reader")]

    run_virtual(story())


def test_what_was_done_as_one_is_undone_as_one_as_far_as_it_can_be() -> None:
    async def story() -> None:
        world = SimulatedWorld(313)
        ann, bob, kim, channel = await three(world)
        await kim.say(channel, "buy now")
        await until(lambda: has_text(ann, channel, "buy now"), "ann has it")
        said = next(row.id for row in await ann.rows(channel) if row.text == "buy now")
        intents = (
            BanMember(channel=channel, user=await user_of(kim), reason="spam"),
            RedactMessages(channel=channel, targets=(said,), reason="spam"),
        )
        assert [each.refused for each in (await ann.api.foresee(intents)).rows] == ["", ""]
        assert "take away what others" in (await bob.api.foresee(intents)).rows[1].refused
        assert await has_text(ann, channel, "buy now")
        await ann.api.submit(Together(channel=channel, intents=intents))
        rows = await same_log(channel, (ann, bob), lambda rows: rows[0].kind in (DeedKind.BANNED, DeedKind.REDACTED))
        assert [(row.said, row.reason) for row in rows[:2]] == [
            ("ann banned kim", "spam"),
            ("ann took 1 message of kim away", "spam"),
        ]
        assert rows[0].id == rows[1].id
        assert rows[0].undo == rows[1].undo == "lift the ban of kim"
        assert rows[0].stays == "Texts that were taken away are gone for good. An invitation lets them back in."
        await ann.api.submit(UndoDeed(channel=channel, record=rows[0].id))
        rows = await same_log(channel, (ann, bob), lambda rows: rows[0].kind is DeedKind.UNBANNED)
        assert [row.state for row in rows[:3]] == [DeedState.IN_EFFECT, DeedState.LIFTED, DeedState.IN_EFFECT]
        assert not await has_text(bob, channel, "buy now")

    run_virtual(story())


def test_what_cannot_be_undone_says_so_and_nobody_undoes_what_higher_ones_did() -> None:
    async def story() -> None:
        world = SimulatedWorld(312)
        ann, bob, kim, channel = await three(world)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await ann.api.submit(RemoveMember(channel=channel, user=users["kim"], reason="spam"))
        await until(lambda: gone(bob, channel, "kim"), "kim is out")
        rows = await log_of(ann, channel)
        assert (rows[0].kind, rows[0].undo) == (DeedKind.REMOVED, "")
        assert "/invite" in rows[0].stays
        with pytest.raises(IntentRefused, match="/invite") as caught:
            await ann.api.submit(UndoDeed(channel=channel, record=rows[0].id))
        assert caught.value.reason is Refusal.ALREADY
        await ann.api.submit(BanMember(channel=channel, user=users["kim"]))
        await until(lambda: has_bans(bob, channel, 1), "bob knows")
        ban = (await log_of(bob, channel))[0]
        with pytest.raises(IntentRefused, match="of that rank only"):
            await bob.api.submit(UndoDeed(channel=channel, record=ban.id))
        await ann.api.submit(UndoDeed(channel=channel, record=ban.id))
        with pytest.raises(IntentRefused, match="nothing left"):
            await ann.api.submit(UndoDeed(channel=channel, record=ban.id))
        with pytest.raises(NotFound):
            await ann.api.submit(UndoDeed(channel=channel, record=RecordId(bytes(32))))

    run_virtual(story())


# Silences


def test_a_silence_ends_by_itself_by_the_node_of_whoever_may() -> None:
    async def story() -> None:
        world = SimulatedWorld(321)
        ann, bob, kim, channel = await three(world)
        user = await user_of(kim)
        with pytest.raises(IntentRefused, match="Only silence ends"):
            await ann.api.submit(GiveRank(channel=channel, user=user, rank=MODERATOR, lasts_ms=HOUR_MS))
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, reason="loud", lasts_ms=HOUR_MS))
        with pytest.raises(IntentRefused, match="muted already"):
            await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "muted"})
        assert "muted" in await refused(kim, channel, "hello?")
        assert (await log_of(kim, channel))[0].until_ms > world.now_ms()
        # Who silenced them is away: the moderator's node does it.
        await ann.stop()
        await asyncio.sleep(3500)
        assert (await roles(bob, channel))["kim"] == "muted"
        await asyncio.sleep(200)
        await agree(channel, (bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.say(channel, "again")
        await ann.start()
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        # She had not heard of it either, and her node did it too: both may.
        rows = await log_of(ann, channel, DeedSearch(user=user, kinds=(DeedKind.RANK,)))
        assert [row.state for row in rows] == [DeedState.IN_EFFECT, DeedState.IN_EFFECT, DeedState.LIFTED]
        assert {row.said for row in rows[:2]} == {"ann made kim a member", "bob made kim a member"}

    run_virtual(story())


def test_who_may_write_again_is_what_they_were_before_they_were_silenced() -> None:
    async def story() -> None:
        world = SimulatedWorld(326)
        ann, bob, kim, channel = await three(world)
        user = await user_of(kim)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=20))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "rank 20"})
        await bob.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await bob.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "muted"})
        said = (await run_command(ann.api, channel, "/unsilence kim")).lines
        assert said == ("kim is of rank 20 in #dev now.",)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "rank 20"})
        # Who may lift a silence, and give no ranks, says so.
        await bob.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        said = (await run_command(bob.api, channel, "/unsilence kim sorry")).lines
        assert said == ("kim is a member in #dev now. Before that: rank 20, which is not yours to give.",)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})

    run_virtual(story())


def test_a_silence_that_ends_by_itself_gives_back_what_somebody_was_by_those_who_may_or_lets_them_write() -> None:
    async def story() -> None:
        world = SimulatedWorld(327)
        ann, bob, kim, channel = await three(world)
        user = await user_of(kim)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=20))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "muted"})
        await asyncio.sleep(HOUR_MS / 1000 + 60)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "rank 20"})
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "muted"})
        # Nobody is there who may give ranks.
        await ann.stop()
        await asyncio.sleep((HOUR_MS + RANK_BACK_MS) / 1000 - 60)
        assert (await roles(bob, channel))["kim"] == "muted"
        await asyncio.sleep(120)
        await agree(channel, (bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})

    run_virtual(story())


def test_of_two_silences_the_later_one_says_when_it_ends() -> None:
    async def story() -> None:
        world = SimulatedWorld(322)
        ann, bob, kim, channel = await three(world)
        user = await user_of(kim)
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "muted"})
        await asyncio.sleep(4 * 3600)
        assert (await roles(bob, channel))["kim"] == "muted"
        # And the last word stands the other way round, too.
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await asyncio.sleep(3700)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})

    run_virtual(story())


def test_a_silence_that_is_brought_back_ends_when_it_would_have_ended() -> None:
    async def story() -> None:
        world = SimulatedWorld(324)
        ann, bob, kim, channel = await three(world)
        user, ranks = await user_of(kim), DeedSearch(kinds=(DeedKind.RANK,))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        [silence] = await log_of(ann, channel, ranks)
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MEMBER))
        [lifted, _] = await log_of(ann, channel, ranks)
        assert "until" in lifted.undo
        await ann.api.submit(UndoDeed(channel=channel, record=lifted.id))
        [again, *older] = await log_of(ann, channel, ranks)
        assert (again.until_ms, again.state) == (silence.until_ms, DeedState.IN_EFFECT)
        # Of the first of them nothing is left, though she is silent: that is the later deed's.
        assert [row.state for row in older] == [DeedState.LIFTED, DeedState.LIFTED]
        assert [row.undo for row in older] == ["", ""]
        with pytest.raises(IntentRefused, match="nothing left"):
            await ann.api.submit(UndoDeed(channel=channel, record=silence.id))
        await asyncio.sleep(3700)
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})

    run_virtual(story())


def test_of_two_silences_undoing_the_later_brings_back_the_earlier() -> None:
    async def story() -> None:
        world = SimulatedWorld(325)
        ann, bob, kim, channel = await three(world)
        user, ranks = await user_of(kim), DeedSearch(kinds=(DeedKind.RANK,))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED, lasts_ms=HOUR_MS))
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        later, earlier = await log_of(ann, channel, ranks)
        assert (later.state, earlier.state) == (DeedState.IN_EFFECT, DeedState.LIFTED)
        await ann.api.submit(UndoDeed(channel=channel, record=later.id))
        assert (await log_of(ann, channel, ranks))[0].until_ms == earlier.until_ms
        await ann.api.submit(GiveRank(channel=channel, user=user, rank=MUTED))
        await asyncio.sleep(3700)
        # What would be over by now is not brought back.
        last = (await log_of(ann, channel, ranks))[0]
        assert last.undo == "let kim write again"
        await ann.api.submit(UndoDeed(channel=channel, record=last.id))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "member", "kim": "member"})

    run_virtual(story())


def test_what_moderators_take_away_by_itself_stands_in_the_log_and_what_people_take_back_does_not() -> None:
    async def story() -> None:
        world = SimulatedWorld(326)
        ann, bob, kim, channel = await three(world)
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await ann.api.submit(GiveRank(channel=channel, user=users["bob"], rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        for number in range(4):
            await kim.say(channel, f"rubbish {number}")
        await bob.say(channel, "a slip")
        await until(lambda: has_text(bob, channel, "rubbish 3"), "bob has it")
        ids = {row.text: row.id for row in await bob.rows(channel)}
        await kim.api.submit(RedactMessages(channel=channel, targets=(ids["rubbish 0"],)))
        await bob.api.submit(RedactMessages(channel=channel, targets=(ids["a slip"],)))
        await bob.api.submit(RedactMessages(channel=channel, targets=(ids["rubbish 1"],), reason="rude"))
        await ann.api.submit(SetTopic(channel=channel, topic="be kind"))
        await until(lambda: has_topic(bob, channel, "be kind"), "bob has the topic")
        await bob.api.submit(PurgeMessages(channel=channel, user=users["kim"], reason="spam"))
        # Without any right to it, written by a node that asks nobody; and by one who never was more than a member.
        await ann.say(channel, "mine")
        for each in (bob, kim):
            await until(lambda: has_text(each, channel, "mine"), "they have that too")  # noqa: B023
        founders = next(row.id for row in await bob.rows(channel) if row.text == "mine")
        write(bob, channel, Log.CONTENT, Redact(targets=(founders,), reason="ha"))
        write(kim, channel, Log.CONTENT, Redact(targets=(founders,), reason="ha ha"))
        only = DeedSearch(kinds=(DeedKind.REDACTED,))

        def all_there(rows: list[DeedRow]) -> bool:
            return len([row for row in rows if row.kind is DeedKind.REDACTED]) == 3

        rows = await same_log(channel, (ann, bob, kim), all_there)
        assert [(row.said, row.reason, row.state) for row in rows[:4]] == [
            ("bob took 1 message of ann away", "ha", DeedState.REFUSED),
            ("bob took 2 messages of kim away", "spam", DeedState.IN_EFFECT),
            ("ann set the topic: be kind", "", DeedState.IN_EFFECT),
            ("bob took 1 message of kim away", "rude", DeedState.IN_EFFECT),
        ]
        assert await log_of(kim, channel, only) == [row for row in await log_of(kim, channel) if row.kind is DeedKind.REDACTED]
        about_kim = await log_of(ann, channel, DeedSearch(user=users["kim"], kinds=(DeedKind.REDACTED,)))
        assert [row.reason for row in about_kim] == ["spam", "rude"]
        assert await log_of(ann, channel, limit=1) == await log_of(ann, channel)
        assert (rows[1].undo, rows[1].stays) == ("", "Texts that were taken away are gone for good.")
        with pytest.raises(IntentRefused, match="gone for good"):
            await ann.api.submit(UndoDeed(channel=channel, record=rows[1].id))

    run_virtual(story())


def test_a_redaction_by_one_who_was_demoted_beside_it_shows_as_reverted() -> None:
    async def story() -> None:
        world = SimulatedWorld(327)
        ann, bob, kim, channel = await three(world)
        bobs = await user_of(bob)
        await ann.api.submit(GiveRank(channel=channel, user=bobs, rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.say(channel, "harmless")
        await until(lambda: has_text(bob, channel, "harmless"), "bob has it")
        target = next(row.id for row in await bob.rows(channel) if row.text == "harmless")
        world.hub.partition({"ann", "kim"}, {"bob"})
        await ann.api.submit(GiveRank(channel=channel, user=bobs, rank=MEMBER))
        await bob.api.submit(RedactMessages(channel=channel, targets=(target,), reason="because"))
        [row] = await log_of(bob, channel, DeedSearch(kinds=(DeedKind.REDACTED,)))
        assert row.state is DeedState.IN_EFFECT
        world.hub.heal()

        def reverted(rows: list[DeedRow]) -> bool:
            return [row.state for row in rows if row.kind is DeedKind.REDACTED] == [DeedState.REVERTED]

        await same_log(channel, (ann, bob, kim), reverted)
        await until(lambda: has_text(bob, channel, "harmless"), "the text is back")

    run_virtual(story())


# Reports


def test_a_report_reaches_the_moderators_and_is_settled_for_all() -> None:
    async def story() -> None:
        world = SimulatedWorld(331)
        ann, bob, kim, channel = await three(world)
        await kim.say(channel, "buy now")
        await until(lambda: has_text(bob, channel, "buy now"), "bob has it")
        row = next(row for row in await bob.rows(channel) if row.text == "buy now")
        await bob.api.submit(SendReport(channel=channel, reason="spam", targets=(row.id,)))
        await until(lambda: reported(ann, channel, 1), "ann is told")
        (report,) = await reports(ann, channel)
        assert (report.reporter_name, report.name, report.reason, report.state) == ("bob", "kim", "spam", ReportState.OPEN)
        assert [(each.text, each.here) for each in report.messages] == [("buy now", True)]
        # It makes no row in the timeline, and whoever is no moderator is not given it.
        assert [row.text for row in await ann.rows(channel)][-1] == "buy now"
        await until(lambda: has_kind(kim, channel, RowKind.FOR_OTHERS), "kim hears that something was written to others")
        assert await reports(kim, channel) == []
        assert not holds_body(kim, report.id)
        with pytest.raises(IntentRefused, match="settle reports"):
            await bob.api.submit(SettleReport(channel=channel, report=report.id, acted=True))
        await ann.api.submit(SettleReport(channel=channel, report=report.id, acted=True, reason="told them"))
        await until(lambda: settled(bob, channel), "bob hears of it")
        for person in (ann, bob):
            await until(lambda person=person: settled(person, channel), "both hear of it")
            (after,) = await reports(person, channel)
            assert (after.state, after.settled_by, after.settled_reason) == (ReportState.ACTED, "ann", "told them")
        with pytest.raises(IntentRefused, match="already"):
            await ann.api.submit(SettleReport(channel=channel, report=report.id, acted=False))

    run_virtual(story())


def test_reports_and_settlements_without_right_count_for_nobody() -> None:
    async def story() -> None:
        world = SimulatedWorld(332)
        ann, bob, kim, channel = await three(world)
        user = await user_of(kim)
        for reason, targets, who in (("", (), user), ("spam", (), None), ("spam", (RecordId(bytes(32)),), None)):
            with pytest.raises((IntentRefused, NotFound)):
                await bob.api.submit(SendReport(channel=channel, reason=reason, targets=targets, user=who))
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MUTED))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "muted", "kim": "member"})
        # Who is muted can still report.
        await bob.api.submit(SendReport(channel=channel, reason="threats", user=user))
        await until(lambda: reported(ann, channel, 1), "ann is told")
        (report,) = await reports(ann, channel)
        write(kim, channel, Log.CONTENT, SettleAct(report=report.id, outcome=Settlement.DISMISSED))
        await kim.say(channel, "so there")
        await until(lambda: has_text(ann, channel, "so there"), "ann has what kim wrote behind it")
        assert [row.state for person in (ann, bob) for row in await reports(person, channel)] == [ReportState.OPEN] * 2
        # Whoever floods fills no more than their own part.
        for number in range(MAX_REPORTS_PER_MEMBER + 8):
            write(kim, channel, Log.CONTENT, Report(reason=f"nonsense {number}", user=await user_of(ann)))
        await kim.say(channel, "end of flood")
        await until(lambda: has_text(ann, channel, "end of flood"), "ann has the flood")
        rows = await reports(ann, channel)
        assert len(rows) == MAX_REPORTS_PER_MEMBER + 1
        assert {row.reason for row in rows} >= {"threats", f"nonsense {MAX_REPORTS_PER_MEMBER + 7}"}
        assert "nonsense 0" not in {row.reason for row in rows}
        with pytest.raises(IntentRefused, match="no other moderator"):
            await ann.api.submit(SendReport(channel=channel, reason="alone", user=user))
        with pytest.raises(IntentRefused, match="as many open reports"):
            await kim.api.submit(SendReport(channel=channel, reason="more", user=await user_of(bob)))

    run_virtual(story())


def test_a_report_about_a_moderator_is_for_the_others_and_is_not_settled_by_that_one() -> None:
    async def story() -> None:
        world = SimulatedWorld(334)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.api.submit(SendReport(channel=channel, reason="he shouts", user=await user_of(bob)))
        await until(lambda: reported(ann, channel, 1), "ann is told")
        await until(lambda: has_kind(bob, channel, RowKind.FOR_OTHERS), "bob hears that something was written to others")
        assert await reports(bob, channel) == []
        (report,) = await reports(ann, channel)
        assert not holds_body(bob, report.id)
        write(bob, channel, Log.CONTENT, SettleAct(report=report.id, outcome=Settlement.DISMISSED))
        await bob.say(channel, "nothing happened")
        await until(lambda: has_text(ann, channel, "nothing happened"), "ann has what bob wrote behind it")
        assert [row.state for row in await reports(ann, channel)] == [ReportState.OPEN]

    run_virtual(story())


def test_what_somebody_reports_after_they_were_removed_counts_for_nobody() -> None:
    async def story() -> None:
        world = SimulatedWorld(333)
        ann, bob, kim, channel = await three(world)
        await ann.api.submit(GiveRank(channel=channel, user=await user_of(bob), rank=MODERATOR))
        await agree(channel, (ann, bob, kim), {"ann": "founder", "bob": "moderator", "kim": "member"})
        await kim.api.submit(SendReport(channel=channel, reason="fair", user=await user_of(ann)))
        await until(lambda: reported(bob, channel, 1), "bob is told")
        users = {person.name: await user_of(person) for person in (ann, bob, kim)}
        await bob.stop()
        await kim.stop()
        await ann.api.submit(RemoveMember(channel=channel, user=users["kim"]))
        await ann.stop()
        # Neither has heard of it; and bob, who answers it, brings it along.
        await bob.start()
        await kim.start()
        await kim.api.submit(SendReport(channel=channel, reason="unfair", user=users["ann"]))
        await until(lambda: reported(bob, channel, 2), "bob has it")
        await bob.say(channel, "well")
        await ann.start()
        await until(lambda: has_text(ann, channel, "well"), "ann has what stands on it")
        await until(lambda: reported(bob, channel, 1), "it counts no more")
        assert [row.reason for row in await reports(bob, channel)] == ["fair"]

    run_virtual(story())


async def gone(person: Person, channel: ChannelId, name: str) -> bool:
    return name not in await roles(person, channel)


async def is_role(person: Person, channel: ChannelId, name: str, role: str) -> bool:
    return (await roles(person, channel)).get(name) == role


async def has_topic(person: Person, channel: ChannelId, topic: str) -> bool:
    return (await person.api.channel(channel)).rows.topic == topic


async def has_bans(person: Person, channel: ChannelId, count: int) -> bool:
    return len((await person.api.rules(channel)).rows.bans) == count


async def has_text(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


async def has_kind(person: Person, channel: ChannelId, kind: RowKind) -> bool:
    return any(row.kind is kind for row in await person.rows(channel))


def holds_body(person: Person, record: RecordId) -> bool:
    with person.store.inner.transaction() as txn:
        found = txn.record(record)
        return found is not None and found.body is not None


async def reported(person: Person, channel: ChannelId, count: int) -> bool:
    return len(await reports(person, channel)) == count


async def settled(person: Person, channel: ChannelId) -> bool:
    return all(row.state is not ReportState.OPEN for row in await reports(person, channel))
