"""Accounts with several devices: restored from the phrase, recognised without pairing again, revoked."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.identity import Account, DeviceSecrets, certify, joined_device_list, sign_device_list
from multichat_tui.model.errors import IntentRefused
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import ReturnFrame, ReturnStage
from multichat_tui.model.identity import Certificate, DeviceList
from multichat_tui.model.ids import ChannelId, LinkId, digest
from multichat_tui.model.intents import CloseAccount, OpenDirect, RevokeDevice, SendMessage
from multichat_tui.model.ports import FrameIn
from multichat_tui.model.snapshots import Membership, RowKind
from multichat_tui.model.trust import AlarmKind
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.devices import REVOKED


async def _direct(one: Person, other: Person) -> ChannelId:
    channel = (await one.api.submit(OpenDirect(user=(await other.api.me()).rows.user))).channel
    assert channel is not None
    return channel


async def _knows(person: Person, other: Person) -> bool:
    user = (await other.api.me()).rows.user
    return any(row.user == user and row.online for row in (await person.api.contacts()).rows)


async def _has(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_a_restored_account_is_recognised_by_its_contact_and_has_its_history_back() -> None:
    async def story() -> None:
        world = SimulatedWorld(31)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        direct = await _direct(ann, bob)
        group = await world.channel_of(ann, bob)
        await ann.say(direct, "hello bob")
        await bob.say(group, "a group")
        await until(lambda: _has(ann, group, "a group"), "ann has it")
        await until(lambda: _has(bob, direct, "hello bob"), "bob has it")
        await ann.stop()
        anew = await world.restore(ann, "ann's new machine")
        await until(lambda: _knows(anew, bob), "bob is a contact again")
        await until(lambda: _has(anew, group, "a group"), "the group is back")
        await until(lambda: _has(anew, direct, "hello bob"), "the conversation is back")
        me = (await anew.api.me()).rows
        assert me.name == "ann"
        rows = {row.id: row for row in (await anew.api.channels()).rows}
        assert rows[group].membership is Membership.JOINED
        assert [row.mine for row in await anew.rows(direct) if row.text == "hello bob"] == [True]
        await anew.say(group, "I am back")
        await anew.say(direct, "me again")
        await until(lambda: _has(bob, group, "I am back"), "bob reads the new device")
        await until(lambda: _has(bob, direct, "me again"), "bob reads the new device")
        [contact] = (await bob.api.contacts()).rows
        assert contact.user == me.user
        # The lost device comes back to life: nobody talks to it any more, and it says why.
        old = await ann.start()
        await until(lambda: _stopped(ann), "the old device knows that it is revoked")
        assert (await old.status()).rows.links == 0

    run_virtual(story())


async def _stopped(person: Person) -> bool:
    return "revoked" in (await person.api.status()).rows.trouble


def test_a_fellow_member_who_was_not_there_at_first_recognises_the_restored_account_over_the_channel() -> None:
    async def story() -> None:
        world = SimulatedWorld(32)
        ann, bob, carol = await world.add("ann", "bob", "carol")
        await world.pair(ann, bob)
        await world.pair(ann, carol)
        direct = await _direct(carol, ann)
        await carol.say(direct, "between us")
        group = await world.channel_of(ann, bob, carol)
        await ann.say(group, "all three")
        await world.converge(group)
        await until(lambda: _has(ann, direct, "between us"), "ann has carol's word")
        await ann.stop()
        await carol.stop()
        anew = await world.restore(ann, "ann's new machine")
        await until(lambda: _has(anew, group, "all three"), "bob brings the group back")
        await carol.start()
        await until(lambda: _knows(anew, carol), "carol is a contact again")
        await until(lambda: _has(anew, direct, "between us"), "and her conversation is back")
        await anew.say(direct, "as before")
        await until(lambda: _has(carol, direct, "as before"), "carol reads it")
        assert not [row for row in (await carol.api.contacts()).rows if row.pending]

    run_virtual(story())


def test_both_devices_of_an_account_get_everything_if_the_first_one_lives() -> None:
    async def story() -> None:
        world = SimulatedWorld(33)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(ann, bob)
        await ann.say(group, "from the first")
        await world.converge(group)
        second = await world.restore(ann, "ann's second", revoke=False)
        await until(lambda: _has(second, group, "from the first"), "the second device has it")
        await second.say(group, "from the second")
        await bob.say(group, "to both")
        for person in (ann, second, bob):
            for text in ("from the first", "from the second", "to both"):
                await until(lambda person=person, text=text: _has(person, group, text), f"{person.name} has {text}")
        mine = [row.text for row in await ann.rows(group) if row.mine and row.kind is RowKind.MESSAGE]
        assert mine == ["from the first", "from the second"]
        # What one device joins later, the other is in as well.
        later = await world.channel_of(bob, ann, name="later")
        await bob.say(later, "new here")
        await until(lambda: _has(second, later, "new here"), "the second device follows")
        await second.say(later, "me too")
        await until(lambda: _has(bob, later, "me too"), "bob reads the second device there")

    run_virtual(story())


@pytest.mark.parametrize("apart_s", [0, 120])
def test_two_devices_that_come_back_at_the_same_time_agree_on_one_list_of_devices(apart_s: int) -> None:
    async def story() -> None:
        world = SimulatedWorld(52)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(bob, ann)
        others = []
        for number in (2, 3):
            others.append(await world.restore(ann, f"ann's number {number}", revoke=False))
            await asyncio.sleep(apart_s)
        everybody = (ann, bob, *others)

        async def all_know_three() -> bool:
            return all(_living(person, ann) == 3 for person in everybody)

        await until(all_know_three, "everybody knows all three devices")
        await asyncio.sleep(60)
        lists = [person.api._engine.world.list_of(ann.api._engine.world.identity.user) for person in everybody]  # type: ignore[union-attr]
        assert len({listed.digest for listed in lists if listed is not None}) == 1
        assert lists[0] is not None
        assert lists[0].number < 8, "they go on and on making lists"
        await ann.say(group, "to all")
        for person in (bob, *others):
            await until(lambda person=person: _has(person, group, "to all"), f"{person.name} has it")  # type: ignore[misc]

    run_virtual(story())


def test_a_device_that_comes_back_and_is_taken_for_lost_by_the_next_one_makes_no_lists_any_more() -> None:
    async def story() -> None:
        world = SimulatedWorld(53)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(bob, ann)
        first = await world.restore(ann, "ann again")
        await until(lambda: _member(first, group), "she is back")
        second = await world.restore(first, "and once more")
        await until(lambda: _member(second, group), "she is back once more")
        await until(lambda: _stopped(first), "the one before knows that it is revoked")
        await asyncio.sleep(600)
        user = ann.api._engine.world.identity.user  # type: ignore[union-attr]
        lists = [person.api._engine.world.list_of(user) for person in (bob, first, second)]  # type: ignore[union-attr]
        assert [listed.number for listed in lists if listed is not None] == [2, 2, 2]
        assert [_living(person, second) for person in (bob, first, second)] == [1, 1, 1]

    run_virtual(story())


def _living(person: Person, owner: Person) -> int:
    """How many devices of the owner's account somebody knows."""
    world, user = person.api._engine.world, owner.api._engine.world.identity.user  # type: ignore[union-attr]
    listed = world.list_of(user)
    return 0 if listed is None else len(listed.living)


def test_of_the_lists_of_two_contacts_the_newest_counts_and_everybody_ends_with_the_same() -> None:
    async def story() -> None:
        world = SimulatedWorld(34)
        ann, bob, carol = await world.add("ann", "bob", "carol")
        await world.pair(ann, bob)
        await world.pair(ann, carol)
        await carol.stop()
        second = await world.restore(ann, "ann's second", revoke=False)
        await until(lambda: _knows(second, bob), "bob knows the second device")
        await ann.stop()
        await second.stop()
        await carol.start()
        await bob.stop()
        third = await world.restore(ann, "ann's third")
        await until(lambda: _knows(third, carol), "carol, with the oldest list, knows the third device")
        await bob.start()
        await until(lambda: _knows(third, bob), "bob, who holds another list of the same number, too")
        await until(lambda: _agree(third, bob, carol), "all hold the same list")
        listed = third.api._identity.devices
        assert [c.device for c in listed.living] == [(await third.api.me()).rows.device]
        assert len(listed.certificates) == 3
        for person in (bob, carol):
            assert not (await person.api.status()).rows.trouble

    run_virtual(story())


async def _agree(restored: Person, *contacts: Person) -> bool:
    own = restored.api._identity
    assert own is not None
    return all(person.api._engine.world.list_of(own.user).digest == own.devices.digest for person in contacts)


def test_a_revoked_device_is_cut_off_and_what_it_writes_then_reaches_nobody() -> None:
    async def story() -> None:
        world = SimulatedWorld(35)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(ann, bob)
        second = await world.restore(ann, "ann's second", revoke=False)
        await until(lambda: _member(second, group), "the second device is in")
        await second.say(group, "before")
        await until(lambda: _has(bob, group, "before"), "bob has it")
        device = (await second.api.me()).rows.device
        await second.stop()
        await ann.api.submit(RevokeDevice(device=device))
        await until(lambda: _revokes(bob, group, device), "bob's view of the channel revokes it")
        # It has not heard of that, and writes on its own.
        world.hub.partition(["ann's second"], ["ann", "bob"])
        await second.start()
        await second.say(group, "after")
        world.hub.heal()
        await bob.say(group, "still here")
        await until(lambda: _has(ann, group, "still here"), "ann has bob's")
        for person in (ann, bob):
            assert "after" not in await person.texts(group)
            assert "before" in await person.texts(group)
            assert not [row for row in (await person.api.peers()).rows if row.device == device]
        with pytest.raises(IntentRefused):
            await ann.api.submit(RevokeDevice(device=(await ann.api.me()).rows.device))
        assert [(row.this, row.revoked) for row in (await ann.api.devices()).rows] == [(True, False), (False, True)]

    run_virtual(story())


async def _member(person: Person, channel: ChannelId) -> bool:
    return (await person.api.channel(channel)).rows.membership is Membership.JOINED


async def _revokes(person: Person, channel: ChannelId, device: bytes) -> bool:
    return device in person.api._engine.world.channels[channel].view.revocations


def test_two_lists_of_one_number_are_an_alarm_until_one_holds_both() -> None:
    async def story() -> None:
        world = SimulatedWorld(36)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        user = (await ann.api.me()).rows.user
        account = Account(ann.account_entropy)
        first = ann.api._identity.devices
        one, other = (
            sign_device_list(account, first, (*first.certificates, _certificate(account, name)), ()) for name in (b"1", b"2")
        )
        await _learns(bob, one)
        await _learns(bob, other)
        [contact] = (await bob.api.contacts()).rows
        assert contact.alarm is AlarmKind.FORKED_DEVICES
        assert bob.api._engine.world.list_of(user) == one
        assert [row.kind for row in (await bob.api.status()).rows.alarms if row.kind.alarming] == [AlarmKind.FORKED_DEVICES]
        # It is kept, and neither list wins by a later one that knows of one branch only.
        await bob.stop()
        await bob.start()
        later = sign_device_list(account, other, other.certificates, ())
        await _learns(bob, later)
        assert bob.api._engine.world.list_of(user) == one
        both = joined_device_list(account, (one, later), None, ())
        await _learns(bob, both)
        assert bob.api._engine.world.list_of(user) == both
        assert not bob.api._engine.world.forks
        # Never back to an older one.
        await _learns(bob, one)
        assert bob.api._engine.world.list_of(user) == both

    run_virtual(story())


def _certificate(account: Account, name: bytes) -> Certificate:
    secrets = DeviceSecrets(signing_seed=digest("mc.test.device", name), sealing_secret=digest("mc.test.sealing", name))
    return certify(account, secrets, bytes(32), 1)


async def _learns(person: Person, listed: DeviceList) -> None:
    """As if a peer had sent it."""
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        engine._devices.learn(listed)
        engine.finish()


def test_a_closed_account_is_shown_as_closed_and_cannot_be_written_to() -> None:
    async def story() -> None:
        world = SimulatedWorld(37)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        direct = await _direct(ann, bob)
        await ann.say(direct, "goodbye")
        await until(lambda: _has(bob, direct, "goodbye"), "bob has it")
        await ann.api.submit(CloseAccount())
        await until(lambda: _told(ann), "ann's node knows that bob knows")
        [contact] = (await bob.api.contacts()).rows
        assert contact.closed
        assert (await bob.api.channel(direct)).rows.note
        with pytest.raises(IntentRefused, match="closed"):
            await bob.api.submit(SendMessage(channel=direct, text="are you there?"))
        assert await _direct(bob, ann) == direct, "what was said can still be opened"
        with pytest.raises(IntentRefused, match="closed"):
            await ann.api.submit(SendMessage(channel=direct, text="I am"))
        await bob.stop()
        await bob.start()
        assert [row.closed for row in (await bob.api.contacts()).rows] == [True]
        await ann.stop()
        await ann.start()
        await until(lambda: _told(ann), "known again after a new start")

    run_virtual(story())


def test_a_closing_that_nobody_was_there_to_hear_is_told_at_the_next_link() -> None:
    async def story() -> None:
        world = SimulatedWorld(41)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await bob.stop()
        await ann.api.submit(CloseAccount())
        assert (await ann.api.status()).rows.untold == 1
        await bob.start()
        await until(lambda: _told(ann), "bob has heard of it")
        assert [row.closed for row in (await bob.api.contacts()).rows] == [True]
        with pytest.raises(IntentRefused, match="closed"):
            await _direct(bob, ann)

    run_virtual(story())


async def _told(person: Person) -> bool:
    status = (await person.api.status()).rows
    return status.closed and status.untold == 0 and status.links > 0


def test_a_profile_found_to_be_a_copy_goes_on_as_a_new_device_with_its_history() -> None:
    async def story() -> None:
        world = SimulatedWorld(38)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(ann, bob)
        await ann.say(group, "as the old device")
        await world.converge(group)
        old = (await ann.api.me()).rows.device
        await until(lambda: _holds_key(bob, ann), "bob has ann's return key")
        with ann.store.transaction() as txn:
            ann.api._identity.found_copied(txn)
        with pytest.raises(IntentRefused, match="copy"):
            await ann.say(group, "refused")
        await ann.stop()
        await ann.start()
        assert (await ann.api.me()).rows.device != old
        await until(lambda: _speaks(ann, group), "the new device is known in the channel")
        await ann.say(group, "as the new device")
        await until(lambda: _has(bob, group, "as the new device"), "bob reads it")
        assert await ann.texts(group) == await bob.texts(group) == ["as the old device", "as the new device"]
        assert [(row.this, row.revoked) for row in (await ann.api.devices()).rows] == [(True, False), (False, True)]

    run_virtual(story())


async def _speaks(person: Person, channel: ChannelId) -> bool:
    engine = person.api._engine
    assert engine is not None
    return engine._ledger.is_known(engine.world.channels[channel])


async def _holds_key(person: Person, other: Person) -> bool:
    user = (await other.api.me()).rows.user
    return bool(person.api._engine.world.contacts[user].return_key)


def test_who_does_not_know_the_return_key_does_not_become_a_contact_of_a_device_that_comes_back() -> None:
    async def story() -> None:
        world = SimulatedWorld(39)
        ann, bob, mallory = await world.add("ann", "bob", "mallory")
        await world.pair(ann, bob)
        group = await world.channel_of(ann, bob, mallory)
        await ann.stop()
        anew = await world.restore(ann, "ann's new machine")
        await until(lambda: _linked(anew, mallory), "the new device is linked with a fellow member")
        engine, theirs = anew.api._engine, mallory.api._identity
        assert engine is not None
        assert theirs is not None
        session = engine.world.session_of((await mallory.api.me()).rows.device)
        assert session is not None
        frame = ReturnFrame(
            stage=ReturnStage.TELL,
            proof=bytes(32),
            share=bytes(32),
            account_list=engine.world.identity.devices.encoded,
            teller_list=theirs.devices.encoded,
            teller_profile=theirs.profile.encoded,
        )
        before = engine.world.counters.get("return-not-ours", 0)
        anew.api._deliver(FrameIn(link=session.link, frame=encode_frame(frame)))
        await until(lambda: _counted(anew, "return-not-ours", before + 1), "it was refused")
        assert [row.user for row in (await anew.api.contacts()).rows] == [(await bob.api.me()).rows.user]
        assert await _member(anew, group)

    run_virtual(story())


async def _linked(person: Person, other: Person) -> bool:
    device = (await other.api.me()).rows.device
    return any(row.device == device and row.online for row in (await person.api.peers()).rows)


async def _counted(person: Person, name: str, least: int) -> bool:
    return dict((await person.api.status()).rows.counters).get(name, 0) >= least


def test_links_of_a_device_are_cut_when_it_is_revoked_and_it_says_why() -> None:
    async def story() -> None:
        world = SimulatedWorld(40)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        group = await world.channel_of(ann, bob)
        second = await world.restore(ann, "ann's second", revoke=False)
        await until(lambda: _member(second, group), "the second device is in")
        await until(lambda: _linked(bob, second), "and linked with bob")
        device = (await second.api.me()).rows.device
        cut: list[str] = []
        for person in (ann, bob):
            _note_closes(person, cut)
        await ann.api.submit(RevokeDevice(device=device))
        await until(lambda: _stopped(second), "it knows that it is revoked")
        await until(lambda: _is_cut(person=bob, device=device), "bob has no link to it")
        assert REVOKED in cut
        with pytest.raises(IntentRefused, match="revoked"):
            await second.say(group, "anyway")

    run_virtual(story())


def _note_closes(person: Person, into: list[str]) -> None:
    """What this person's node says when it closes links."""
    close = person.network.close_link

    def noted(link: LinkId, reason: str) -> None:
        into.append(reason)
        close(link, reason)

    person.network.close_link = noted


async def _is_cut(person: Person, device: bytes) -> bool:
    return not any(row.device == device for row in (await person.api.peers()).rows)
