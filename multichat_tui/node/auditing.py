"""Audits of one's own mailboxes: from time to time something lies in our queues that we know, and the mailbox is asked for it.

It is a dummy that we have left there as any writer would, or what somebody has written to us and we have read: to the mailbox
both look alike, fetched and not deleted yet. What it proves, and what not: docs/protocol/audits.md.
"""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import deposit_holds, show_writer
from multichat_tui.model.economy import Mode
from multichat_tui.model.hosts import is_near
from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import (
    MAILBOX_LOOK_MS,
    MAX_ENVELOPE_LIFE_MS,
    MAX_SPECIMEN_BYTES,
    MAX_SPECIMENS,
    SPARING_TESTS,
    SPECIMEN_CHALLENGE_MS,
    SPECIMEN_MARGIN_MS,
    SPECIMEN_MS,
    SUSPECTED_TESTS,
    TESTING_LINK_MS,
)
from multichat_tui.model.mailbox_frames import (
    Challenge,
    Deposited,
    EnvelopeHash,
    HasEnvelopes,
    MailboxAnswer,
    MailboxReply,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, envelope_hash
from multichat_tui.model.ports import LinkPath
from multichat_tui.model.trust import AlarmKind
from multichat_tui.node.alarms import lower_alarm, raise_alarm
from multichat_tui.node.collecting import Collecting, Place
from multichat_tui.node.kept_mailboxes import OwnMailbox, OwnQueue
from multichat_tui.node.mailbox_links import MailboxLinks, Purpose
from multichat_tui.node.own_mailboxes import OwnMailboxes
from multichat_tui.node.scores import Score, Scores
from multichat_tui.node.specimens import Specimen, SpecimenRows, specimen
from multichat_tui.node.world import World

T = TypeVar("T")

DUMMY_BYTES = (512, 512, 512, 768, 768, 1024, 1536, 2048)
"""Sizes of envelopes as people write them, by how usual they are."""
NOT_OUR_SAY = (Word.FULL_OWNER, Word.FULL_QUEUE, Word.FULL_WRITER, Word.UNAUTHORISED, Word.UNKNOWN, Word.COLLECTED)
"""Refusals of a dummy for which the mailbox need not be to blame: our place is full, or the writer was forbidden just now."""
CLOCKS_DIFFER = (Word.TOO_LONG, Word.EXPIRED)
FIRST_LOOK_MS = MAILBOX_LOOK_MS // 6
"""After a start: links take their time."""
BRIEF_ONE_IN = 4
UNANSWERED = 3
"""Links break; so many in turn, an hour apart, are no chance."""
LAST_ONE_IN = 3
"""After each question that was answered well, the specimen is deleted with this chance."""


class Auditing:
    """Implements `collecting.Specimens`."""

    def __init__(self, world: World, links: MailboxLinks, own: OwnMailboxes, collecting: Collecting, scores: Scores) -> None:
        self._world = world
        self._links = links
        self._own = own
        self._collecting = collecting
        self._scores = scores
        self._rows = SpecimenRows(world)
        self._placing: dict[MailboxId, tuple[Specimen, bytes, bytes]] = {}
        """What is to be left there: a dummy, its bytes, and the seed of its writer's key."""
        self._wanted: set[MailboxId] = set()
        """The next envelope that is read there stays."""
        self._shorter: dict[MailboxId, int] = {}
        """How often a mailbox has said that it keeps nothing for so long."""
        self._wiped: dict[MailboxId, int] = {}
        """When one was last seen to have lost queues: those of one link are one loss."""
        self._look_at = world.now + FIRST_LOOK_MS
        self._told: frozenset[MailboxId] = frozenset()
        """Those that are below the mark, as the user was told."""
        collecting.specimens = self
        own.on_wiped = self._lost_queue
        own.is_failing = lambda box: scores.of(box.id).failing is not None
        own.on_forgotten = lambda box: scores.forget(box.id)
        links.on_up[Purpose.TESTING] = self._up

    def load(self) -> None:
        self._rows.load()
        self._told = self._failing()

    # collecting.Specimens

    def holds(self, place: Place, envelope: EnvelopeHash) -> bool:
        row = self._rows.find(*place, envelope)
        return row is not None and row.fetched

    def is_dummy(self, place: Place, envelope: EnvelopeHash) -> bool:
        row = self._rows.find(*place, envelope)
        return row is not None and row.dummy

    def consider(self, place: Place, envelope: bytes) -> None:
        mailbox, queue = place
        if mailbox not in self._wanted or len(envelope) > MAX_SPECIMEN_BYTES:
            return
        hash = envelope_hash(envelope)
        if self._rows.find(mailbox, queue, hash) is None:
            self._wanted.discard(mailbox)
            self._rows.keep(specimen(mailbox, queue, hash, envelope, self._soon(mailbox), self._world.entropy, dummy=False))

    def stays(self, place: Place, envelope: EnvelopeHash) -> bool:
        row = self._rows.find(*place, envelope)
        if row is None:
            return False
        if row.brief:
            self._rows.drop(row)
            return False
        row.fetched = True
        self._rows.keep(row)
        return True

    # When

    def _pace(self, mailbox: MailboxId) -> float:
        """By how much everything is rarer now (above 1) or more often."""
        sparing = SPARING_TESTS if self._world.mode is not Mode.USUAL else 1
        return sparing / (SUSPECTED_TESTS if self._scores.of(mailbox).suspected else 1)

    def _about(self, mailbox: MailboxId, span_ms: int) -> int:
        """A time from now at random: half of the span to one and a half."""
        part = int.from_bytes(self._world.entropy(4), "big") / 2**32
        return self._world.now + int(span_ms * self._pace(mailbox) * (0.5 + part))

    def _soon(self, mailbox: MailboxId) -> int:
        return self._about(mailbox, SPECIMEN_CHALLENGE_MS)

    def _once_in(self, count: int) -> bool:
        return int.from_bytes(self._world.entropy(4), "big") % count == 0

    def _linked(self, box: OwnMailbox) -> bool:
        return box.shown and self._links.linked(box.id, Purpose.OWN)

    def tick(self) -> None:
        """Leave what is to be left, ask for what is due, look who is reached."""
        world = self._world
        for row in self._rows.all():
            if not self._stands(row):
                self._rows.drop(row)
        for box in self._own.chosen:
            score = self._scores.of(box.id)
            if score.next_ms == 0:
                self._plan(box, score)
            elif score.next_ms <= world.now and self._linked(box):
                self._plan(box, score)
                self._leave(box)
            if self._linked(box):
                if score.seen_ms <= box.added_ms and any(queue.taken for queue in box.queues.values()):
                    score.seen_ms = world.now
                    self._scores.keep(box.id, score)
                for row in self._rows.of(box.id):
                    self._ask(box, row)
        if self._look_at <= world.now:
            self._look_at = world.now + MAILBOX_LOOK_MS
            self._look()
        self._tell()

    def _stands(self, row: Specimen) -> bool:
        """The mailbox is still ours, and the queue the one in which it lies."""
        box = self._own.boxes.get(row.mailbox)
        return box is not None and not box.draining and any(q.opened and q.id == row.queue for q in box.queues.values())

    def _plan(self, box: OwnMailbox, score: Score) -> None:
        score.next_ms = self._about(box.id, SPECIMEN_MS)
        self._scores.keep(box.id, score)

    def wake_times(self) -> list[int]:
        if not self._own.boxes:
            return []
        now, times = self._world.now, [self._look_at]
        for box in self._own.chosen:
            times.append(self._scores.of(box.id).next_ms)
            times += [max(row.due_ms, row.rests_until) for row in self._rows.of(box.id) if self._linked(box) and not row.asked]
        return [at for at in times if at > now]

    # Leaving dummies

    def _leave(self, box: OwnMailbox) -> None:
        """A dummy, or whatever comes next."""
        unreached = self._placing.pop(box.id, None)
        if unreached is not None:
            self._rows.drop(unreached[0])
        queues = [queue for queue in box.queues.values() if queue.ready and queue.taken]
        if not queues or len(self._rows.of(box.id)) >= MAX_SPECIMENS:
            return
        if box.id not in self._wanted and self._once_in(2):
            self._wanted.add(box.id)
            return
        self._wanted.discard(box.id)
        queue = self._one_of(queues)
        testers = self._own.writers.testers(queue)
        if not testers:
            return
        size = self._one_of(DUMMY_BYTES)
        envelope = b"\1" + self._world.entropy(size - 1)
        row = specimen(box.id, queue.id, envelope_hash(envelope), envelope, self._soon(box.id), self._world.entropy, dummy=True)
        row.brief = self._once_in(BRIEF_ONE_IN)
        self._rows.keep(row)
        self._placing[box.id] = row, envelope, self._one_of(testers)
        self._links.want(box.address, Purpose.TESTING, self._world.now + TESTING_LINK_MS)

    def _one_of(self, choices: Sequence[T]) -> T:
        return choices[int.from_bytes(self._world.entropy(4), "big") % len(choices)]

    def _up(self, address: MailboxAddress) -> None:
        placing = self._placing.pop(address.mailbox, None)
        if placing is None or not self._rows.is_there(placing[0]):
            return
        row, envelope, seed = placing
        expires_ms = self._world.now + (MAX_ENVELOPE_LIFE_MS >> self._shorter.get(row.mailbox, 0))
        row.over_ms = expires_ms - SPECIMEN_MARGIN_MS
        self._rows.keep(row)
        self._links.request(
            address,
            Purpose.TESTING,
            lambda number, session: show_writer(number, seed, row.queue, session.binding),
            lambda answer: None,
        )
        writer = public_key(seed)[:PREFIX_SIZE]
        self._links.request(
            address,
            Purpose.TESTING,
            lambda number, _: PutEnvelope(
                number=number, queue=row.queue, writer=writer, envelope=envelope, expires_ms=expires_ms
            ),
            partial(self._placed, row),
            len(envelope),
        )

    def _placed(self, row: Specimen, answer: MailboxReply | None) -> None:
        if row.mailbox not in self._own.boxes:
            return
        if isinstance(answer, Deposited) and any(
            each.envelope == row.envelope and deposit_holds(row.mailbox, row.queue, each) for each in answer.receipts
        ):
            self._scores.took(row.mailbox)
            row.placed = True
            if self._rows.is_there(row):
                self._rows.keep(row)
            return
        # It may lie there all the same: then it is deleted, as nothing was promised.
        row.brief = True
        if isinstance(answer, MailboxAnswer):
            self._rows.drop(row)
            if answer.word in CLOCKS_DIFFER:
                self._shorter[row.mailbox] = min(4, self._shorter.get(row.mailbox, 0) + 1)
            elif answer.word not in NOT_OUR_SAY:
                self._refused(row.mailbox)
        elif answer is not None:
            self._refused(row.mailbox)

    def _refused(self, mailbox: MailboxId) -> None:
        """It is tried again soon."""
        self._scores.refused(mailbox)
        score = self._scores.of(mailbox)
        score.next_ms = min(score.next_ms, self._about(mailbox, MAILBOX_LOOK_MS))
        self._scores.keep(mailbox, score)

    # Asking

    def _ask(self, box: OwnMailbox, row: Specimen) -> None:
        """The next thing about a specimen, if it is time."""
        queue = next((each for each in box.queues.values() if each.id == row.queue), None)
        if row.asked or queue is None or not queue.taken or row.rests_until > self._world.now:
            return
        if not row.fetched:
            # It is not listed, or not read yet. What never comes is not worth a row.
            if row.due_ms <= self._world.now:
                self._missing(row)
            return
        if not row.placed:
            return
        if not row.located:
            row.asked = self._links.request(
                box.address,
                Purpose.OWN,
                lambda number, _: HasEnvelopes(number=number, queue=row.queue, envelopes=(row.envelope,)),
                partial(self._located, row),
            )
        elif row.over_ms <= self._world.now:
            self._release(row)
        elif row.due_ms <= self._world.now:
            nonce, proof = row.answers[0]
            row.asked = self._links.request(
                box.address,
                Purpose.OWN,
                lambda number, _: Challenge(number=number, queue=row.queue, envelope=row.envelope, nonce=nonce),
                partial(self._answered, row, proof),
            )

    def _missing(self, row: Specimen) -> None:
        """What was placed was never listed, though all that lies there was."""
        lacks = self._collecting.lacks((row.mailbox, row.queue), row.envelope)
        if lacks and row.dummy and row.placed and row.over_ms > self._world.now:
            self._scores.lost(row.mailbox)
            self._hurry(row.mailbox)
        if lacks or not row.dummy:
            self._rows.drop(row)

    def _heard(self, row: Specimen, answer: MailboxReply | None) -> bool:
        """Whether there is an answer, about something that still matters. Who never gives one refuses."""
        row.asked = False
        if not self._rows.is_there(row):
            return False
        if answer is not None:
            row.unanswered = 0
            return True
        row.unanswered += 1
        row.rests_until = self._world.now + MAILBOX_LOOK_MS
        if row.unanswered >= UNANSWERED:
            self._scores.refused(row.mailbox)
        return False

    def _located(self, row: Specimen, answer: MailboxReply | None) -> None:
        if not self._heard(row, answer) or not isinstance(answer, Deposited):
            row.rests_until = self._world.now + MAILBOX_LOOK_MS
            return
        found = next((each for each in answer.receipts if each.envelope == row.envelope), None)
        row.located = True
        if found is not None and deposit_holds(row.mailbox, row.queue, found):
            over_ms = found.expires_ms - SPECIMEN_MARGIN_MS
            row.over_ms = max(row.over_ms, over_ms) if row.dummy else over_ms
        # Else: of a dummy we know until when it is promised, and ask. Of another nothing was promised to us.
        self._rows.keep(row)

    def _answered(self, row: Specimen, proof: bytes, answer: MailboxReply | None) -> None:
        if not self._heard(row, answer):
            return
        word = answer.word if isinstance(answer, MailboxAnswer) else None
        if word is Word.DONE and isinstance(answer, MailboxAnswer) and answer.proof == proof:
            self._scores.passed(row.mailbox)
            del row.answers[0]
            if not row.answers or self._once_in(LAST_ONE_IN):
                self._release(row)
                return
            row.due_ms = self._soon(row.mailbox)
            self._rows.keep(row)
        elif word in (Word.DONE, Word.UNKNOWN, Word.COLLECTED):
            if row.over_ms > self._world.now:
                self._scores.lost(row.mailbox)
                self._hurry(row.mailbox)
            self._release(row)
        else:
            # It may say more another time.
            row.due_ms = self._about(row.mailbox, MAILBOX_LOOK_MS)
            self._rows.keep(row)

    def _hurry(self, mailbox: MailboxId) -> None:
        """Something was lost: the others are asked for soon."""
        for row in self._rows.of(mailbox):
            row.due_ms = min(row.due_ms, self._about(mailbox, MAILBOX_LOOK_MS))
            self._rows.keep(row)

    def _release(self, row: Specimen) -> None:
        """It has done its work, and is deleted there."""
        self._rows.drop(row)
        self._collecting.release((row.mailbox, row.queue), row.envelope)

    # What shows without asking

    def _lost_queue(self, box: OwnMailbox, queue: OwnQueue) -> None:
        """The queue was there under this grant, and is no more."""
        for row in self._rows.of(box.id):
            if row.queue == queue.id:
                self._rows.drop(row)
        score = self._scores.of(box.id)
        if box.shown and score.seen_ms > box.added_ms and self._world.now - self._wiped.get(box.id, 0) > MAILBOX_LOOK_MS:
            self._scores.wiped(box.id)
        self._wiped[box.id] = self._world.now

    def wrong(self, mailbox: MailboxId) -> None:
        """It gave something else than it had listed."""
        self._scores.lost(mailbox)

    def _look(self) -> None:
        """Which mailboxes are reached now. Where nobody is reached, it is our own network that is away."""
        world = self._world
        if world.resting_until is not None:
            return
        for box in self._own.chosen:
            if not self._links.linked(box.id, Purpose.OWN):
                if self._others_reached(box):
                    self._scores.looked(box.id, reached=False)
                continue
            self._scores.looked(box.id, reached=True)
            self._own.ask_usage(box)
            if box.refused is not None:
                self._scores.refused(box.id)

    def _others_reached(self, box: OwnMailbox) -> bool:
        """Whether there is a link to somebody who is as far away, at least."""
        near = all(map(is_near, box.address.addresses))
        return any(near or session.path is LinkPath.DIRECT for session in self._world.sessions.values())

    # What is told

    def _failing(self) -> frozenset[MailboxId]:
        return frozenset(box.id for box in self._own.chosen if self._scores.of(box.id).failing is not None)

    def _tell(self) -> None:
        """Once for each time that one falls below the mark; when none is there any more, the notice goes."""
        world, failing = self._world, self._failing()
        if failing == self._told:
            return
        fallen, self._told = failing - self._told, failing
        self._own.on_route()
        world.status_changed = True
        if fallen:
            named = b"".join(sorted(mailbox[:PREFIX_SIZE] for mailbox in fallen))
            raise_alarm(world, world.identity.user, AlarmKind.MAILBOX, detail=world.now.to_bytes(8, "big") + named)
        elif not failing:
            lower_alarm(world, world.identity.user, AlarmKind.MAILBOX)
