"""What devices say to channels and to contacts: told, passed on, and kept from others; in virtual time."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_greetings import frames, identity_of, inside, linked, listen, offers, settled, talking

from multichat_tui.crypto.identity import sign_device_statement
from multichat_tui.crypto.keys import Signer
from multichat_tui.model.device_statements import Audience, DeviceStatement, DeviceStatementKind, decode_device_statement
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import DeviceStatementOffer, MessageFrame, Offer
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId
from multichat_tui.model.intents import InviteToChannel, JoinChannel, RemoveMember
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.service import Outcome

KIND = DeviceStatementKind.DEPOSITED


def statements(person: Person) -> DeviceStatements:
    engine = person.api._engine
    assert engine is not None
    found = engine._exchange.device_statements
    found.readable[KIND] = lambda content: content != b"senseless"
    return found


def say(person: Person, audience: bytes, content: bytes) -> DeviceStatement:
    """In a batch of its own."""
    said = statements(person)
    engine = person.api._engine
    assert engine is not None
    with person.store.transaction() as txn:
        engine.begin(txn, person.now_ms())
        statement = said.say(Audience(audience), KIND, content)
        effects = engine.finish()
    person.api._let_out(Outcome(effects=effects))
    return statement


def heard(person: Person, audience: bytes, by: Person) -> bytes | None:
    found = statements(person).find((Audience(audience), identity_of(by).device, KIND))
    return None if found is None else found.content


async def hears(person: Person, audience: bytes, by: Person, content: bytes) -> None:
    async def is_so() -> bool:
        return heard(person, audience, by) == content

    await until(is_so, f"{person.name} hears {content!r} of {by.name}")


async def trio(seed: int) -> tuple[SimulatedWorld, ChannelId, Person, Person, Person]:
    world, channel, (ann, bob, eve) = await talking(seed, "ann", "bob", "eve")
    for person in (ann, bob, eve):
        statements(person)
    return world, channel, ann, bob, eve


def test_what_a_device_says_to_a_channel_is_heard_by_its_members_and_the_newest_counts() -> None:
    async def story() -> None:
        _world, channel, ann, bob, eve = await trio(3101)
        say(ann, channel, b"first")
        second = say(ann, channel, b"second")
        await hears(bob, channel, ann, b"second")
        await hears(eve, channel, ann, b"second")
        assert statements(ann).by(identity_of(ann).device, KIND) == (second,)
        assert statements(bob).by(identity_of(ann).device, KIND) == (second,)

    run_virtual(story())


def test_what_comes_soon_after_another_one_is_followed_at_once_and_passed_on_later() -> None:
    async def story() -> None:
        world, channel, ann, bob, eve = await trio(3109)
        world.hub.partition(["ann"], ["eve"])
        known: list[tuple[DeviceId, int]] = []
        say(ann, channel, b"first")
        await hears(eve, channel, ann, b"first")
        statements(ann).on_heard = lambda device, statement: known.append((device, statement.number))
        said = asyncio.get_running_loop().time()
        for number in range(20):
            last = say(ann, channel, b"%d" % number)
            await asyncio.sleep(0.1)
            assert heard(bob, channel, ann) == b"%d" % number, "who hears it from its author follows it"
            assert heard(eve, channel, ann) == b"first"
        assert known[-1] == (identity_of(bob).device, last.number)
        await hears(eve, channel, ann, b"19")
        assert asyncio.get_running_loop().time() - said > 8
        say(ann, channel, b"at last")
        await hears(bob, channel, ann, b"at last")
        bob.crash()
        await bob.start()
        assert heard(bob, channel, ann) == b"at last", "it was stored though it was not passed on"
        await hears(eve, channel, ann, b"at last")

    run_virtual(story())


def test_members_pass_it_on_to_who_was_away() -> None:
    async def story() -> None:
        world, channel, ann, bob, eve = await trio(3102)
        await eve.stop()
        say(ann, channel, b"said")
        await hears(bob, channel, ann, b"said")
        wire = listen(world)
        await settled(world, wire)
        await ann.stop()
        await eve.start()
        await hears(eve, channel, ann, b"said")
        await eve.stop()
        await eve.start()
        assert heard(eve, channel, ann) == b"said", "it is kept"
        wire.clear()
        await until(lambda: linked(eve, bob), "linked again")
        await settled(world, wire)
        assert all(not offer.device_numbers for offer in offers(wire)), "nothing differs any more"

    run_virtual(story())


def test_a_new_member_hears_what_was_said_before() -> None:
    async def story() -> None:
        world, channel, (ann, bob) = await talking(3103, "ann", "bob")
        statements(bob)
        say(ann, channel, b"said")
        await hears(bob, channel, ann, b"said")
        (eve,) = await world.add("eve")
        statements(eve)
        await world.pair(bob, eve)
        link = (await bob.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await ann.stop()
        await eve.api.submit(JoinChannel(link=link))
        await hears(eve, channel, ann, b"said")

    run_virtual(story())


def test_who_is_no_member_any_more_hears_nothing_and_is_not_heard() -> None:
    async def story() -> None:
        world, channel, ann, bob, eve = await trio(3104)
        await world.pair(ann, eve)
        say(eve, channel, b"before")
        await hears(bob, channel, eve, b"before")
        await ann.api.submit(RemoveMember(channel=channel, user=identity_of(eve).user))
        wire = listen(world)
        await settled(world, wire)
        say(ann, channel, b"after")
        await hears(bob, channel, ann, b"after")
        say(eve, channel, b"still here")
        await settled(world, wire)
        assert heard(eve, channel, ann) is None
        assert heard(ann, channel, eve) == heard(bob, channel, eve) == b"before"
        assert statements(ann).by(identity_of(eve).device, KIND) == ()

    run_virtual(story())


def test_what_is_said_to_a_contact_goes_to_that_contact_alone() -> None:
    async def story() -> None:
        world, _channel, ann, bob, eve = await trio(3105)
        await world.pair(ann, bob)
        await world.pair(ann, eve)
        await world.pair(bob, eve)
        user = identity_of(bob).user
        wire = listen(world)
        say(ann, user, b"for bob")
        await hears(bob, user, ann, b"for bob")
        await settled(world, wire)
        assert heard(eve, user, ann) is None
        await bob.stop()
        say(ann, user, b"again")
        await bob.start()
        statements(bob)
        await hears(bob, user, ann, b"again")
        await settled(world, wire)
        assert heard(eve, user, ann) is None
        told = [(sender, to) for sender, to, frame in wire if b"for bob" in frame or b"again" in frame]
        assert set(told) == {("ann", "bob")}

    run_virtual(story())


def test_a_peer_of_version_four_is_told_none_of_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(3106)
        ann, bob = await world.add("ann", "bob")
        bob.network.version = 4
        bob.crash()
        await bob.start()
        channel = await world.channel_of(ann, bob)
        wire = listen(world)
        say(ann, channel, b"said")
        await bob.stop()
        await ann.say(channel, "while away")
        await bob.start()
        await world.converge(channel)
        await settled(world, wire)
        assert not any(offer.device_statements or offer.device_numbers for offer in offers(wire))
        assert not any(isinstance(frame, MessageFrame) and frame.device_statements for frame in frames(wire))
        assert heard(bob, channel, ann) is None

    run_virtual(story())


@pytest.mark.parametrize(
    "fault", ["signature", "stranger", "other's", "older", "kind", "senseless", "to somebody else", "garbage"]
)
def test_false_statements_change_nothing(fault: str) -> None:
    async def story() -> None:
        world, channel, ann, bob, eve = await trio(3107)
        say(eve, channel, b"true")
        await hears(ann, channel, eve, b"true")
        wire = listen(world)
        await settled(world, wire)
        hers = identity_of(eve)
        signer, device, audience, kind, number = hers.signer, hers.device, Audience(channel), KIND, 2**60
        content = b"false"
        match fault:
            case "signature":
                signer = identity_of(bob).signer
            case "stranger":
                signer = Signer(b"\7" * 32)
                device = DeviceId(signer.public)
            case "other's":
                device, signer = identity_of(ann).device, identity_of(bob).signer
            case "older":
                number = 7
            case "kind":
                kind = DeviceStatementKind.ROUTE
            case "senseless":
                content = b"senseless"
            case "to somebody else":
                audience = Audience(identity_of(ann).user)
        false = sign_device_statement(signer, device, audience, kind, number, content).encoded
        if fault == "garbage":
            false = b"\xff" * 90
        assert fault == "garbage" or isinstance(decode_device_statement(false), DeviceStatement)
        before = {name: dict(said) for name, said in inside(ann).device_statements.items()}
        session = next(s for s in inside(bob).peers() if s.device == identity_of(ann).device)
        # The last is a name in a number that nobody can answer.
        lie = DeviceStatementOffer(audience=b"\1" * PREFIX_SIZE, device=b"\2" * PREFIX_SIZE, kind=KIND.value, number=9)
        for frame in (
            Offer(number=10**6, device_statements=(false,), device_numbers=(lie,)),
            MessageFrame(channel=bytes(PREFIX_SIZE), device_statements=(false,)),
        ):
            bob.api._network.send(session.link, encode_frame(frame))
        await asyncio.sleep(5)
        assert inside(ann).device_statements == before
        assert await linked(ann, bob)

    run_virtual(story())


def test_what_a_peer_only_names_is_bounded() -> None:
    async def story() -> None:
        world, _channel, ann, bob, _eve = await trio(3108)
        wire = listen(world)
        await settled(world, wire)
        session = next(s for s in inside(bob).peers() if s.device == identity_of(ann).device)
        named = tuple(
            DeviceStatementOffer(audience=n.to_bytes(8, "big"), device=bytes(8), kind=KIND.value, number=1) for n in range(8000)
        )
        bob.api._network.send(session.link, encode_frame(Offer(number=10**6, device_numbers=named)))
        await asyncio.sleep(5)
        theirs = next(s for s in inside(ann).peers() if s.device == identity_of(bob).device)
        assert len(theirs.unplaced) == 512

    run_virtual(story())
