"""The list of channels of a workspace: who may write it, and what stands on it after all."""

import pytest
from builders import make_root, person
from control_stories import Story

from multichat_tui.channel import permitting
from multichat_tui.model.acts import Listing, SetRank, SetThreshold, Style
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.ranks import ADMIN, Permission

FAY, ANN, BOB = (person(name) for name in ("fay", "ann", "bob"))
DEV, OPS = ChannelId(b"d" * 32), ChannelId(b"o" * 32)


def workspace() -> Story:
    story = Story((FAY,))
    story.records = [make_root((FAY,), name="acme", style=Style.WORKSPACE)]
    for each in (ANN, BOB):
        story.seat(each)
    story.write(FAY, SetRank(user=ANN.user, rank=ADMIN))
    return story


def names(story: Story) -> dict[ChannelId, str]:
    return {channel: listing.name for channel, (_, listing) in story.played().view.directory.items()}


def test_only_who_may_make_channels_writes_the_list_and_only_in_a_workspace() -> None:
    story = workspace()
    story.write(BOB, Listing(channel=OPS, name="ops"))
    story.write(ANN, Listing(channel=DEV, name="dev"))
    assert names(story) == {DEV: "dev"}
    group = Story((FAY,))
    group.write(FAY, Listing(channel=DEV, name="dev"))
    assert names(group) == {}


def test_the_last_entry_counts_and_of_two_beside_each_other_that_of_the_higher_rank() -> None:
    story = workspace()
    story.write(ANN, Listing(channel=DEV, name="dev"))
    beside = tuple(story.records)
    story.write(FAY, Listing(channel=DEV, name="development"), after=beside)
    story.write(ANN, Listing(channel=DEV, name=""), after=beside)
    assert names(story) == {DEV: "development"}
    story.write(ANN, Listing(channel=DEV, name=""))
    assert names(story) == {}


def test_who_lost_the_right_beside_their_entry_has_written_none() -> None:
    story = workspace()
    beside = tuple(story.records)
    story.write(FAY, SetThreshold(permission=Permission.CREATE, rank=1000), after=beside)
    story.write(ANN, Listing(channel=DEV, name="dev"), after=beside)
    assert names(story) == {}


def test_a_full_list_takes_no_more_and_changes_of_what_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permitting, "MAX_LISTED", 1)
    story = workspace()
    story.write(ANN, Listing(channel=DEV, name="dev"))
    story.write(ANN, Listing(channel=OPS, name="ops"))
    story.write(ANN, Listing(channel=DEV, name="development"))
    assert names(story) == {DEV: "development"}
    story.write(ANN, Listing(channel=DEV, name=""))
    story.write(ANN, Listing(channel=OPS, name="ops"))
    assert names(story) == {OPS: "ops"}
