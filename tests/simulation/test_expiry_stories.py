"""Stories of messages that disappear: by their author's wish and by the channel's rule, with people offline and clocks apart."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_body_stories import engine_of, found, shown

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import (
    ActOn,
    ChangeSetting,
    ConfigureChannel,
    InviteToChannel,
    JoinChannel,
    RedactMessages,
    SendMessage,
)
from multichat_tui.model.keeping import SETTING, keep_setting
from multichat_tui.model.records import Absence
from multichat_tui.model.snapshots import RowKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import keeping
from multichat_tui.node.api.commands import run_command

HOUR_MS = 3_600_000


async def send(person: Person, channel: ChannelId, text: str, lives_ms: int = 0) -> RecordId:
    accepted = await person.api.submit(SendMessage(channel=channel, text=text, lives_ms=lives_ms))
    assert accepted.record is not None
    return accepted.record


def held(person: Person, record: RecordId) -> tuple[bool, Absence | None]:
    """(whether the body is here, why not); a record that is not held has no body and no reason."""
    with person.store.transaction() as txn:
        stored = txn.record(record)
    return (stored is not None and stored.body is not None), None if stored is None else stored.absence


async def texts(channel: ChannelId, people: tuple[Person, ...], expected: list[str]) -> bool:
    return all([[text for _, text in await shown(person, channel)] == expected for person in people])


def test_a_message_that_is_to_disappear_is_gone_in_time_from_everybody() -> None:
    async def story() -> None:
        world = SimulatedWorld(81)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        with pytest.raises(IntentRefused):
            await send(ann, channel, "at once", lives_ms=1)
        await send(ann, channel, "stays")
        await asyncio.sleep(1)
        short = await send(ann, channel, "herring at nine", lives_ms=HOUR_MS)
        await until(lambda: texts(channel, (ann, ben, cyd), ["stays", "herring at nine"]), "all have both")
        row = (await ben.api.message(short)).rows
        assert row is not None
        assert row.expires_ms is not None
        assert 0 < row.expires_ms - world.now_ms() <= HOUR_MS
        # Cyd is off when its time is over, and so never shows it again.
        await cyd.stop()
        await asyncio.sleep(HOUR_MS / 1000 - 30)
        assert await texts(channel, (ann, ben), ["stays", "herring at nine"])
        await asyncio.sleep(40)
        assert await texts(channel, (ann, ben), ["stays"])
        assert [held(person, short) for person in (ann, ben)] == [(False, Absence.EXPIRED)] * 2
        assert await found(ben, "herring") == []
        assert held(cyd, short) == (True, None)
        await cyd.start()
        assert await texts(channel, (cyd,), ["stays"])
        await until(lambda: _is_gone(short, cyd), "cyd's copy is swept away")
        # Whoever comes later is not given it, and misses nothing.
        gus = (await world.add("gus"))[0]
        link = (await ann.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await gus.api.submit(JoinChannel(link=link))
        await until(lambda: texts(channel, (gus,), ["stays"]), "gus has the rest")
        assert held(gus, short) == (False, Absence.EXPIRED)
        assert (await gus.api.channel(channel)).rows.gaps == ()

    run_virtual(story())


def test_what_a_channel_lets_disappear_does_so_whatever_its_author_has_wished() -> None:
    async def story() -> None:
        world = SimulatedWorld(82)
        ann, ben = await world.add("ann", "ben")
        channel = await world.channel_of(ann, ben)
        before = await send(ben, channel, "from before")
        await asyncio.sleep(1)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=HOUR_MS))
        await until(lambda: _keeps(ben, channel, HOUR_MS), "ben has heard")
        ruled = await send(ben, channel, "ruled")
        # One who leaves the wish out, or wishes for more, is held to the rule.
        engine = engine_of(ben)
        life = engine._ledger.bodies.life
        engine._ledger.bodies.life = lambda channel, acts, wish: None  # type: ignore[method-assign]  # the fault
        await asyncio.sleep(1)
        silent = await send(ben, channel, "silent")
        engine._ledger.bodies.life = lambda channel, acts, wish: world.now_ms() + 99 * HOUR_MS  # type: ignore[method-assign]
        await asyncio.sleep(1)
        greedy = await send(ben, channel, "greedy")
        engine._ledger.bodies.life = life  # type: ignore[method-assign]  # the fault
        await until(lambda: texts(channel, (ann, ben), ["from before", "ruled", "silent", "greedy"]), "all four")
        await asyncio.sleep(HOUR_MS / 1000 + 10)
        assert await texts(channel, (ann, ben), ["from before"])
        for record in (ruled, silent, greedy):
            assert [held(person, record) for person in (ann, ben)] == [(False, Absence.EXPIRED)] * 2
        assert held(ann, before) == (True, None)
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=0))
        await until(lambda: _keeps(ben, channel, 0), "ben has heard again")
        await send(ben, channel, "stays again")
        await asyncio.sleep(2 * HOUR_MS / 1000)
        assert await texts(channel, (ann, ben), ["from before", "stays again"])

    run_virtual(story())


def test_who_catches_up_through_somebody_that_has_dropped_it_misses_nothing() -> None:
    async def story() -> None:
        world = SimulatedWorld(83)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        await cyd.stop()
        for number in range(5):
            await send(ann, channel, f"short {number}", lives_ms=HOUR_MS)
            await asyncio.sleep(1)
        await send(ann, channel, "stays")
        await until(lambda: texts(channel, (ben,), [*(f"short {number}" for number in range(5)), "stays"]), "ben has all")
        await ann.stop()
        await asyncio.sleep(2 * HOUR_MS / 1000)
        await cyd.start()
        await until(lambda: texts(channel, (cyd,), ["stays"]), "cyd has what is left")
        assert (await cyd.api.channel(channel)).rows.gaps == ()
        await send(cyd, channel, "and goes on")
        await until(lambda: texts(channel, (ben, cyd), ["stays", "and goes on"]), "both go on")

    run_virtual(story())


def test_the_author_is_told_of_what_disappeared_before_everybody_had_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(84)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        await cyd.stop()
        lost = await send(ann, channel, "for both", lives_ms=HOUR_MS)
        await until(lambda: texts(channel, (ben,), ["for both"]), "ben has it")
        await asyncio.sleep(HOUR_MS / 1000 + 10)
        assert await shown(ann, channel) == [(RowKind.EXPIRED, "expired when 1 of 2 devices had it")]
        assert await shown(ben, channel) == []
        assert held(ann, lost) == (False, Absence.EXPIRED)

    run_virtual(story())


def test_an_edit_disappears_with_what_it_edits_and_redactions_stay() -> None:
    async def story() -> None:
        world = SimulatedWorld(85)
        ann, ben = await world.add("ann", "ben")
        channel = await world.channel_of(ann, ben)
        spam = await send(ben, channel, "spam")
        await until(lambda: texts(channel, (ann, ben), ["spam"]), "the spam")
        await ann.api.submit(ConfigureChannel(channel=channel, key=SettingKey.RETENTION, value=HOUR_MS))
        await until(lambda: _keeps(ben, channel, HOUR_MS), "ben has heard")
        await asyncio.sleep(1)
        target = await send(ben, channel, "first", lives_ms=HOUR_MS // 2)
        edit = (await ben.api.submit(ActOn(channel=channel, record=target, act="edit", fields=(("text", "second"),)))).record
        assert edit is not None
        await ann.api.submit(RedactMessages(channel=channel, targets=(spam,)))
        await until(lambda: texts(channel, (ann, ben), ["redacted by ann", "second"]), "edited and redacted")
        await asyncio.sleep(HOUR_MS / 2000 + 10)
        assert await texts(channel, (ann, ben), ["redacted by ann"])
        assert [held(person, edit) for person in (ann, ben)] == [(False, Absence.EXPIRED)] * 2
        await asyncio.sleep(9 * HOUR_MS / 1000)
        gus = (await world.add("gus"))[0]
        link = (await ann.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await gus.api.submit(JoinChannel(link=link))
        await until(lambda: texts(channel, (ann, ben, gus), ["redacted by ann"]), "gus knows of the redaction")

    run_virtual(story())


def test_clocks_apart_make_it_sooner_or_later_and_never_stay() -> None:
    async def story() -> None:
        world = SimulatedWorld(86)
        (ann,) = await world.add("ann")
        (early,) = await world.add("early", skew_ms=90_000)
        (late,) = await world.add("late", skew_ms=-90_000)
        channel = await world.channel_of(ann, early, late)
        record = await send(ann, channel, "an hour", lives_ms=HOUR_MS)
        await until(lambda: texts(channel, (ann, early, late), ["an hour"]), "all have it")
        await asyncio.sleep(HOUR_MS / 1000 - 60)
        assert held(early, record) == (False, Absence.EXPIRED)
        assert held(ann, record) == held(late, record) == (True, None)
        await asyncio.sleep(80)
        assert held(ann, record) == (False, Absence.EXPIRED)
        assert held(late, record) == (True, None)
        await asyncio.sleep(90)
        assert held(late, record) == (False, Absence.EXPIRED)

    run_virtual(story())


def test_what_a_profile_keeps_for_a_time_goes_from_there_alone_when_others_have_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(87)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        spam = await send(ben, channel, "spam")
        old = await send(ben, channel, "herring of old")
        await until(lambda: texts(channel, (ann, ben, cyd), ["spam", "herring of old"]), "all have both")
        await ann.api.submit(RedactMessages(channel=channel, targets=(spam,)))
        await until(lambda: texts(channel, (ann, ben, cyd), ["redacted by ann", "herring of old"]), "the spam is gone")
        await cyd.stop()
        waiting = await send(ann, channel, "waits for cyd")
        await ann.api.submit(ChangeSetting(key=SETTING, value="2d"))
        await asyncio.sleep(40 * 3600)
        later = await send(ben, channel, "later")
        everything = ["redacted by ann", "herring of old", "waits for cyd", "later"]
        await until(lambda: texts(channel, (ann, ben), everything), "nothing has gone yet")
        await asyncio.sleep(24 * 3600)
        assert await texts(channel, (ann,), ["redacted by ann", "waits for cyd", "later"])
        assert await texts(channel, (ben,), everything)
        assert held(ann, old) == (False, Absence.LOCAL)
        assert held(ann, waiting) == held(ann, later) == (True, None)
        assert await found(ann, "herring") == []
        # Whoever asks ann gets the header, and the text from the others.
        await cyd.start()
        await until(lambda: texts(channel, (cyd,), everything), "cyd has all")

    run_virtual(story())


def numbers(first: int, end: int) -> list[str]:
    return [f"herring {number}" for number in range(first, end)]


def test_of_a_channel_the_newest_messages_are_kept_here_and_everything_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "SWEEP_BODIES", 4)

    async def story() -> None:
        world = SimulatedWorld(88)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        other = await world.channel_of(ann, ben)
        records = [await send(ben, channel, text) for text in numbers(0, 10)]
        await send(ben, other, "elsewhere")
        await until(lambda: texts(channel, (ann, ben, cyd), numbers(0, 10)), "all have all")
        await until(lambda: texts(other, (ann,), ["elsewhere"]), "ann has that")
        accepted = await ben.api.submit(ActOn(channel=channel, record=records[2], act="edit", fields=(("text", "kippers"),)))
        edit = accepted.record
        assert edit is not None
        await until(lambda: texts(channel, (ann,), [*numbers(0, 2), "kippers", *numbers(3, 10)]), "it is edited")
        assert "newest 5 messages" in (await run_command(ann.api, channel, "/keep 5")).lines[0]
        await until(lambda: texts(channel, (ann,), numbers(5, 10)), "the newest five are left")
        assert [held(ann, record) for record in records] == [(False, Absence.LOCAL)] * 5 + [(True, None)] * 5
        assert held(ann, edit) == (False, Absence.LOCAL)
        assert await found(ann, "kippers") == []
        await asyncio.sleep(60)
        assert await texts(channel, (ann,), numbers(5, 10))
        for text in numbers(10, 13):
            await send(cyd, channel, text)
        await until(lambda: texts(channel, (ann,), numbers(8, 13)), "the older go as newer come")
        for person in (ben, cyd):
            assert await texts(channel, (person,), [*numbers(0, 2), "kippers", *numbers(3, 13)])
        assert await texts(other, (ann,), ["elsewhere"])
        ann.crash()
        await ann.start()
        await send(cyd, channel, "last")
        await until(lambda: texts(channel, (ann,), [*numbers(9, 13), "last"]), "also after a restart")

    run_virtual(story())


def test_a_channels_own_rule_stands_over_that_of_the_profile_and_what_is_waited_for_stays() -> None:
    async def story() -> None:
        world = SimulatedWorld(89)
        ann, ben, cyd = await world.add("ann", "ben", "cyd")
        channel = await world.channel_of(ann, ben, cyd)
        other = await world.channel_of(ann, ben)
        await send(ben, channel, "old")
        await send(ben, other, "old too")
        await until(lambda: texts(channel, (ann,), ["old"]), "ann has it")
        await until(lambda: texts(other, (ann,), ["old too"]), "ann has that too")
        await cyd.stop()
        await send(ann, channel, "waits for cyd")
        await ann.api.submit(ChangeSetting(key=SETTING, value="2d"))
        await run_command(ann.api, channel, "/keep all")
        await asyncio.sleep(3 * 24 * 3600)
        assert await texts(channel, (ann,), ["old", "waits for cyd"])
        assert await texts(other, (ann,), [])
        await ann.api.submit(ChangeSetting(key=keep_setting(channel), value="1"))
        await send(ben, channel, "new")
        await until(lambda: texts(channel, (ann,), ["waits for cyd", "new"]), "what cyd lacks stays")
        await cyd.start()
        await until(lambda: texts(channel, (cyd,), ["old", "waits for cyd", "new"]), "cyd has all")
        await send(ben, channel, "newest")
        await until(lambda: texts(channel, (ann,), ["newest"]), "then it goes")
        await run_command(ann.api, channel, "/keep usual")
        await asyncio.sleep(3 * 24 * 3600)
        assert await texts(channel, (ann,), [])

    run_virtual(story())


async def _keeps(person: Person, channel: ChannelId, span_ms: int) -> bool:
    rows = (await person.api.rules(channel)).rows.settings
    return next((row.value for row in rows if row.key is SettingKey.RETENTION), 0) == span_ms


async def _is_gone(record: RecordId, person: Person) -> bool:
    return held(person, record) == (False, Absence.EXPIRED)
