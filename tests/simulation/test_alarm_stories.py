"""Warnings about people's keys: raised once, kept, shown until they are acknowledged."""

from simulated_world import Person, SimulatedWorld, until

from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.events import AlarmRaised, Event
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import AcknowledgeAlarms, SetName
from multichat_tui.model.limits import MAX_ALARMS
from multichat_tui.model.trust import AlarmKind, AlarmRow
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.alarms import acknowledge, alarms, raise_alarm


async def alarms_of(person: Person) -> tuple[AlarmRow, ...]:
    return (await person.api.status()).rows.alarms


async def user_of(person: Person) -> UserId:
    return (await person.api.me()).rows.user


def test_somebody_who_pairs_under_a_contacts_name_with_another_key_raises_an_alarm_that_stands_until_acknowledged() -> None:
    async def story() -> None:
        world = SimulatedWorld(41)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        await world.pair(ann, bob)
        await eve.api.submit(SetName(name="Bοb"))  # with a Greek letter
        heard: list[Event] = []
        async with ann.api.events() as events:
            await world.pair(ann, eve)
            async for event in events:
                heard.append(event)
                if isinstance(event, AlarmRaised):
                    break
        bob_user, eve_user = await user_of(bob), await user_of(eve)
        (alarm,) = await alarms_of(ann)
        assert (alarm.kind, alarm.user, alarm.other) == (AlarmKind.SAME_NAME, eve_user, bob_user)
        rows = {row.user: row.alarm for row in (await ann.api.contacts()).rows}
        assert rows == {bob_user: None, eve_user: AlarmKind.SAME_NAME}

        await ann.stop()
        await ann.start()
        assert len(await alarms_of(ann)) == 1, "a restart does not acknowledge"
        await ann.api.submit(AcknowledgeAlarms(user=eve_user))
        assert await alarms_of(ann) == ()
        await eve.stop()
        await eve.start()
        await until(lambda: _linked(ann, eve_user), "linked again")
        assert await alarms_of(ann) == (), "what was acknowledged is not raised again"

    run_virtual(story())


def test_a_contact_who_takes_the_name_of_another_later_raises_an_alarm() -> None:
    async def story() -> None:
        world = SimulatedWorld(42)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        await world.pair(ann, bob)
        await world.pair(ann, eve)
        assert await alarms_of(ann) == ()
        await eve.api.submit(SetName(name="BOB"))
        await until(lambda: _alarmed(ann, 1), "ann is warned")
        await ann.api.submit(AcknowledgeAlarms(user=await user_of(eve)))
        await eve.api.submit(SetName(name="eve"))
        await eve.api.submit(SetName(name="B0B"))
        await until(lambda: _named(ann, "B0B"), "the other spelling has come")
        assert await alarms_of(ann) == (), "the same likeness was acknowledged"

    run_virtual(story())


def test_acknowledging_what_is_not_there_is_refused_and_the_number_of_alarms_is_bounded() -> None:
    async def story() -> None:
        world = SimulatedWorld(43)
        (ann,) = await world.add("ann")
        node_world = ann.api._engine.world
        me = await user_of(ann)
        try:
            await ann.api.submit(AcknowledgeAlarms(user=me))
        except IntentRefused:
            pass
        else:
            raise AssertionError("nothing was there to be acknowledged")
        with ann.store.transaction() as txn:
            node_world.txn = txn
            for number in range(MAX_ALARMS):
                user = UserId(number.to_bytes(32, "big"))
                assert raise_alarm(node_world, user, AlarmKind.FORKED_DEVICES, detail=b"one")
                assert not raise_alarm(node_world, user, AlarmKind.FORKED_DEVICES, detail=b"one")
            acknowledge(node_world, UserId(bytes(31) + b"\x07"))
            assert raise_alarm(node_world, UserId(b"\xff" * 32), AlarmKind.FORKED_DEVICES)
            kept = alarms(node_world)
        assert len(kept) == MAX_ALARMS
        assert all(alarm.user[-1] != 7 or alarm.user[0] == 255 for alarm in kept), "the acknowledged one made room"

    run_virtual(story())


async def _alarmed(person: Person, count: int) -> bool:
    return len(await alarms_of(person)) == count


async def _named(person: Person, name: str) -> bool:
    return any(row.name.startswith(name) for row in (await person.api.contacts()).rows)


async def _linked(person: Person, user: UserId) -> bool:
    return any(row.online and row.user == user for row in (await person.api.contacts()).rows)
