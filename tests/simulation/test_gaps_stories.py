"""Gaps that stay: what is written and read meanwhile must not depend on what only some hold."""

from dataclasses import replace
from unittest import mock

from simulated_world import SimulatedWorld, until
from test_far_behind import backlog, complete, has_newest, short_pages, three, virtually
from test_fork_stories import Forger, shows
from test_gaps import engine, linked, paused

from multichat_tui.model.acts import Message
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import ChainTip, ChannelOffer, FullItem, MessageFrame, Offer, Request
from multichat_tui.model.ids import PREFIX_SIZE, Log, RecordId
from multichat_tui.model.intents import ChangeSetting
from multichat_tui.sync.chains import ChainKey, Chains
from multichat_tui.sync.session import Session

__all__ = ["short_pages"]


@virtually
async def test_who_holds_a_part_above_a_gap_that_nobody_can_close_is_still_heard_by_all() -> None:
    world, channel, ana, ben, cleo = await three(601)
    await world.pair(ben, cleo)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="20"))
    await cleo.stop()
    await backlog(channel, 50, ana)
    await until(lambda: shows(ben, channel, "message 49"), "ben has the first part")
    await ben.stop()
    for number in range(50, 100):
        await ana.say(channel, f"message {number}")
    await cleo.start()
    await until(lambda: paused(cleo, channel), "cleo has the newest")
    ana.crash()
    await ben.start()
    await cleo.say(channel, "mine")
    await until(lambda: shows(ben, channel, "mine"), "ben hears cleo", timeout_s=120)
    await ben.say(channel, "yours")
    await until(lambda: shows(cleo, channel, "yours"), "cleo hears ben", timeout_s=120)


@virtually
async def test_a_live_message_that_cites_what_lies_in_a_gap_is_shown() -> None:
    _world, channel, ana, ben, cleo = await three(611)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="60"))
    await cleo.stop()
    await backlog(channel, 50, ana)
    await until(lambda: shows(ben, channel, "message 49"), "ben has the first part")
    await ben.stop()
    for number in range(50, 200):
        await ana.say(channel, f"message {number}")
    await cleo.start()
    await until(lambda: paused(cleo, channel), "it stops at the depth")
    await ana.stop()
    await ben.start()
    await ben.say(channel, "from the past")
    await ana.start()
    await until(lambda: shows(ana, channel, "from the past"), "ana hears it")
    await ana.say(channel, "an answer")
    await until(lambda: shows(cleo, channel, "from the past", "an answer"), "cleo hears both", timeout_s=120)
    assert await paused(cleo, channel)


@virtually
async def test_what_stands_on_nothing_silences_nobody_who_took_it_for_history() -> None:
    """A member's record names a parent that does not exist. Who is far behind takes it; nobody else ever will."""
    world, channel, ana, ben, cleo = await three(621)
    await world.pair(ben, cleo)
    await cleo.stop()
    await backlog(channel, 150, ana)
    await until(lambda: shows(ben, channel, "message 149"), "ben has all")
    await ana.stop()
    forger = Forger(ben)
    record = forger.record(channel, Message(text="upon nothing"), parents=(RecordId(b"n" * 32),))
    item = FullItem(header_bytes=record.header_bytes, signature=record.signature, body=record.body)
    usual = engine(ben)._exchange.on_request

    claimed: list[bool] = []

    def answer(session: Session, request: Request) -> None:
        if request.newest and not claimed:
            return
        if request.newest:
            page = MessageFrame(channel=channel[:PREFIX_SIZE], items=(item,), following=2)
            ben.network.send(session.link, encode_frame(page))
        usual(session, request)

    engine(ben)._exchange.on_request = answer
    await cleo.start()
    await until(lambda: linked(ben, cleo), "ben meets cleo")
    session = forger.mallory.world.session_of(engine(cleo).world.identity.device)
    assert session is not None
    tip = ChainTip(device=forger.device[:PREFIX_SIZE], log=Log.CONTENT, seq=0, hash=record.id[:PREFIX_SIZE])
    offer = Offer(number=10**6, channels=(ChannelOffer(channel=channel, tips=(tip,)),))
    ben.network.send(session.link, encode_frame(offer))
    claimed.append(True)
    await until(lambda: shows(cleo, channel, "upon nothing", "message 0", "message 149"), "cleo has taken it", timeout_s=60)
    await cleo.stop()
    await cleo.start()
    await cleo.say(channel, "mine")
    await cleo.say(channel, "mine too")
    await ben.stop()
    await ana.start()
    await until(lambda: shows(ana, channel, "mine", "mine too"), "ana hears cleo", timeout_s=120)
    await ana.say(channel, "heard")
    await until(lambda: shows(cleo, channel, "heard"), "cleo hears ana", timeout_s=120)


@virtually
async def test_a_gap_that_closes_leaves_nothing_behind() -> None:
    world, channel, ana, ben, cleo = await three(631)
    await cleo.stop()
    await backlog(channel, 150, ana, ben)
    await cleo.start()
    await until(lambda: has_newest(cleo, channel, "message 149"), "the newest is there")
    await cleo.say(channel, "while it comes")
    await until(lambda: shows(cleo, channel, "message 0"), "the oldest is there")
    await until(lambda: complete(cleo, channel), "no gap is left")
    await cleo.say(channel, "after it came")
    assert len(await world.converge(channel)) == 153
    chains = engine(cleo).world.channels[channel].chains
    assert len(chains.heads[Log.CONTENT]) == 1


@virtually
async def test_what_was_falsely_claimed_of_a_silent_member_does_not_hide_what_they_say_later() -> None:
    world = SimulatedWorld(631)
    ana, ben, cleo, dora = await world.add("ana", "ben", "cleo", "dora")
    for one in (ben, cleo, dora):
        await world.pair(ana, one)
    channel = await world.channel_of(ana, ben, cleo, dora)
    await world.pair(ben, cleo)
    await dora.say(channel, "dora is here")
    await world.converge(channel)
    await cleo.api.submit(ChangeSetting(key="history.depth", value="60"))
    await cleo.stop()
    await dora.say(channel, "dora goes")
    await backlog(channel, 200, ana)
    await until(lambda: shows(ben, channel, "dora goes", "message 199"), "ben has it all")
    lied_about = (Log.CONTENT, engine(dora).world.identity.device[:PREFIX_SIZE])
    await dora.stop()
    await ana.stop()

    chains, named = engine(ben).world.channels[channel].chains, Chains.named
    assert lied_about in chains.ends

    def falsely(self: Chains, key: ChainKey) -> tuple[ChainTip, ...]:
        true = named(self, key)
        return tuple(replace(tip, seq=10**15) for tip in true) if self is chains and key == lied_about else true

    with mock.patch.object(Chains, "named", falsely):
        await cleo.start()
        await until(lambda: paused(cleo, channel), "it stops at the depth")
        ben.crash()
    await cleo.stop()
    await ana.start()
    await dora.start()
    await dora.say(channel, "are you there?")
    await until(lambda: shows(ana, channel, "are you there?"), "ana has it")
    await dora.stop()
    await cleo.start()
    await until(lambda: shows(cleo, channel, "are you there?"), "cleo hears dora", timeout_s=120)
    rows = await cleo.rows(channel)
    assert max(rows, key=lambda row: row.arrival).text == "are you there?"
    assert await paused(cleo, channel)
