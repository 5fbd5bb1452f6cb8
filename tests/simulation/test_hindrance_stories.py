"""Stories of why a message is not everywhere yet, between whole nodes in virtual time."""

from simulated_world import Person, SimulatedWorld, until
from test_moderation_stories import three, user_of

from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import SendMessage, SetRegard
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
