"""What became of an operation, and by what."""

import pytest
from builders import person
from control_stories import Story

from multichat_tui.channel.verdicts import Worth
from multichat_tui.model.acts import Ban, Remove, SetRank, SetThreshold, SetTopic
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, Permission

FAY, ANN, BOB, KIM = (person(name) for name in ("fay", "ann", "bob", "kim"))


@pytest.fixture
def story() -> Story:
    told = Story((FAY,))
    for each in (ANN, BOB, KIM):
        told.seat(each)
    told.write(FAY, SetRank(user=ANN.user, rank=MODERATOR))
    return told


def test_what_nobody_contradicts_is_in_effect(story: Story) -> None:
    topic = story.write(KIM, SetTopic(topic="boats"))
    verdict = story.played().verdict(topic.id)
    assert (verdict.worth, verdict.causes) == (Worth.IN_EFFECT, ())


def test_what_its_author_had_no_right_to_never_was_and_is_no_reversal(story: Story) -> None:
    removal = story.write(KIM, Remove(user=BOB.user, fence=()))
    log = story.played()
    assert log.verdict(removal.id).worth is Worth.NEVER
    assert not log.reverted(removal.id)


def test_a_reversal_names_what_outweighs_it_and_not_what_only_follows_that(story: Story) -> None:
    start = tuple(story.records)
    promotion = story.write(FAY, SetRank(user=KIM.user, rank=ADMIN), after=start)
    story.write(FAY, SetTopic(topic="unrelated"), after=(*start, promotion))
    story.write(FAY, SetRank(user=KIM.user, rank=60), after=(*start, promotion))
    removal = story.write(ANN, Remove(user=KIM.user, fence=()), after=start)
    log = story.played()
    assert log.reverted(removal.id)
    assert log.verdict(removal.id).causes == (promotion.id,)


def test_of_several_causes_beside_each_other_each_is_named(story: Story) -> None:
    start = tuple(story.records)
    demotion = story.write(FAY, SetRank(user=ANN.user, rank=MEMBER), after=start)
    tightening = story.write(FAY, SetThreshold(permission=Permission.MODERATE, rank=ADMIN), after=start)
    ban = story.write(ANN, Ban(user=KIM.user, fence=()), after=start)
    verdict = story.played().verdict(ban.id)
    assert verdict.worth is Worth.REVERTED
    assert set(verdict.causes) == {demotion.id, tightening.id}
