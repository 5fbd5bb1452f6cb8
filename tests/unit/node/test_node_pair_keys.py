"""The key that two devices have for what they put into mailboxes: both come to the same, and nobody else has one."""

from sealing_parties import Party, two
from simulated_world import Person, SimulatedWorld, until

from multichat_tui.crypto.keys import link_key
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.intents import SetRegard
from multichat_tui.model.ports import Space
from multichat_tui.model.regards import Regard
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.world import World

STRANGER = DeviceId(b"x" * 32)


def world_of(person: Person) -> World:
    engine = person.api._engine
    assert engine is not None
    return engine.world


def agreed(one: World, other: World) -> bool:
    keys = one.pair_keys_of(other.identity.device)
    return bool(keys) and keys[0] in other.pair_keys_of(one.identity.device)


def test_contacts_and_fellow_members_have_one_and_strangers_none() -> None:
    async def story() -> None:
        world = SimulatedWorld(733)
        ann, bob, cid, eve = await world.add("ann", "bob", "cid", "eve")
        await world.pair(ann, bob)
        await world.pair(bob, eve)
        await world.channel_of(ann, bob, cid)
        worlds = [world_of(person) for person in (ann, bob, cid, eve)]
        a, b, c, e = worlds
        assert agreed(a, b)
        assert agreed(a, c)
        assert agreed(b, c)
        assert agreed(b, e)
        assert a.pair_keys_of(e.identity.device) == []
        assert a.pair_keys_of(a.identity.device) == []
        for here in worlds:
            known = here.certificates()
            devices = {w.identity.device for w in worlds} | {STRANGER}
            assert {d: here.certificate_of(d) for d in devices} == {d: known.get(d) for d in devices}
        certificate = a.certificate_of(b.identity.device)
        assert certificate is not None
        pairs = a.pair_keys_of(b.identity.device)
        assert [link_key(pair) for pair in pairs] == a.link_keys(certificate)
        await ann.api.submit(SetRegard(user=b.identity.user, regard=Regard.BLOCKED))
        a = world_of(ann)
        assert a.certificate_of(b.identity.device) == a.certificates().get(b.identity.device)

    run_virtual(story())


def test_a_restored_device_and_a_contact_come_to_the_same() -> None:
    async def story() -> None:
        world = SimulatedWorld(734)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        before = world_of(ann).pair_keys_of(world_of(bob).identity.device)
        old = world_of(bob).identity.device
        await bob.stop()
        new = await world.restore(bob, "bob2")

        async def back() -> bool:
            return agreed(world_of(ann), world_of(new))

        await until(back, "ann and the new device have one key")
        here = world_of(ann)
        assert here.pair_keys_of(old) == [], "it is revoked"
        assert here.pair_keys_of(world_of(new).identity.device) != before

    run_virtual(story())


def test_a_device_that_came_after_the_pairing_is_written_to_without_the_secret_until_it_is_met() -> None:
    ann, bob = two()
    paired = bob.contacts[0]
    second = bob.knows_second_device(ann).device
    contact = paired.with_devices(bob.contacts[0].devices)
    assert contact.mailbox_secrets_of(ann.device) == (paired.secret,)
    assert contact.mailbox_secrets_of(second) == (b"", paired.secret)
    met = contact.with_secret(second, b"its own", False)
    assert met.mailbox_secrets_of(second) == (b"its own", b"")


def test_only_a_device_has_the_key_of_its_pairs() -> None:
    ann, bob = two()
    eve = Party("eve")
    eve.knows(ann, bob)
    keys = []
    for here, there in ((ann, bob), (bob, ann), (eve, ann), (eve, bob)):
        with here.store.transaction() as txn:
            keys.append(here.world(txn).pair_keys_of(there.device)[0])
            assert txn.scan(Space.RATCHET) == []
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
