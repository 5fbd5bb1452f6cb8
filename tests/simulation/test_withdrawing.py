"""What is about to leave for somebody who is found in the same batch to be no member any more stays here."""

import asyncio

from simulated_world import SimulatedWorld, until

from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.frames import ChainRange, MessageFrame, Request
from multichat_tui.model.ids import PREFIX_SIZE, Log
from multichat_tui.model.intents import RemoveMember
from multichat_tui.model.ports import FrameIn
from multichat_tui.net.simulated import Conditions, SimulatedNetwork
from multichat_tui.net.virtual_time import run_virtual


def test_a_request_and_the_removal_of_who_asked_in_one_batch_serve_nothing() -> None:
    async def story() -> None:
        world = SimulatedWorld(41, Conditions(latency_ms=1))
        ann, bob, kim = await world.add("ann", "bob", "kim")
        channel = await world.channel_of(ann, bob, kim)
        await ann.say(channel, "not for everybody for ever")
        await world.converge(channel)
        engines = {person.name: person.api._engine for person in (ann, bob, kim)}
        device = {name: engine.world.identity.device for name, engine in engines.items()}
        links = {session.device: session.link for session in engines["kim"].world.peers()}
        ask = Request(
            channel=channel[:PREFIX_SIZE],
            ranges=(ChainRange(device=device["ann"][:PREFIX_SIZE], log=Log.CONTENT, first=0, last=0),),
        )
        served: list[bytes] = []
        removal: list[bytes] = []

        def tap(sender: SimulatedNetwork, receiver: SimulatedNetwork, frame: bytes) -> None:
            if sender.name == "ann" and receiver.name == "kim" and isinstance(decode_frame(frame), MessageFrame):
                removal.append(frame)
            if sender.name == "kim" and receiver.name == "bob" and b"not for everybody" in frame:
                served.append(frame)

        world.hub.on_frame = tap
        kim.api._deliver(FrameIn(link=links[device["bob"]], frame=encode_frame(ask)))
        await asyncio.sleep(1)
        assert len(served) == 1, "who is a member is served"
        served.clear()
        # What ann says now takes long to kim, who gets it by hand, right behind a question of bob's.
        world.hub.set_conditions("ann", "kim", Conditions(latency_ms=60_000))
        world.hub.set_conditions("bob", "kim", Conditions(latency_ms=60_000))
        await ann.api.submit(RemoveMember(channel=channel, user=engines["bob"].world.identity.user))

        async def said() -> bool:
            return bool(removal)

        await until(said, "ann has sent it to kim")
        kim.api._deliver(FrameIn(link=links[device["bob"]], frame=encode_frame(ask)))
        kim.api._deliver(FrameIn(link=links[device["ann"]], frame=removal[-1]))
        await asyncio.sleep(1)
        assert engines["bob"].world.identity.user not in engines["kim"].world.channels[channel].view.members
        assert served == []

    run_virtual(story())
