"""Records and frames made to break a node that takes them: each is refused or waits, no batch fails, honest messages go on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from builders import signed_record
from simulated_world import Person, SimulatedWorld, until
from test_node_hostile import Mallory, counters, setting, story

from multichat_tui.crypto.identity import sign_profile
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.acts import Create, Message, SetTopic, Style
from multichat_tui.model.codec import encode
from multichat_tui.model.errors import IntentRefused, MultichatError
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import (
    ChainRange,
    ElidedItem,
    FullItem,
    JoinFrame,
    MessageFrame,
    Offer,
    Ref,
    Request,
)
from multichat_tui.model.identity import Certificate, certificate_body, decode_certificate
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, Log, RecordId, UserId
from multichat_tui.model.intents import AcceptContact, InviteContact, InviteToChannel, JoinChannel, LeaveChannel
from multichat_tui.model.intents import SetTopic as TopicIntent
from multichat_tui.model.invitations import Invitation, join_seed, parse_link
from multichat_tui.model.joins import join_body
from multichat_tui.model.limits import MAX_HEADER_BYTES, MAX_INTEGER, MAX_PENDING_OFFERS, MAX_RECORD_FAULTS, PAGE_RECORDS
from multichat_tui.model.ports import FrameIn
from multichat_tui.model.records import (
    Header,
    Kind,
    Record,
    body_hash,
    seal_body,
    size_bucket,
)
from multichat_tui.model.statements import Profile
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.offered_channels import MAX_BEGUN
from multichat_tui.store.memory import _MemoryTransaction
from multichat_tui.sync.session import Role

Play = Callable[[SimulatedWorld, Person, Person, ChannelId, Mallory], Awaitable[None]]


def attack(seed: int, caplog: pytest.LogCaptureFixture, play: Play) -> None:
    """Ann is honest; Bob, a member, is Mallory. Whatever he does, Ann's batches hold, and he hears her afterwards."""

    async def whole() -> None:
        world, ann, bob, channel = await setting(seed)
        await play(world, ann, bob, channel, Mallory(bob))
        await asyncio.sleep(3)
        assert "batch failed" not in caplog.text
        await ann.say(channel, "still here")

        async def heard() -> bool:
            return "still here" in await bob.texts(channel)

        await until(heard, "an honest message afterwards")

    story(whole)


def signed(mallory: Mallory, header: Header, body: bytes) -> Record:
    return signed_record(mallory.world.identity.signer, header, body)


def content_head(mallory: Mallory, channel: ChannelId) -> RecordId:
    return next(iter(mallory.world.channels[channel].chains.heads[Log.CONTENT]))


async def counted(person: Person, reason: str) -> None:
    async def so() -> bool:
        return (await counters(person)).get(reason, 0) > 0

    await until(so, f"{reason} counted")


def test_content_that_names_content_as_its_control_heads_waits_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        await bob.say(channel, "first")
        record = mallory.record(channel, (Message(text="odd"),))
        header = replace(record.header, control_heads=(content_head(mallory, channel),))
        mallory.push(channel, signed(mallory, header, record.body or b""))
        await asyncio.sleep(3)
        assert "odd" not in await ann.texts(channel)

    attack(101, caplog, play)


def test_a_control_record_upon_content_waits_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        await bob.say(channel, "first")
        parents = (content_head(mallory, channel),)
        mallory.push(channel, mallory.record(channel, (SetTopic(topic="odd"),), log=Log.CONTROL, parents=parents))
        await asyncio.sleep(3)
        assert (await ann.api.channel(channel)).rows.topic == ""

    attack(102, caplog, play)


def test_a_record_upon_one_of_another_channel_waits_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """Else one who shares one channel could learn what is held of another."""

    async def play(world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        other = await world.channel_of(ann, bob, name="other")
        await bob.say(other, "elsewhere")
        await until(lambda: _shows(ann, other, "elsewhere"), "delivered")
        mallory.push(channel, mallory.record(channel, (Message(text="odd"),), parents=(content_head(mallory, other),)))
        await asyncio.sleep(3)
        assert "odd" not in await ann.texts(channel)

    attack(103, caplog, play)


def test_a_merge_of_the_control_log_is_delivered(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        body = seal_body(b"\xa0", bytes(32))
        plain = mallory.record(channel, (SetTopic(topic="x"),), log=Log.CONTROL).header
        header = replace(plain, kind=Kind.MERGE, body_hash=body_hash(body), body_size_bucket=size_bucket(len(body)))
        merge = signed(mallory, header, body)
        mallory.push(channel, merge)

        async def delivered() -> bool:
            engine = ann.api._engine
            assert engine is not None
            return engine.world.channels[channel].control.operation(merge.id) is not None

        await until(delivered, "the merge")
        ann.crash()
        await ann.start()
        assert (await ann.api.channel(channel)).rows.members == 2

    attack(104, caplog, play)


def test_a_header_beyond_its_bound_does_not_come_in_by_the_short_form(caplog: pytest.LogCaptureFixture) -> None:
    """Once stored it could not be read again, and the profile would not open any more."""

    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        many = tuple(UserId(number.to_bytes(32, "big")) for number in range(1, 200))
        plain = mallory.record(channel, (Message(text="wide"),))
        record = signed(mallory, replace(plain.header, recipients=many), plain.body or b"")
        assert len(record.header_bytes) > MAX_HEADER_BYTES
        mallory.send(_elided(mallory, channel, record))
        await counted(ann, "record-limit")
        assert "wide" not in await ann.texts(channel)

    attack(105, caplog, play)


def _elided(mallory: Mallory, channel: ChannelId, record: Record) -> MessageFrame:
    header = record.header
    ends = {end.id: end for end in mallory.world.channels[channel].chains.ends.values()}
    table = [header.device[:PREFIX_SIZE]]
    heads = []
    for identifier in header.control_heads:
        table.append(ends[identifier].device[:PREFIX_SIZE])
        heads.append(Ref(device=len(table) - 1, seq=ends[identifier].seq))
    item = ElidedItem(
        device=0,
        log=header.log,
        seq=header.seq,
        timestamp_ms=header.timestamp_ms,
        check=record.id[:PREFIX_SIZE],
        signature=record.signature,
        body=record.body or b"",
        parents=(),
        control_heads=tuple(heads),
        ets=header.ets,
        recipients=header.recipients,
    )
    return MessageFrame(channel=channel[:PREFIX_SIZE], devices=tuple(table), items=(item,))


async def _shows(person: Person, channel: ChannelId, text: str) -> bool:
    return text in await person.texts(channel)


def test_a_join_that_names_anothers_account_makes_no_peer() -> None:
    """The device is its sender's, and known to the channel; the account is that of a member; the signatures are nobody's."""

    async def play() -> None:
        world = SimulatedWorld(106)
        ann, bob, eve = await world.add("ann", "bob", "eve")
        channel = await world.channel_of(ann, bob, eve)
        await eve.api.submit(LeaveChannel(channel=channel))
        await until(lambda: _members(ann, channel, 2), "eve has left")
        await eve.stop()
        await eve.start()
        link = (await ann.api.submit(InviteToChannel(channel=channel, uses=5))).link
        assert link is not None
        invitation = parse_link(link)
        assert isinstance(invitation, Invitation)
        mallory, theirs = Mallory(eve), Mallory(bob).world.identity.certificate
        device = mallory.world.identity.device
        body = certificate_body(
            account_key=theirs.account_key, device=device, sealing_key=bytes(32), olm_key=bytes(32), created_ms=1
        )
        certificate = decode_certificate(encode([body, bytes(64), bytes(64)]))
        assert isinstance(certificate, Certificate)
        inner = join_body(
            channel=channel,
            join_key=public_key(join_seed(invitation.seed)),
            certificate=certificate,
            name="bob",
            timestamp_ms=1,
        )
        forged = JoinFrame(join=encode([inner, bytes(64), bytes(64)]))
        engine = eve.api._engine
        assert engine is not None
        engine._introductions._ask = lambda session: mallory.world.send(session, forged)
        await eve.api.submit(JoinChannel(link=link))
        await counted(ann, "join-refused")
        sessions = Mallory(ann).world.sessions.values()
        assert all(session.role is Role.GUEST for session in sessions if session.device == device)

    story(play)


def test_a_full_channel_takes_nobody_in_and_everything_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, _mallory: Mallory) -> None:
        monkeypatch.setattr("multichat_tui.node.ledger.MAX_CHANNEL_DEVICES", 2)
        monkeypatch.setattr("multichat_tui.node.admissions.MAX_CHANNEL_DEVICES", 2)
        link = (await bob.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        (cid,) = await world.add("cid")
        await cid.api.submit(JoinChannel(link=link))
        await counted(bob, "join-refused")
        await ann.api.submit(TopicIntent(channel=channel, topic="full"))

        async def told() -> bool:
            return (await bob.api.channel(channel)).rows.topic == "full"

        await until(told, "the topic")
        assert await _members(ann, channel, 2)

    attack(107, caplog, play)


def test_comings_and_goings_do_not_use_up_what_a_founder_may_write(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is answered by control records of our own, of which a device has so many; its user keeps a quarter of them."""

    async def play(world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, _mallory: Mallory) -> None:
        monkeypatch.setattr("multichat_tui.node.ledger.MAX_CONTROL_RECORDS_PER_DEVICE", 16)
        link = (await ann.api.submit(InviteToChannel(channel=channel, uses=9))).link
        assert link is not None
        for _ in range(8):
            await bob.api.submit(LeaveChannel(channel=channel))
            await asyncio.sleep(5)
            await bob.api.submit(JoinChannel(link=link))
            await asyncio.sleep(5)
        end = Mallory(ann).world.channels[channel].chains.ends[Log.CONTROL, Mallory(ann).world.identity.device[:PREFIX_SIZE]]
        assert end.seq + 1 == 12
        again = (await ann.api.submit(InviteToChannel(channel=channel))).link
        for number in range(3):
            await ann.api.submit(TopicIntent(channel=channel, topic=str(number)))
        with pytest.raises(IntentRefused):
            await ann.api.submit(TopicIntent(channel=channel, topic="one too many"))
        monkeypatch.undo()
        assert again is not None
        await bob.api.submit(JoinChannel(link=again))
        await until(lambda: _members(bob, channel, 2), "in again")

    attack(108, caplog, play)


async def _members(person: Person, channel: ChannelId, count: int) -> bool:
    return len((await person.api.members(channel)).rows) == count


def test_a_guest_who_goes_on_about_other_things_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async def play(world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, _mallory: Mallory) -> None:
        (eve,) = await world.add("eve")
        engine = eve.api._engine
        assert engine is not None
        engine._introductions.opened = lambda session: None
        link = (await ann.api.submit(InviteContact())).link
        assert link is not None
        await eve.api.submit(AcceptContact(link=link))
        guest = Mallory(eve)

        async def linked() -> bool:
            return bool(guest.world.sessions)

        await until(linked, "a link under the invitation")
        first = guest.link
        for _ in range(MAX_RECORD_FAULTS + 1):
            guest.send(Offer(number=1, channels=()))

        async def cut() -> bool:
            return first not in guest.world.sessions

        await until(cut, "the link is cut")

    attack(109, caplog, play)


def test_requests_for_chains_that_do_not_exist_are_not_remembered(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        ranges = tuple(
            ChainRange(device=number.to_bytes(PREFIX_SIZE, "big"), log=Log.CONTENT, first=0, last=MAX_INTEGER)
            for number in range(500)
        )
        mallory.send(Request(channel=channel[:PREFIX_SIZE], ranges=ranges))
        await asyncio.sleep(1)
        assert all(len(session.asked_of) < 5 for session in Mallory(ann).world.sessions.values())

    attack(110, caplog, play)


def test_one_request_reads_a_page_of_records_at_most(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same chain asked for five hundred times in one frame is read once."""

    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        for number in range(PAGE_RECORDS + 5):
            await ann.say(channel, str(number))
        reads: list[int] = []
        chain = _MemoryTransaction.chain

        def counting(self: _MemoryTransaction, *where: Any) -> list[Record]:
            found = chain(self, *where)
            reads.append(len(found))
            return found

        monkeypatch.setattr(_MemoryTransaction, "chain", counting)
        device = Mallory(ann).world.identity.device[:PREFIX_SIZE]
        ranges = (ChainRange(device=device, log=Log.CONTENT, first=0, last=MAX_INTEGER),) * 500
        mallory.send(Request(channel=channel[:PREFIX_SIZE], ranges=ranges, full=True))
        await asyncio.sleep(1)
        assert PAGE_RECORDS <= sum(reads) <= 2 * PAGE_RECORDS

    attack(111, caplog, play)


def test_offers_of_many_chains_are_split(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: SimulatedWorld, ann: Person, bob: Person, channel: ChannelId, _mallory: Mallory) -> None:
        other = await world.channel_of(ann, bob, name="other")
        monkeypatch.setattr("multichat_tui.node.offers.MAX_TIPS", 5)
        seen: list[int] = []
        # To a peer of the first version everything is offered at link up.
        bob.network.version = 1

        def tap(_sender: object, _receiver: object, frame: bytes) -> None:
            offer = decode_frame(frame)
            if isinstance(offer, Offer):
                seen.append(len(offer.channels))

        world.hub.on_frame = tap
        bob.crash()
        await ann.say(other, "while away")
        await bob.start()
        await until(lambda: _shows(bob, other, "while away"), "all the same")
        assert max(seen) == 1

    attack(112, caplog, play)


def test_a_read_that_fails_hurts_its_reader_only(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, _channel: ChannelId, _mallory: Mallory) -> None:
        with pytest.raises(MultichatError):
            await ann.api._read(lambda rows: 1 // 0)

    attack(113, caplog, play)


def test_a_message_sent_in_the_batch_that_takes_a_peers_is_not_taken_for_delivered(caplog: pytest.LogCaptureFixture) -> None:
    """Two people write at the same instant, and the cable is pulled before anything of ours got through."""

    async def play(world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        theirs = mallory.record(channel, (Message(text="theirs"),))
        item = FullItem(header_bytes=theirs.header_bytes, signature=theirs.signature, body=theirs.body)
        frame = encode_frame(MessageFrame(channel=channel[:PREFIX_SIZE], items=(item,)))
        world.hub.partition(["ann"], ["bob"])
        ours = asyncio.create_task(ann.say(channel, "ours"))
        await asyncio.sleep(0)
        ann.api._deliver(FrameIn(link=Mallory(ann).link, frame=frame))
        await ours
        rows = {row.text: row for row in await ann.rows(channel)}
        assert "theirs" in rows
        assert rows["ours"].delivered == 0
        world.hub.heal()

    attack(114, caplog, play)


def test_a_chain_sent_backwards_is_looked_at_twice_not_once_per_record_each(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(_world: SimulatedWorld, ann: Person, _bob: Person, channel: ChannelId, mallory: Mallory) -> None:
        looked: list[int] = []
        receive = Ledger.receive

        def counting(self: Ledger, *what: Any) -> Any:
            looked.append(1)
            return receive(self, *what)

        monkeypatch.setattr(Ledger, "receive", counting)
        chain = [mallory.record(channel, (Message(text="0"),))]
        for number in range(1, 100):
            last = chain[-1]
            header = replace(last.header, seq=last.header.seq + 1, prev=last.id, parents=(last.id,))
            chain.append(signed(mallory, header, last.body or b""))
            assert number == len(chain) - 1
        for record in reversed(chain):
            mallory.push(channel, record)

        async def whole() -> bool:
            return len(await ann.texts(channel)) == len(chain)

        await until(whole, "all of the chain")
        # What was asked for meanwhile comes again; the square of the number would be thousands.
        assert len(looked) < 8 * len(chain)

    attack(115, caplog, play)


def test_a_contact_begins_so_many_direct_channels_at_most(caplog: pytest.LogCaptureFixture) -> None:
    async def play(_world: SimulatedWorld, ann: Person, bob: Person, _channel: ChannelId, mallory: Mallory) -> None:
        engine = bob.api._engine
        assert engine is not None
        device = Mallory(ann).world.identity.certificate

        def found(count: int) -> None:
            with bob.store.transaction() as txn:
                engine.begin(txn, bob.now_ms())
                for number in range(count):
                    founders = ((mallory.world.identity.certificate,), (device,))
                    create = Create(style=Style.DIRECT, name="", founders=founders, nonce=number.to_bytes(16, "big"))
                    engine._exchange.announce(engine._ledger.found(create))
                effects = engine.finish()
            for link, frame in effects.frames:
                bob.network.send(link, frame)

        found(MAX_BEGUN + 5)
        await counted(ann, "too-many-direct-channels")
        direct = [c for c in Mallory(ann).world.channels.values() if Mallory(ann).world.partner(c) is not None]
        assert len(direct) == MAX_BEGUN

    attack(116, caplog, play)


def test_many_new_names_in_one_frame_are_offered_on_once(caplog: pytest.LogCaptureFixture) -> None:
    async def play(world: SimulatedWorld, ann: Person, bob: Person, _channel: ChannelId, mallory: Mallory) -> None:
        (cid,) = await world.add("cid")
        await world.channel_of(ann, bob, cid, name="three")
        await asyncio.sleep(5)
        offers: list[Offer] = []

        def tap(sender: Any, receiver: Any, frame: bytes) -> None:
            offer = decode_frame(frame)
            if sender is ann.network and receiver is cid.network and isinstance(offer, Offer) and offer.statements:
                offers.append(offer)

        world.hub.on_frame = tap
        identity = mallory.world.identity
        names = (sign_profile(identity.secrets, identity.user, number, Profile(name=f"bob{number}")) for number in range(10, 60))
        encoded = encode_frame(MessageFrame(channel=bytes(PREFIX_SIZE), statements=tuple(name.encoded for name in names)))
        link = next(link for link, session in mallory.world.sessions.items() if session.user == Mallory(ann).world.identity.user)
        bob.network.send(link, encoded)
        await asyncio.sleep(5)
        assert 1 <= len(offers) <= 2

    attack(117, caplog, play)


def test_a_peer_that_acknowledges_nothing_is_cut_in_the_end() -> None:
    async def play() -> None:
        _, ann, bob, channel = await setting(40)
        silent, engine = bob.api._engine, ann.api._engine
        assert silent is not None
        assert engine is not None
        silent._exchange._acks.flush = lambda session: session.ack_offers.clear()
        first = next(iter(engine.world.sessions))
        most = 0
        for number in range(400):
            if number % 10 == 0:
                await ann.say(channel, str(number))
            await asyncio.sleep(5)
            most = max(most, *(len(session.offers) for session in engine.world.sessions.values()), 0, 0)
        assert most <= MAX_PENDING_OFFERS
        assert first not in engine.world.sessions

    story(play)
