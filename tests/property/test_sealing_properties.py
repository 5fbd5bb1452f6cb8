"""Two devices write to each other through two mailboxes, in every order that chance finds: with restarts at every point, copies,
losses, keys that are not up to date, and both beginning at once."""

import random
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_parties import Party, RolledBack, two

from multichat_tui.model.codec import Reason, Rejected

MAILBOXES = 2
MINUTE_MS = 60_000


@dataclass
class Lying:
    """An envelope, and the mailboxes where it lies."""

    sealed: bytes
    contents: bytes
    at: set[int]
    lost: bool = False


@dataclass
class Correspondence:
    chance: random.Random
    parties: tuple[Party, Party]
    lossy: bool
    lying: dict[int, list[Lying]] = field(default_factory=lambda: {0: [], 1: []})
    """By receiver."""
    gone: dict[int, list[Lying]] = field(default_factory=lambda: {0: [], 1: []})
    """What was collected."""
    read: Counter[bytes] = field(default_factory=Counter)
    """How often each contents was read by who has it committed."""
    routes: dict[int, list[bytes]] = field(default_factory=lambda: {0: [], 1: []})
    """By writer: the key of the other one for it alone."""
    fallback: dict[int, bytes] = field(default_factory=dict)
    written: int = 0

    def run(self, steps: list[int]) -> None:
        acts = (self.write, self.write, self.write, self.collect, self.hear_route, self.doubt, self.wait, self.replay)
        for one in self.parties:
            one.lives_on = lambda: self.chance.random() < 0.7
        for party in (0, 1):
            self.hear_route(party)
        for step in steps:
            acts[step % len(acts)](step // len(acts) % 2)

    def write(self, party: int) -> None:
        me, other = self.parties[party], self.parties[1 - party]
        for _ in range(self.chance.choice((1, 1, 3, 60))):
            self.written += 1
            contents = b"%d" % self.written
            prekey = self.chance.choice([None, *self.routes[party]])
            fallback = self.fallback[party]
            if self.chance.random() < 0.1:
                # It was killed before the commit, or the disk was full: nothing has left it.
                with me.turn() as sealing:
                    sealing.seal(other.device, prekey, b"never committed", fallback)
                    raise RolledBack
            sealed = me.seal(other, prekey, contents, fallback)
            assert sealed is not None
            boxes = set(range(MAILBOXES)) if self.chance.random() < 0.3 else {self.written % MAILBOXES}
            lying = Lying(sealed, contents, boxes)
            if self.lossy and self.chance.random() < 0.3:
                lying.lost = True
            self.lying[1 - party].append(lying)

    def collect(self, party: int) -> None:
        """List all mailboxes, then open in order; a crash in the middle undoes one opening, and it is done again."""
        me, other = self.parties[party], self.parties[1 - party]
        found = [lying for lying in self.lying[party] if not lying.lost]
        copies = [lying for lying in found for _ in lying.at]
        self.chance.shuffle(copies)
        with me.turn() as sealing:
            orders = {lying.sealed: sealing.order(lying.sealed) for lying in copies}
        assert not any(isinstance(order, Rejected) for order in orders.values())
        for lying in sorted(copies, key=lambda lying: orders[lying.sealed]):
            if self.chance.random() < 0.1:
                with me.turn() as sealing:
                    sealing.unseal(other.device, lying.sealed)
                    raise RolledBack
            opened = me.unseal(other, lying.sealed)
            if isinstance(opened, Rejected):
                assert opened.reason in (Reason.REPLAYED, Reason.NO_PREKEY, Reason.NO_SESSION, Reason.UNDECRYPTABLE)
            else:
                assert opened == lying.contents
                self.read[opened] += 1
        self.gone[party] += found
        self.lying[party] = [lying for lying in self.lying[party] if lying.lost]

    def hear_route(self, party: int) -> None:
        """The newest route of the other one."""
        me, other = self.parties[party], self.parties[1 - party]
        self.routes[party] = [other.prekey_for(me.user)]
        self.fallback[party] = other.fallback_key()

    def doubt(self, party: int) -> None:
        self.parties[party].doubt(self.parties[1 - party])

    def wait(self, party: int) -> None:
        for one in self.parties:
            one.now += self.chance.choice((1, 50, 70)) * MINUTE_MS
            one.tick()

    def replay(self, party: int) -> None:
        """A mailbox gives again what was deleted."""
        for lying in self.gone[party]:
            if self.chance.random() < 0.2:
                assert isinstance(self.parties[party].unseal(self.parties[1 - party], lying.sealed), Rejected)


def correspondence(seed: int, *, lossy: bool, real: bool = False) -> Correspondence:
    return Correspondence(random.Random(seed), two(seed=seed, real=real), lossy)


STEPS = st.lists(st.integers(0, 15), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 2**32))
def test_without_loss_everything_is_read_exactly_once(steps: list[int], seed: int) -> None:
    story = correspondence(seed, lossy=False)
    story.run(steps)
    for party in (0, 1):
        story.collect(party)
    assert story.read == Counter(b"%d" % number for number in range(1, story.written + 1))


@settings(max_examples=15, deadline=None)
@given(STEPS, st.integers(0, 2**32))
def test_nor_is_anything_lost_in_the_librarys_sessions(steps: list[int], seed: int) -> None:
    """They draw their own randomness, on which nothing of this depends."""
    story = correspondence(seed, lossy=False, real=True)
    story.run(steps)
    for party in (0, 1):
        story.collect(party)
    assert story.read == Counter(b"%d" % number for number in range(1, story.written + 1))


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 2**32))
def test_whatever_is_lost_nothing_is_read_twice_and_they_come_together_again(steps: list[int], seed: int) -> None:
    story = correspondence(seed, lossy=True)
    story.run(steps)
    assert all(count == 1 for count in story.read.values())
    story.lossy = False
    story.lying = {0: [], 1: []}
    ann, bob = story.parties
    for turn in range(3):
        for one, other in ((ann, bob), (bob, ann)):
            one.doubt(other)
            one.now += 61 * MINUTE_MS
            sealed = one.seal(other, None, b"are you there", other.fallback_key())
            assert sealed is not None
            opened = other.unseal(one, sealed)
            assert opened == b"are you there" or turn < 2
