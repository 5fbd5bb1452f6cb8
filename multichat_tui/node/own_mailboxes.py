"""One's own mailboxes: chosen by the user, with a queue for every audience at each; given up without losing what lies there.

At each link the grant is shown, queues that are not there yet are opened, and those who may write are allowed: whoever is known
by a pair key, padded with some that there are not, so that the mailbox does not count people (docs/protocol/routes.md).
"""

from collections.abc import Callable
from functools import partial

from multichat_tui.crypto.mailboxes import open_queue, show_grant, take_queue
from multichat_tui.model.codec import Rejected
from multichat_tui.model.device_statements import Audience
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId
from multichat_tui.model.limits import (
    DRAIN_MS,
    LONGEST_DRAIN_MS,
    MAILBOX_RETRY_MS,
    MAX_ALLOWED_AT_ONCE,
    MAX_DRAINING_MAILBOXES,
    MAX_OWN_MAILBOXES,
)
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    CloseQueue,
    MailboxAnswer,
    MailboxReply,
    OpenQueue,
    TakeQueue,
    Word,
    WriterPrefix,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, parse_mailbox_link
from multichat_tui.model.routes import RoutedQueue
from multichat_tui.node.audiences import audiences, devices_of, is_channel
from multichat_tui.node.kept_mailboxes import (
    OwnMailbox,
    OwnQueue,
    drop_mailbox,
    drop_queue,
    keep_mailbox,
    keep_queue,
    load_mailboxes,
)
from multichat_tui.node.mailbox_links import Build, MailboxLinks, Purpose
from multichat_tui.node.queue_writers import LEAST_ACCOUNT_BYTES, QueueWriters
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

FOR_EVER = 2**62


class OwnMailboxes:
    def __init__(self, world: World, links: MailboxLinks) -> None:
        self._world = world
        self._links = links
        self.writers = QueueWriters(world)
        self.boxes: dict[MailboxId, OwnMailbox] = {}
        self._changed = True
        self._ticked_at = world.now
        self.is_ours: Callable[[MailboxId], bool] = lambda mailbox: False
        """Whether this device itself runs that mailbox; set by the engine."""
        self.on_route: Callable[[], None] = lambda: None
        """Routes are others now; set by the engine, as are the next."""
        self.on_taken: Callable[[OwnMailbox, OwnQueue], None] = lambda box, queue: None
        """What lies in the queue can be listed over this link."""
        self.on_gone: Callable[[OwnMailbox, OwnQueue], None] = lambda box, queue: None
        self.on_wiped: Callable[[OwnMailbox, OwnQueue], None] = lambda box, queue: None
        """The mailbox has lost the queue, with all that lay there."""
        self.on_forgotten: Callable[[OwnMailbox], None] = lambda box: None
        self.is_failing: Callable[[OwnMailbox], bool] = lambda box: False
        """Whether others had better not be told of it."""
        self.is_empty: Callable[[OwnMailbox, OwnQueue], bool] = lambda box, queue: True
        """Whether nothing lies in the queue that was not read, as far as the mailbox has listed it over this link."""
        links.on_up[Purpose.OWN] = self._up
        links.on_down[Purpose.OWN] = self._down

    def load(self) -> None:
        self.boxes = load_mailboxes(self._world.txn, self._world.now)
        for box in self.boxes.values():
            self._links.want(box.address, Purpose.OWN, FOR_EVER)

    # The user

    @property
    def chosen(self) -> list[OwnMailbox]:
        return [box for box in self.boxes.values() if not box.draining]

    def add(self, link: str) -> OwnMailbox:
        world = self._world
        grant = parse_mailbox_link(link)
        if isinstance(grant, Rejected):
            raise IntentRefused(
                Refusal.UNKNOWN,
                f"This is no mailbox link: {grant.detail}.",
                "Who runs the mailbox makes one with: multichat mailbox grant NAME",
            )
        if self.is_ours(grant.address.mailbox):
            raise IntentRefused(
                Refusal.OWN_LINK,
                "This is the mailbox of this very device.",
                "While this device is off nothing could be left there: choose a mailbox on another one.",
            )
        known = self.boxes.get(grant.address.mailbox)
        if known is not None and known.grant == grant and not known.draining:
            raise IntentRefused(Refusal.ALREADY, "You use this mailbox already.", "/mailbox lists yours.")
        if (known is None or known.draining) and len(self.chosen) >= MAX_OWN_MAILBOXES:
            raise IntentRefused(
                Refusal.LIMIT, f"You use {MAX_OWN_MAILBOXES} mailboxes already.", "/mailbox remove N gives one up."
            )
        box = OwnMailbox(grant=grant, added_ms=world.now)
        if known is not None:
            # Its queues are still good, also under another grant of the same operator: they are opened again.
            box.queues, box.checks, box.losses = known.queues, known.checks, known.losses
            self._links.release(known.id, Purpose.OWN)
            for queue in box.queues.values():
                self._untake(queue)
                queue.unaware.clear()
                keep_queue(world.txn, box, queue)
            del self.boxes[known.id]
        self.boxes[box.id] = box
        keep_mailbox(world.txn, box)
        self._links.want(box.address, Purpose.OWN, FOR_EVER)
        self._changed = world.status_changed = True
        return box

    def remove(self, number: int) -> OwnMailbox:
        """Give up the mailbox with this number (from 1, as listed): once everybody knows and it is empty it is forgotten; one
        that is being given up, at once."""
        world = self._world
        if not 1 <= number <= len(self.boxes):
            raise NotFound("There is no mailbox with this number.", "/mailbox lists yours.")
        box = list(self.boxes.values())[number - 1]
        oldest = min((each for each in self.boxes.values() if each.draining), key=lambda b: b.removed_ms or 0, default=None)
        if box.draining or not any(queue.opened for queue in box.queues.values()):
            self._forget(box)
        else:
            if oldest is not None and sum(each.draining for each in self.boxes.values()) >= MAX_DRAINING_MAILBOXES:
                self._forget(oldest)
            box.removed_ms = world.now
            keep_mailbox(world.txn, box)
            for queue in box.queues.values():
                devices = devices_of(world, queue.audience) if queue.ready else ()
                queue.unaware = {device[:PREFIX_SIZE] for device in devices}
                keep_queue(world.txn, box, queue)
        self._changed = world.status_changed = True
        self.on_route()
        return box

    def _forget(self, box: OwnMailbox) -> None:
        for queue in list(box.queues.values()):
            self.on_gone(box, queue)
        drop_mailbox(self._world.txn, box)
        self.on_forgotten(box)
        self.boxes.pop(box.id, None)
        self._links.release(box.id, Purpose.OWN)
        self._world.status_changed = True

    # What others are told

    def routed(self, audience: Audience) -> tuple[RoutedQueue, ...]:
        """One that fails only where there is no other."""
        found = [(box, queue) for box in self.chosen if (queue := box.routed(audience)) is not None]
        good = tuple(queue for box, queue in found if not self.is_failing(box))
        return good or tuple(queue for _, queue in found)

    def look_again(self) -> None:
        """Something may be empty now."""
        self._changed = True

    def heard(self, device: DeviceId, audience: Audience) -> None:
        """A device has our newest route: it writes to no queue that this does not name."""
        for box in self.boxes.values():
            queue = box.queues.get(audience)
            if queue is not None and device[:PREFIX_SIZE] in queue.unaware:
                queue.unaware.discard(device[:PREFIX_SIZE])
                keep_queue(self._world.txn, box, queue)
                self._changed = True

    def _unaware_of(self, queue: OwnQueue) -> list[DeviceId]:
        """Devices of a contact, or our own others, that may still write there."""
        if not queue.unaware or is_channel(self._world, queue.audience):
            return []
        return [device for device in devices_of(self._world, queue.audience) if device[:PREFIX_SIZE] in queue.unaware]

    # The mailbox

    def _up(self, address: MailboxAddress) -> None:
        box = self.boxes.get(address.mailbox)
        if box is not None:
            box.again_at = None
            self._show(box)

    def _down(self, address: MailboxAddress) -> None:
        box = self.boxes.get(address.mailbox)
        if box is None:
            return
        box.answered = box.shown = False
        for queue in box.queues.values():
            self._untake(queue)

    def _untake(self, queue: OwnQueue) -> None:
        queue.taken = queue.asked = False
        queue.refused = None

    def _show(self, box: OwnMailbox) -> None:
        self._links.request(
            box.address,
            Purpose.OWN,
            lambda number, session: show_grant(number, box.grant.seed, session.binding),
            partial(self._granted, box),
        )

    def ask_usage(self, box: OwnMailbox) -> None:
        """How much of our share is used, over the link that there is; our key is shown anew for that."""
        if box.shown:
            self._show(box)

    def _granted(self, box: OwnMailbox, answer: MailboxReply | None) -> None:
        word = _word(answer)
        if word is None or self.boxes.get(box.id) is not box:
            return
        box.answered, box.shown = True, word is Word.DONE
        box.refused = None if box.shown else word
        box.usage = answer.usage if isinstance(answer, MailboxAnswer) else None
        box.again_at = None if box.shown else self._world.now + MAILBOX_RETRY_MS
        self._changed = self._world.status_changed = True
        if not box.shown and word in (Word.UNKNOWN, Word.UNAUTHORISED):
            # What lies there can still be taken.
            self._lost(box)

    def _lost(self, box: OwnMailbox) -> None:
        """The mailbox does not know us any more: no route names it until it does."""
        for queue in box.queues.values():
            if queue.ready:
                queue.ready = False
                keep_queue(self._world.txn, box, queue)
        self.on_route()

    def tick(self) -> None:
        """Queues are opened, those who may write are allowed, and what is empty and unknown to everybody goes."""
        world = self._world
        last, self._ticked_at = self._ticked_at, world.now
        ended = (box.removed_ms + DRAIN_MS for box in self.boxes.values() if box.removed_ms is not None)
        self._changed |= any(last < at <= world.now for at in ended)
        if self._changed or world.audiences_changed or world.credentials_changed:
            self._changed = False
            wanted = audiences(world)
            for box in list(self.boxes.values()):
                self._settle(box, wanted)
        for box in list(self.boxes.values()):
            if self._is_drained(box):
                self._forget(box)
            elif box.again_at is not None and box.again_at <= world.now:
                box.again_at = None
                for queue in box.queues.values():
                    queue.refused = None
                self._show(box)

    def _is_drained(self, box: OwnMailbox) -> bool:
        """Whether it was given up so long ago that nobody is waited for any more: contacts longer than others."""
        if box.removed_ms is None or box.removed_ms + DRAIN_MS > self._world.now:
            return False
        late = box.removed_ms + LONGEST_DRAIN_MS <= self._world.now
        return late or not any(self._unaware_of(queue) for queue in box.queues.values())

    def _settle(self, box: OwnMailbox, wanted: list[Audience]) -> None:
        world = self._world
        if not box.draining:
            most = 0 if box.usage is None else box.usage.most_queues
            for audience in wanted:
                if audience not in box.queues and len(box.queues) < most:
                    queue = OwnQueue(audience=audience, seed=world.entropy(32))
                    box.queues[audience] = queue
                    keep_queue(world.txn, box, queue)
        for queue in list(box.queues.values()):
            if self._is_over(box, queue, wanted):
                self._close(box, queue)
            elif box.answered and not queue.asked and queue.refused is None:
                self._tend(box, queue)
        if box.draining and not box.queues:
            self._forget(box)

    def _is_over(self, box: OwnMailbox, queue: OwnQueue, wanted: list[Audience]) -> bool:
        queue.over = queue.audience not in wanted
        if queue.over:
            # What somebody has left there may be about something else that we share.
            return not queue.opened or (queue.taken and self.is_empty(box, queue))
        if box.removed_ms is None:
            return False
        if box.removed_ms + DRAIN_MS <= self._world.now and not self._unaware_of(queue):
            return True
        return not queue.unaware and (not queue.opened or (queue.taken and self.is_empty(box, queue)))

    def _tend(self, box: OwnMailbox, queue: OwnQueue) -> None:
        """The next thing that this link has to do for a queue, if any."""
        if not queue.taken:
            if not (queue.opened or box.shown):
                return
            self._ask(box, queue, partial(self._entering, box, queue), self._took)
            return
        if not box.shown:
            return
        real = {} if queue.over else self.writers.verifiers(queue)
        names = {v[:PREFIX_SIZE]: v for v in real}
        padding = () if queue.over else self.writers.padding(queue, len(names))
        names |= {v[:PREFIX_SIZE]: v for v in padding}
        new = sorted(names.keys() - queue.allowed)[:MAX_ALLOWED_AT_ONCE]
        gone = tuple(sorted(queue.allowed - names.keys())[:MAX_ALLOWED_AT_ONCE])
        if new or gone:
            quotas = self.writers.quotas(box, queue, real)
            usual = max(LEAST_ACCOUNT_BYTES, self.writers.account_bytes(box, queue))
            allow = tuple((names[name], quotas.get(names[name], usual)) for name in new)
            self._ask(
                box,
                queue,
                lambda number, session: AllowWriters(number=number, queue=queue.id, allow=allow, forbid=gone),
                partial(self._allowed, new=set(new), gone=set(gone)),
            )
        elif not queue.ready and not box.draining and not queue.over:
            queue.ready = True
            queue.unaware = {device[:PREFIX_SIZE] for device in devices_of(self._world, queue.audience)}
            keep_queue(self._world.txn, box, queue)
            self.on_route()

    def _entering(self, box: OwnMailbox, queue: OwnQueue, number: int, session: Session) -> OpenQueue | TakeQueue:
        if queue.opened:
            return take_queue(number, queue.seed, session.binding)
        return open_queue(number, queue.seed, session.binding, self.writers.queue_bytes(box, queue))

    def _ask(self, box: OwnMailbox, queue: OwnQueue, build: Build, then: Callable[[OwnMailbox, OwnQueue, Word], None]) -> None:
        """One thing about a queue at a time."""
        queue.asked = True

        def answered(answer: MailboxReply | None) -> None:
            word = _word(answer)
            if word is None or self.boxes.get(box.id) is not box or box.queues.get(queue.audience) is not queue:
                return
            queue.asked = False
            self._changed = self._world.status_changed = True
            then(box, queue, word)

        if not self._links.request(box.address, Purpose.OWN, build, answered):
            queue.asked = False

    def _took(self, box: OwnMailbox, queue: OwnQueue, word: Word) -> None:
        world = self._world
        if word is Word.DONE:
            if queue.opened:
                box.checks += 1
                keep_mailbox(world.txn, box)
            else:
                queue.opened, queue.allowed = True, set()
                keep_queue(world.txn, box, queue)
            queue.taken = True
            self.on_taken(box, queue)
        elif word is Word.UNKNOWN and queue.opened:
            # It had it, and has lost it with all that lay there: its disk was wiped, say.
            world.count("mailbox-lost-queue")
            self.on_wiped(box, queue)
            box.checks, box.losses = box.checks + 1, box.losses + 1
            keep_mailbox(world.txn, box)
            queue.opened = queue.ready = False
            queue.allowed = set()
            keep_queue(world.txn, box, queue)
            self.on_route()
        else:
            self._refused(box, queue, word)

    def _allowed(self, box: OwnMailbox, queue: OwnQueue, word: Word, *, new: set[WriterPrefix], gone: set[WriterPrefix]) -> None:
        if word is not Word.DONE:
            self._refused(box, queue, word)
            return
        queue.allowed = (queue.allowed | new) - gone
        keep_queue(self._world.txn, box, queue)

    def _refused(self, box: OwnMailbox, queue: OwnQueue, word: Word) -> None:
        queue.refused = word
        self._world.count(f"mailbox-refused-{word.value}")
        at = self._world.now + MAILBOX_RETRY_MS
        box.again_at = at if box.again_at is None else min(at, box.again_at)

    def _close(self, box: OwnMailbox, queue: OwnQueue) -> None:
        """Nobody needs it any more; the mailbox may forget it with all that lies there."""
        if not queue.opened:
            self._closed(box, queue, Word.DONE)
        elif box.answered and not queue.asked and queue.refused is None:
            if queue.taken:
                self._ask(box, queue, lambda number, _: CloseQueue(number=number, queue=queue.id), self._closed)
            else:
                self._tend(box, queue)

    def _closed(self, box: OwnMailbox, queue: OwnQueue, word: Word) -> None:
        if word not in (Word.DONE, Word.UNKNOWN):
            self._refused(box, queue, word)
            return
        self.on_gone(box, queue)
        drop_queue(self._world.txn, box, queue)
        self._changed = True

    def wake_times(self) -> list[int]:
        times = [box.again_at for box in self.boxes.values() if box.again_at is not None]
        for box in self.boxes.values():
            ends = () if box.removed_ms is None else (box.removed_ms + DRAIN_MS, box.removed_ms + LONGEST_DRAIN_MS)
            times += [at for at in ends if at > self._world.now]
        return [self._world.now, *times] if self._changed else times


def _word(answer: MailboxReply | None) -> Word | None:
    """None: there is no answer, or one to another question."""
    return answer.word if isinstance(answer, MailboxAnswer) else None
