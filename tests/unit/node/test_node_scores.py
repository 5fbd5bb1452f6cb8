"""How mailboxes did: what is forgotten, when one fails, when it comes back; what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multichat_tui.model.codec import Rejected, encode
from multichat_tui.model.limits import SCORE_HALF_LIFE_MS, WIPED_LOSSES
from multichat_tui.model.mailboxes import MailboxId, QueueId
from multichat_tui.model.snapshots import MailboxFailing
from multichat_tui.node.scores import Score, decode_score
from multichat_tui.node.specimens import decode_specimen, specimen

DAY_MS = 24 * 60 * 60 * 1000
NOW = 1_760_000_000_000


def judged(**how: float) -> MailboxFailing | None:
    score = Score(at_ms=NOW)
    for name, value in how.items():
        setattr(score, name, value)
    score.judge()
    return score.failing


def test_everything_counts_half_after_the_half_life_and_a_clock_that_goes_back_changes_nothing() -> None:
    score = Score(at_ms=NOW, kept=8, lost=4, taken=2, refused=6, reached=10, missed=12, tests=7)
    score.fade(NOW - DAY_MS)
    assert (score.kept, score.at_ms) == (8, NOW - DAY_MS)
    score.fade(score.at_ms + SCORE_HALF_LIFE_MS)
    assert [score.kept, score.lost, score.taken, score.refused, score.reached, score.missed] == [4, 2, 1, 3, 5, 6]
    assert score.tests == 7, "all that there were"


@pytest.mark.parametrize(
    ("how", "failing"),
    [
        ({}, None),
        ({"lost": 1}, None),
        ({"lost": 2}, MailboxFailing.LOSES),
        ({"kept": 90, "lost": 5}, None),
        ({"kept": 90, "lost": WIPED_LOSSES}, MailboxFailing.LOSES),
        ({"kept": 4, "lost": 4}, MailboxFailing.LOSES),
        ({"refused": 1}, None),
        ({"refused": 2}, MailboxFailing.REFUSES),
        ({"missed": 24}, None),
        ({"missed": 200}, MailboxFailing.AWAY),
        ({"reached": 480, "missed": 480}, None),
    ],
)
def test_one_misfortune_condemns_nobody_and_a_habit_does(how: dict[str, float], failing: MailboxFailing | None) -> None:
    assert judged(**how) is failing


def test_who_has_fallen_comes_back_above_a_higher_mark() -> None:
    between = {"kept": 45, "lost": 10}
    assert judged(**between) is None
    score = Score(at_ms=NOW, failing=MailboxFailing.LOSES, kept=45, lost=10)
    score.judge()
    assert score.failing is MailboxFailing.LOSES
    score.kept = 60
    score.judge()
    assert score.failing is None


STEPS = st.lists(st.tuples(st.sampled_from(["kept", "taken", "reached"]), st.integers(0, 3 * DAY_MS)), max_size=200)


@given(STEPS, st.integers(0, 24))
def test_who_loses_and_refuses_nothing_and_is_a_day_away_at_a_time_never_fails(steps: list[tuple[str, int]], missed: int) -> None:
    score, now = Score(at_ms=NOW), NOW
    for name, pause_ms in steps:
        now += pause_ms
        score.fade(now)
        setattr(score, name, getattr(score, name) + 1)
        score.judge()
        assert score.failing is None
    score.missed += missed
    score.judge()
    assert score.failing is None
    again = decode_score(score.encoded())
    assert isinstance(again, Score)
    assert again.encoded() == score.encoded()


@pytest.mark.parametrize(
    "wrong", [b"", encode([1] * 12), encode([1] * 14), encode([-1, *[1] * 12]), encode([*[1] * 10, 9, 1, 1])]
)
def test_what_is_no_score_is_a_value(wrong: bytes) -> None:
    assert isinstance(decode_score(wrong), Rejected)


def test_a_specimen_is_kept_without_its_bytes() -> None:
    envelope = b"\1" + bytes(range(256)) * 4
    row = specimen(MailboxId(b"m" * 32), QueueId(b"q" * 16), b"h" * 32, envelope, NOW, lambda n: b"n" * n, dummy=True)
    again = decode_specimen(row.name, row.encoded())
    assert again == row
    assert envelope[1:33] not in row.encoded()
    assert len(row.encoded()) < 512
    assert isinstance(decode_specimen(row.name, row.encoded()[:-1]), Rejected)
    assert isinstance(decode_specimen(row.name, encode([b"q" * 16])), Rejected)
