"""Stories of why a message is not everywhere yet, between whole nodes in virtual time."""

import asyncio

import pytest
from simulated_world import Person, SimulatedWorld, until
from test_audit_stories import hosted
from test_mailbox_use_stories import routed, two_mailboxes
from test_moderation_stories import three, user_of

from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import InviteToChannel, JoinChannel, SendMessage, SetRegard
from multichat_tui.model.limits import MAX_DEPOSITS_PER_DEVICE, MAX_GATHER_MS
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.regards import Regard
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.api.commands import run_command


async def why(person: Person, record: RecordId) -> dict[str, str]:
    return {device.name: device.why for device in (await person.api.delivery(record)).rows.devices}


def test_why_a_message_waits_is_told_for_each_device_until_it_has_come() -> None:
    async def story() -> None:
        world = SimulatedWorld(721)
        ann, bob, kim, channel = await three(world)
        await kim.stop()
        accepted = await ann.api.submit(SendMessage(channel=channel, text="who is there?"))
        assert accepted.record is not None
        record = accepted.record

        async def told() -> bool:
            said = await why(ann, record)
            return said["bob"] == "" and said["kim"].startswith("it was not reached at ")

        await until(told, "bob has it, and ann has called kim in vain")
        lines = (await run_command(ann.api, channel, "/net why", "")).lines
        assert len(lines) == 2
        assert "1 of 2 devices have it" in lines[0]
        assert lines[1].split()[0] == "kim"
        for named in ("kim", "@kim", "#dev"):
            assert (await run_command(ann.api, None, f"/net why {named}", "")).lines == lines
        of_bob = (await run_command(ann.api, None, "/net why bob", "")).lines
        assert of_bob[0] == "Nothing of yours waits for bob."
        assert of_bob[1].startswith("bob  ")
        with pytest.raises(NotFound, match="no message, person or channel 'max'"):
            await run_command(ann.api, channel, "/net why max", "")
        await kim.start()

        async def come() -> bool:
            return not any((await why(ann, record)).values())

        await until(come, "kim has it too")
        assert "Nothing of yours waits" in (await run_command(ann.api, channel, "/net why", "")).lines[0]
        await ann.api.submit(SetRegard(user=await user_of(bob), regard=Regard.BLOCKED))
        accepted = await ann.api.submit(SendMessage(channel=channel, text="not by me"))
        assert accepted.record is not None
        assert "you have blocked them" in (await why(ann, accepted.record))["bob"]

    run_virtual(story())


def test_that_a_mailbox_is_not_called_for_its_private_address_is_told_to_fellow_members_and_not_to_contacts() -> None:
    async def story() -> None:
        world = SimulatedWorld(723)
        channel, ann, bob, host = await hosted(world, seed=723)
        (eve,) = await world.add("eve")
        link = (await bob.api.submit(InviteToChannel(channel=channel))).link
        assert link is not None
        await eve.api.submit(JoinChannel(link=link))
        await routed(eve, bob, channel, 1)
        await routed(ann, bob, channel, 1)
        await routed(ann, bob, await user_of(ann), 1)
        await host.stop()
        await bob.stop()
        for person in (ann, eve):
            await person.say(channel, f"{person.name} was here")

        async def told(person: Person) -> bool:
            record = person.acknowledged[-1][1]
            said = (await why(person, record))["bob"]
            assert person is eve or "private networks" not in said, said
            return said.startswith("it was not reached at ") and (person is ann or "private networks" in said)

        for person in (ann, eve):
            await until(lambda person=person: told(person), f"{person.name} is told why it waits")

    run_virtual(story())


def test_that_as_much_lies_at_mailboxes_as_may_is_told_of_what_waits_behind_it() -> None:
    async def story() -> None:
        world = SimulatedWorld(722)
        channel, ann, bob, _host = await hosted(world, seed=722)
        await routed(ann, bob, channel, 1)
        await bob.stop()
        records: list[RecordId] = []
        for number in range(MAX_DEPOSITS_PER_DEVICE + 1):
            await ann.say(channel, f"day {number}")
            records.append(ann.acknowledged[-1][1])
            await asyncio.sleep(MAX_GATHER_MS / 1000)

        async def waits(record: RecordId) -> bool:
            return "as much is on its way to its mailboxes" in (await why(ann, record))["bob"]

        await until(lambda: waits(records[-1]), "it is told why the last one is not at the mailbox")
        assert not any([await waits(record) for record in records[:-1]])
        assert str(MAX_DEPOSITS_PER_DEVICE) in (await why(ann, records[-1]))["bob"]
        await bob.start()

        async def come() -> bool:
            return not (await why(ann, records[-1]))["bob"]

        await until(come, "bob has it")

    run_virtual(story())


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (Word.FULL_OWNER, "the room that they have there is full"),
        (Word.FULL_QUEUE, "the room that they have there is full"),
        (Word.FULL, "it is full"),
        (Word.BUSY, "its disk is full, or too much was asked of it at once"),
        (Word.UNAUTHORISED, "they have no place there any more"),
        (None, "it was not reached, or did not answer"),
    ],
)
def test_the_word_with_which_a_mailbox_refused_is_told(word: Word | None, told: str) -> None:
    async def story() -> None:
        _world, channel, ann, bob, mailboxes = await two_mailboxes(723)
        await routed(ann, bob, channel, 2)
        await bob.stop()
        for mailbox in mailboxes:
            if word is None:
                await mailbox.person.stop()
            mailbox.refuses_puts = word
        await ann.say(channel, "is there room?")
        record = ann.acknowledged[-1][1]

        async def said() -> bool:
            notes = [device.note for device in (await ann.api.delivery(record)).rows.devices if device.name == "bob"]
            return notes[0].count(told) == 2 and "it is tried again" in notes[0]

        await until(said, "the reason is told of both")
        if word is None:
            return
        for mailbox in mailboxes:
            mailbox.refuses_puts = None

        async def stored() -> bool:
            (device,) = [each for each in (await ann.api.delivery(record)).rows.devices if each.name == "bob"]
            return device.stored == 2 and told not in device.note

        await until(stored, "it lies there, and nothing is told of it", timeout_s=3 * 3600)

    run_virtual(story())
