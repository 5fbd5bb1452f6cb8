"""How mailboxes have done: what was kept, lost, taken, refused, and how often they were reached; the past counts less and less.

A score is of one mailbox of one's own, or of a mailbox as one person's: somebody who opens and closes their queues at will can
make it seem to lose things, to us, for them alone (docs/protocol/audits.md).
"""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import ID_SIZE, PREFIX_SIZE, UserId
from multichat_tui.model.limits import (
    FAILING_AWAY_PERCENT,
    FAILING_PERCENT,
    LONGEST_SPECIMEN_MS,
    LOST_WEIGHT,
    MAX_INTEGER,
    MAX_SCORES,
    MAX_TIMESTAMP_MS,
    RECOVERED_PERCENT,
    REFUSED_WEIGHT,
    SCORE_HALF_LIFE_MS,
    SCORE_HEAD_REACHED,
    SCORE_HEAD_TESTS,
    WIPED_LOSSES,
)
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.ports import Space
from multichat_tui.model.schema import as_int, as_list, read
from multichat_tui.model.snapshots import MailboxFailing
from multichat_tui.model.values import dataclass
from multichat_tui.node.world import World

THOUSANDTHS = 1000
"""Weights are stored as whole thousandths."""
MAX_SCORE_BYTES = 128
FAILINGS = (None, MailboxFailing.LOSES, MailboxFailing.REFUSES, MailboxFailing.AWAY)
"""By the number under which they are stored."""


@dataclass(slots=True, kw_only=True)
class Score:
    at_ms: int
    """The weights below are as of then: each halves in `SCORE_HALF_LIFE_MS`."""
    kept: float = 0
    lost: float = 0
    taken: float = 0
    refused: float = 0
    reached: float = 0
    missed: float = 0
    """Looks at which it was not reached, though others were."""
    tests: int = 0
    """All that there were,"""
    passed: int = 0
    """and those in which it still had what it was to have."""
    wipes: int = 0
    """How often it had lost whole queues."""
    failing: MailboxFailing | None = None
    next_ms: int = 0
    """When the next thing is left there for a test; 0: not chosen yet."""
    seen_ms: int = 0
    """When it last knew a queue."""

    def fade(self, now: int) -> None:
        """Time passes; a clock that was put back changes nothing."""
        part = 0.5 ** (max(0, now - self.at_ms) / SCORE_HALF_LIFE_MS)
        self.kept, self.lost = self.kept * part, self.lost * part
        self.taken, self.refused = self.taken * part, self.refused * part
        self.reached, self.missed = self.reached * part, self.missed * part
        self.at_ms = now

    @property
    def kept_percent(self) -> float:
        good = self.kept + SCORE_HEAD_TESTS
        return 100 * good / (good + LOST_WEIGHT * self.lost)

    @property
    def taken_percent(self) -> float:
        good = self.taken + SCORE_HEAD_TESTS
        return 100 * good / (good + REFUSED_WEIGHT * self.refused)

    @property
    def there_percent(self) -> float:
        """With the benefit of the doubt for whom we do not know for long."""
        good = self.reached + SCORE_HEAD_REACHED
        return 100 * good / (good + self.missed)

    @property
    def reached_percent(self) -> int | None:
        """How often it was reached; None while that was hardly looked at."""
        looks = self.reached + self.missed
        return None if looks < 1 else round(100 * self.reached / looks)

    @property
    def suspected(self) -> bool:
        """Something was lost not long ago: it is tested more often."""
        return self.lost >= 0.5

    def judge(self) -> None:
        """Whether it falls below the mark, or does well again: there is a gap between the two, so that it does not waver."""
        again = 0 if self.failing is None else RECOVERED_PERCENT - FAILING_PERCENT
        if self.kept_percent < FAILING_PERCENT + again:
            self.failing = MailboxFailing.LOSES
        elif self.taken_percent < FAILING_PERCENT + again:
            self.failing = MailboxFailing.REFUSES
        elif self.there_percent < FAILING_AWAY_PERCENT + again:
            self.failing = MailboxFailing.AWAY
        else:
            self.failing = None

    def encoded(self) -> bytes:
        weights = (self.kept, self.lost, self.taken, self.refused, self.reached, self.missed)
        counts = (self.tests, self.passed, self.wipes, FAILINGS.index(self.failing), self.next_ms, self.seen_ms)
        return encode([self.at_ms, *(round(weight * THOUSANDTHS) for weight in weights), *counts])


def decode_score(encoded: bytes) -> Score | Rejected:
    def build(value: Value) -> Score:
        fields = as_list(value, "score", 13, 13)
        weights = [as_int(each, "weight", MAX_INTEGER) / THOUSANDTHS for each in fields[1:7]]
        kept, lost, taken, refused, reached, missed = weights
        return Score(
            at_ms=as_int(fields[0], "as of", MAX_TIMESTAMP_MS),
            kept=kept,
            lost=lost,
            taken=taken,
            refused=refused,
            reached=reached,
            missed=missed,
            tests=as_int(fields[7], "tests", MAX_INTEGER),
            passed=as_int(fields[8], "passed", MAX_INTEGER),
            wipes=as_int(fields[9], "wipes", MAX_INTEGER),
            failing=FAILINGS[as_int(fields[10], "failing", len(FAILINGS) - 1)],
            next_ms=as_int(fields[11], "next", MAX_TIMESTAMP_MS),
            seen_ms=as_int(fields[12], "seen", MAX_TIMESTAMP_MS),
        )

    return read(encoded, MAX_SCORE_BYTES, build)


class Scores:
    """Those of one's own mailboxes, and of others' as one person's, in memory and in the store alike."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scores: dict[bytes, Score] = {}

    def load(self) -> None:
        txn = self._world.txn
        for name, value in txn.scan(Space.SCORE):
            score = decode_score(value)
            if isinstance(score, Score):
                # Put off by a clock that was ahead.
                score.next_ms = min(score.next_ms, self._world.now + LONGEST_SPECIMEN_MS)
                score.seen_ms = min(score.seen_ms, self._world.now)
                self._scores[name] = score
            else:
                txn.delete(Space.SCORE, name)

    def of(self, mailbox: MailboxId, user: UserId | None = None) -> Score:
        """As of now. `user`: whose mailbox it is, if it is not our own. What was never heard of is as good as any."""
        score = self._scores.get(_name(mailbox, user))
        if score is None:
            return Score(at_ms=self._world.now)
        score.fade(self._world.now)
        return score

    def keep(self, mailbox: MailboxId, score: Score, user: UserId | None = None) -> None:
        """It has changed: it is judged, and stored. Of other people's at most `MAX_SCORES`, the oldest out first."""
        world, name = self._world, _name(mailbox, user)
        if name not in self._scores and user is not None:
            others = [each for each in self._scores if len(each) > ID_SIZE]
            if len(others) >= MAX_SCORES:
                oldest = min(others, key=lambda each: (self._scores[each].at_ms, each))
                del self._scores[oldest]
                world.txn.delete(Space.SCORE, oldest)
        score.judge()
        self._scores[name] = score
        world.txn.put(Space.SCORE, name, score.encoded())
        world.status_changed = True

    def forget(self, mailbox: MailboxId) -> None:
        """It is not ours any more."""
        if self._scores.pop(mailbox, None) is not None:
            self._world.txn.delete(Space.SCORE, mailbox)

    def passed(self, mailbox: MailboxId, user: UserId | None = None) -> None:
        score = self.of(mailbox, user)
        score.kept, score.tests, score.passed = score.kept + 1, score.tests + 1, score.passed + 1
        self.keep(mailbox, score, user)

    def lost(self, mailbox: MailboxId, user: UserId | None = None) -> None:
        score = self.of(mailbox, user)
        score.lost, score.tests = score.lost + 1, score.tests + 1
        self._world.count("mailbox-lost-envelope")
        self.keep(mailbox, score, user)

    def wiped(self, mailbox: MailboxId) -> None:
        """Queues of ours are gone, with all that lay there."""
        score = self.of(mailbox)
        score.lost, score.wipes = score.lost + WIPED_LOSSES, score.wipes + 1
        self.keep(mailbox, score)

    def took(self, mailbox: MailboxId, user: UserId | None = None) -> None:
        score = self.of(mailbox, user)
        score.taken += 1
        self.keep(mailbox, score, user)

    def refused(self, mailbox: MailboxId, user: UserId | None = None) -> None:
        score = self.of(mailbox, user)
        score.refused += 1
        self.keep(mailbox, score, user)

    def looked(self, mailbox: MailboxId, *, reached: bool) -> None:
        score = self.of(mailbox)
        if reached:
            score.reached += 1
        else:
            score.missed += 1
        self.keep(mailbox, score)


def _name(mailbox: MailboxId, user: UserId | None) -> bytes:
    return mailbox if user is None else mailbox + user[:PREFIX_SIZE]
