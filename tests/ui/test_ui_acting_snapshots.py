"""Pictures of messages that were edited, reacted to and pinned, of polls and tasks. Updated as those of test_ui_snapshots.py."""

from dataclasses import replace
from typing import Any

import pytest
from test_ui_snapshots import application, opened
from textual.pilot import Pilot
from twin import TwinNode, populated

from multichat_tui.model.snapshots import ReactionRow
from multichat_tui.ui.preferences import Look

VOTE = "/vote 1 to /vote 2 answers"


def told() -> TwinNode:
    node = populated()
    channel = next(row.id for row in node.channel_rows.values() if row.name == "dev")
    rows = node.rows[channel]
    for row, changes in (
        (rows[-1], {"edited": True, "pinned": True}),
        (
            rows[-2],
            {
                "reactions": (
                    ReactionRow(emoji="👍", count=3, mine=True),
                    ReactionRow(emoji="🎉", count=1, mine=False),
                )
            },
        ),
    ):
        node.change(replace(row, **changes))
    poll = node.say(channel, "kim", "When do we sail?")
    node.change(replace(poll, resource="poll", lines=("1. Friday: 2 votes", "2. Saturday morning: no votes"), hint=VOTE))
    task = node.say(channel, "bob", "scrub the deck\nall hands!")
    stands = replace(task, resource="task", lines=("[ ] taken by you",), hint="/done ends it")
    node.change(replace(stands, deeds=("bob set the topic: sailing",)))
    return node


@pytest.mark.parametrize("size", [(80, 24), (40, 16)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_was_done_with_messages_looks_as_before(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(application(told()), terminal_size=size, run_before=opened)


def test_the_reactions_to_pick_from_look_as_before(snap_compare: Any) -> None:
    async def reacting(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press("escape", "k", "k", "k", "plus")
        await pilot.pause()

    assert snap_compare(application(told(), look=Look.TERMINAL), terminal_size=(80, 24), run_before=reacting)
