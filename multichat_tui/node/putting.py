"""Putting: each deposit lies at so many of its reader's mailboxes as it is to, whichever of them refuse, are silent or forget.

What a mailbox says is believed for what it is: a receipt counts while nothing better is known, and the sender keeps its copy
until the reader has acknowledged, or the time is over.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from multichat_tui.crypto.envelopes import verifier, wrap, wrapper_key, writer_seed
from multichat_tui.crypto.mailboxes import deposit_holds
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId
from multichat_tui.model.limits import (
    CHECK_DEPOSIT_MS,
    CHECK_SPREAD_MS,
    COLLECTED_MS,
    DEPOSIT_COPIES,
    DEPOSIT_MS,
    GONE_MS,
    MAX_DEPOSIT_TARGETS,
    MAX_PUT_RETRY_MS,
    PUT_RETRY_MS,
    PUTS_AT_ONCE,
    SETTLE_START_MS,
)
from multichat_tui.model.mailbox_frames import Deposited, EnvelopeHash, MailboxAnswer, MailboxReply, Word
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, QueueId, envelope_hash
from multichat_tui.model.values import dataclass
from multichat_tui.node.deposits import Deposit, Stage, Target
from multichat_tui.node.world import World

FOR_GOOD = (Word.UNKNOWN, Word.TOO_LARGE, Word.TOO_MANY, Word.MALFORMED, Word.REFUSED, Word.EXPIRED)
"""What a mailbox will say of the same envelope again. `unauthorised` is none of them: the key was not shown, and is with the
next try."""
NEVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A queue of a device as its route names it."""

    address: MailboxAddress
    queue: QueueId
    user: bytes
    """Whose it is: of the places that one user names few are called."""


Heard = Callable[[MailboxReply | None], None]
"""None: the mailbox was not reached, or said nothing in time."""


class Writing(Protocol):
    """Links to the mailboxes of others."""

    def put(self, slot: Slot, seed: bytes, envelope: bytes, expires_ms: int, heard: Heard) -> None:
        """`seed`: of the key by which we may write there."""

    def has(self, slot: Slot, seed: bytes, envelopes: tuple[EnvelopeHash, ...], heard: Heard) -> None:
        """Ask which of ours are there."""

    def tick(self) -> None: ...

    def wake_times(self) -> list[int]: ...


class Audits(Protocol):
    """How mailboxes did with what we have put there (`node.deposit_audits`)."""

    def ranked(self, device: DeviceId, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """Those that fail last."""

    def took(self, device: DeviceId, mailbox: MailboxId) -> None: ...

    def refused(self, device: DeviceId, mailbox: MailboxId, word: Word | None) -> None: ...

    def lost(self, device: DeviceId, mailbox: MailboxId) -> None: ...

    def prove(self, device: DeviceId, slot: Slot, seed: bytes, envelope: bytes, failed: Callable[[], None]) -> None: ...


class Putting:
    def __init__(self, world: World, writing: Writing, slots: Callable[[DeviceId], tuple[Slot, ...]]) -> None:
        """`slots`: the queues of a device by its newest route, best first."""
        self._world = world
        self._writing = writing
        self._slots = slots
        self._checks_from = world.now + SETTLE_START_MS + int.from_bytes(world.entropy(4), "big") % CHECK_SPREAD_MS
        """Before that no mailbox is asked what it still has: with the first links of this start it would show whose they are."""
        self._asked: dict[MailboxId, int] = {}
        """Envelopes whose receipts have not come, by mailbox."""
        self._shorter: dict[bytes, int] = {}
        """By a deposit's name: how often a mailbox has said that it keeps nothing for so long."""
        self._looked = -1
        """`deposits.changes` when all were looked at last: unless that has grown, nothing is due before `_due_at`."""
        self._due_at = 0
        self.audits: Audits | None = None
        """Set by the engine."""
        self.on_stored: Callable[[Deposit], None] = lambda row: None
        """It lies at one more mailbox; set by `depositing`, as is the next."""
        self.on_lost: Callable[[Deposit], None] = lambda row: None
        """No mailbox has it any more, and nobody has acknowledged it."""

    def begin(self, row: Deposit) -> None:
        """Choose where a new deposit goes: it starts at another mailbox than the one before, if there are more than needed."""
        self._choose(row)
        self._world.deposits.keep(self._world.txn, row)

    def on_route(self, device: DeviceId) -> None:
        """A device may have other mailboxes: what lies at fewer than there are now goes to them, and what lies in a queue that it
        does not name any more: that may be closed, or its mailbox broken, and nobody can ask there."""
        world = self._world
        self._looked = -1
        named = {slot.queue for slot in self._slots(device)}
        wanted = min(DEPOSIT_COPIES, len(named))
        for row in world.deposits.of(device) if named else ():
            left = [target for target in row.targets if target.stage is Stage.STORED and target.queue not in named]
            if row.covers and (left or row.wanted != wanted) and not row.frozen:
                row.wanted = wanted
                row.targets = [target for target in row.targets if target not in left]
                self._choose(row)
                world.deposits.keep(world.txn, row)

    def _choose(self, row: Deposit) -> None:
        """Mailboxes in the place of those that refuse or are silent, as far as there are others."""
        slots = self._slots(row.device)
        tried = {target.queue for target in row.targets}
        start = row.serial % len(slots) if slots else 0
        good = sum(target.counts for target in row.targets)
        turned = (*slots[start:], *slots[:start])
        for slot in turned if self.audits is None else self.audits.ranked(row.device, turned):
            if good >= row.wanted or len(row.targets) >= MAX_DEPOSIT_TARGETS:
                break
            if slot.queue not in tried:
                row.targets.append(Target(mailbox=slot.address.mailbox, queue=slot.queue, at_ms=self._world.now))
                good += 1

    # Time

    def tick(self) -> None:
        """Put what is due, ask for what was not heard of for long, give up what is lost."""
        now, deposits = self._world.now, self._world.deposits
        if self._looked == deposits.changes and now < self._due_at:
            return
        self._looked = deposits.changes
        for row in deposits.all():
            if not row.settled:
                self._put_due(row)
            if row.covers and row.stored and self._check_at(row) <= now:
                self._check(row)
            if self._is_lost(row):
                self.on_lost(row)
        # What may be lost is so the sooner the sooner its reader is heard of: it is looked at every time.
        lost = any(self._lost_at(row) is not None for row in deposits.all())
        self._due_at = now if lost else min(self._times(), default=NEVER)

    def _is_lost(self, row: Deposit) -> bool:
        lost_at = self._lost_at(row)
        return lost_at is not None and lost_at <= self._world.now

    def _lost_at(self, row: Deposit) -> int | None:
        """When what no mailbox has any more counts as lost. Where its reader has taken it, as they say, and was not heard of
        since, their word may still be on its way."""
        gone = [target.at_ms for target in row.targets if target.stage is Stage.GONE]
        if not gone or any(target.counts for target in row.targets):
            return None
        return self._word_due_at(row, max(gone), collected=row.collected)

    def _word_due_at(self, row: Deposit, gone_ms: int, *, collected: bool) -> int:
        """Until when nothing else is done about what is gone from a mailbox since then."""
        world = self._world
        heard = world.heard.of(world.txn, row.device, world.now).at_ms > gone_ms
        return gone_ms + (COLLECTED_MS if collected and not heard else GONE_MS)

    def _check_at(self, row: Deposit) -> int:
        return max(row.checked_ms + CHECK_DEPOSIT_MS, self._checks_from)

    def wake_times(self) -> list[int]:
        now = self._world.now
        if self._looked == self._world.deposits.changes and now < self._due_at:
            return [self._due_at]
        return [at for at in self._times() if at > now]

    def _times(self) -> list[int]:
        """When something is to be done about any: in the past for what waits for something else than time."""
        times: list[int] = []
        for row in self._world.deposits.all():
            if not row.settled:
                times += [t.at_ms for t in row.targets if t.stage is Stage.WAITING and not t.asked]
                again = self._again_at(row)
                times += [] if again is None else [again]
            if row.covers and row.stored:
                times.append(self._check_at(row))
            lost_at = self._lost_at(row)
            times += [] if lost_at is None else [lost_at]
        return times

    # To mailboxes

    def _put_due(self, row: Deposit) -> None:
        world = self._world
        slots = {slot.queue: slot for slot in self._slots(row.device)}
        again = self._again_at(row)
        if again is not None and again <= world.now:
            for target in row.targets:
                if target.stage is Stage.REFUSED and target.queue in slots:
                    target.stage, target.at_ms, target.tries = Stage.WAITING, world.now, 1
        if not row.targets:
            self.begin(row)
        for target in row.targets:
            if target.stage is not Stage.WAITING or target.asked or target.at_ms > world.now:
                continue
            slot = slots.get(target.queue)
            if slot is None:
                # The reader has another mailbox now.
                target.stage, target.at_ms = Stage.REFUSED, world.now
                self._choose(row)
                world.deposits.keep(world.txn, row)
                continue
            if self._asked.get(target.mailbox, 0) < PUTS_AT_ONCE:
                self._put(row, target, slot)

    def _again_at(self, row: Deposit) -> int | None:
        """When those that have refused are asked once more, as there is nobody else."""
        if any(target.stage in (Stage.WAITING, Stage.GONE) for target in row.targets):
            return None
        refused = [target.at_ms for target in row.targets if target.stage is Stage.REFUSED]
        return max(refused) + MAX_PUT_RETRY_MS if refused else None

    def _put(self, row: Deposit, target: Target, slot: Slot) -> None:
        made = self._envelope(row, target)
        if made is None:
            return
        seed, envelope = made
        target.asked = True
        self._asked[target.mailbox] = self._asked.get(target.mailbox, 0) + 1
        expires = min(row.expires_ms, self._world.now + (DEPOSIT_MS >> self._shorter.get(row.name, 0)))
        found = envelope_hash(envelope)
        self._writing.put(slot, seed, envelope, expires, partial(self._put_heard, row, target, found))

    def _envelope(self, row: Deposit, target: Target) -> tuple[bytes, bytes] | None:
        """The seed of the writer's key, and the envelope: the same every time."""
        world = self._world
        sealed = world.deposits.sealed(world.txn, row)
        pairs = world.pair_keys_of(row.device)
        if sealed is None or not pairs:
            return None
        me, pair = world.identity.device, pairs[0]
        writer = verifier(pair, target.queue, me)[:PREFIX_SIZE]
        return writer_seed(pair, target.queue, me), wrap(wrapper_key(pair, target.queue), target.queue, writer, sealed)

    def _put_heard(self, row: Deposit, target: Target, envelope: EnvelopeHash, reply: MailboxReply | None) -> None:
        world = self._world
        target.asked = False
        self._asked[target.mailbox] = max(0, self._asked.get(target.mailbox, 0) - 1)
        if isinstance(reply, Deposited):
            if self._proven(target, envelope, reply):
                target.stage, target.at_ms, target.tries = Stage.STORED, world.now, 0
                world.deposits.refusals.pop((row.device, target.mailbox), None)
                row.checked_ms = world.now
                if self.audits is not None:
                    self.audits.took(row.device, target.mailbox)
                if row.settled:
                    for other in row.targets:
                        if other.stage is Stage.WAITING and other.tries:
                            world.deposits.note_failed(row, other.mailbox)
                    row.targets = [each for each in row.targets if each.stage is not Stage.WAITING]
                world.deposits.keep(world.txn, row)
                self.on_stored(row)
                return
            world.count("deposit-receipt-rejected")
            target.stage, target.at_ms = Stage.REFUSED, world.now
        else:
            self._refused(row, target, reply)
        self._choose(row)
        world.deposits.keep(world.txn, row)

    def _proven(self, target: Target, envelope: EnvelopeHash, reply: Deposited) -> bool:
        return any(
            receipt.envelope == envelope and deposit_holds(target.mailbox, target.queue, receipt) for receipt in reply.receipts
        )

    def _refused(self, row: Deposit, target: Target, reply: MailboxReply | None) -> None:
        world = self._world
        word = reply.word if isinstance(reply, MailboxAnswer) else None
        world.count("deposit-unanswered" if word is None else f"deposit-{word.value}")
        if self.audits is not None:
            self.audits.refused(row.device, target.mailbox, word)
        world.deposits.refusals[row.device, target.mailbox] = word
        if word is Word.COLLECTED:
            # Its reader has it already.
            target.stage, target.at_ms, target.collected = Stage.GONE, world.now, True
            return
        if word is Word.TOO_LONG and self._shorter.get(row.name, 0) < 8:
            self._shorter[row.name] = self._shorter.get(row.name, 0) + 1
            target.at_ms = world.now
            return
        if word in FOR_GOOD or word is Word.TOO_LONG:
            target.stage, target.at_ms = Stage.REFUSED, world.now
            return
        wait = min(MAX_PUT_RETRY_MS, PUT_RETRY_MS << min(target.tries, 12))
        if isinstance(reply, MailboxAnswer) and reply.retry_after_ms is not None:
            wait = min(MAX_PUT_RETRY_MS, max(wait, reply.retry_after_ms))
        target.tries += 1
        target.at_ms = world.now + wait

    # Whether it is still there

    def _check(self, row: Deposit) -> None:
        world = self._world
        row.checked_ms = world.now
        world.deposits.keep(world.txn, row)
        slots = {slot.queue: slot for slot in self._slots(row.device)}
        for target in row.targets:
            slot = slots.get(target.queue)
            made = self._envelope(row, target) if target.stage is Stage.STORED and slot is not None else None
            if made is not None and slot is not None:
                seed, envelope = made
                found = envelope_hash(envelope)
                target.asked = True
                self._writing.has(slot, seed, (found,), partial(self._has_heard, row, target, found))
                if self.audits is not None:
                    self.audits.prove(row.device, slot, seed, envelope, partial(self._disproved, row, target))

    def _disproved(self, row: Deposit, target: Target) -> None:
        """It says that it has it, and has it not: another one is to."""
        if target.stage is Stage.STORED:
            target.stage, target.at_ms = Stage.REFUSED, self._world.now
            self._choose(row)
            self._world.deposits.keep(self._world.txn, row)

    def _has_heard(self, row: Deposit, target: Target, envelope: EnvelopeHash, reply: MailboxReply | None) -> None:
        world = self._world
        target.asked = False
        there = isinstance(reply, Deposited) and self._proven(target, envelope, reply)
        if there and not any(each.asked for each in row.targets):
            self._lost_by_some(row)
        gone = isinstance(reply, Deposited) or (isinstance(reply, MailboxAnswer) and reply.word is Word.UNKNOWN)
        if there or not gone or target.stage is not Stage.STORED:
            return
        target.collected = isinstance(reply, Deposited) and envelope in reply.collected
        world.count("deposit-gone")
        target.stage, target.at_ms = Stage.GONE, world.now
        if row.stored and not any(each.asked for each in row.targets):
            self._lost_by_some(row)
        world.deposits.keep(world.txn, row)

    def _lost_by_some(self, row: Deposit) -> None:
        """Others still have it, so that its reader has not fetched it: those that have it no more have lost it. One that says
        that it was taken may be right, and is not blamed; it is brought it again when no word of the reader has come."""
        for target in row.targets if not row.frozen else ():
            if target.stage is not Stage.GONE:
                continue
            if target.collected:
                if row.settled or self._word_due_at(row, target.at_ms, collected=True) > self._world.now:
                    continue
            else:
                if self.audits is not None:
                    self.audits.lost(row.device, target.mailbox)
                self._world.deposits.note_failed(row, target.mailbox)
            target.stage, target.at_ms = Stage.WAITING, self._world.now
        self._world.deposits.keep(self._world.txn, row)
