"""What a start costs: signatures that were found good are not looked at again."""

import pytest
from simulated_world import Person, SimulatedWorld

from multichat_tui.crypto.identity import join_holds
from multichat_tui.model.joins import Join
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node import world as nodes


async def started_again(person: Person) -> None:
    await person.stop()
    await person.start()


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_joins_are_verified_at_one_start_and_only_those_that_do_not_hold_at_the_next(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Join] = []

    def looked_at(join: Join) -> bool:
        seen.append(join)
        return join_holds(join) and not (kind == "bad" and join.name == "kim")

    async def story() -> None:
        world = SimulatedWorld(31)
        people = await world.add("ann", "bob", "kim", "dave")
        ann = people[0]
        channel = await world.channel_of(*people)
        monkeypatch.setattr(nodes, "join_holds", looked_at)
        await started_again(ann)
        names = [join.name for join in seen]
        assert sorted(names) == ["bob", "dave", "kim"]
        seen.clear()
        await started_again(ann)
        # Behind one that does not hold everything is looked at again.
        assert [join.name for join in seen] == ([] if kind == "good" else names[names.index("kim") :])
        members = [row.name for row in (await ann.api.members(channel)).rows]
        assert ("kim" in members) == (kind == "good")

    run_virtual(story())
