"""The use of mailboxes, one's own and others': links to them, one's queues, what is collected there, and the routes."""

from multichat_tui.model.device_statements import DeviceStatementKind
from multichat_tui.model.ids import DeviceId, short
from multichat_tui.model.snapshots import MailboxFailing, MailboxRow, MailboxState
from multichat_tui.node.auditing import Auditing
from multichat_tui.node.collecting import Collecting
from multichat_tui.node.device_statements import DeviceStatements
from multichat_tui.node.kept_mailboxes import OwnMailbox
from multichat_tui.node.mailbox_links import MailboxLinks, Purpose
from multichat_tui.node.own_mailboxes import OwnMailboxes
from multichat_tui.node.routes import Routes
from multichat_tui.node.scores import Scores
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.world import World

WRONG = {
    MailboxFailing.LOSES: "It loses what is left there",
    MailboxFailing.REFUSES: "It takes nothing",
    MailboxFailing.AWAY: "It is hardly ever reached",
}


class MailboxUse:
    def __init__(self, world: World, statements: DeviceStatements, sealing: Sealing) -> None:
        self._world = world
        self.links = MailboxLinks(world)
        self.own = OwnMailboxes(world, self.links)
        self.collecting = Collecting(world, self.links, self.own, sealing.order)
        self.scores = Scores(world)
        self._auditing = Auditing(world, self.links, self.own, self.collecting, self.scores)
        self.routes = Routes(world, statements, sealing, self.own)
        statements.on_taken[DeviceStatementKind.ROUTE] = self.routes.taken
        statements.on_heard = self.routes.heard

    def load(self) -> None:
        self.links.load()
        self.own.load()
        self.scores.load()
        self._auditing.load()

    def tick(self) -> None:
        """Before credentials are made, and before what is said to peers goes out."""
        self.own.tick()
        self._auditing.tick()
        self.collecting.tick()
        self.routes.tick()
        self.links.tick()

    def wake_times(self) -> list[int]:
        return [
            *self.own.wake_times(),
            *self._auditing.wake_times(),
            *self.collecting.wake_times(),
            *self.routes.wake_times(),
            *self.links.wake_times(),
        ]

    # For the user

    def rows(self) -> tuple[MailboxRow, ...]:
        waiting = self.collecting.waiting
        return tuple(self._row(number, box, waiting.get(box.id, 0)) for number, box in enumerate(self.own.boxes.values(), 1))

    def _row(self, number: int, box: OwnMailbox, waiting: int) -> MailboxRow:
        since = self.links.unreached_since(box.id, Purpose.OWN)
        ready = sum(queue.ready for queue in box.queues.values())
        refused = box.refused or next((queue.refused for queue in box.queues.values() if queue.refused is not None), None)
        usage = box.usage
        score = self.scores.of(box.id)
        failing = None if box.draining else score.failing
        return MailboxRow(
            number=number,
            name=short(box.id),
            addresses=box.address.addresses,
            state=self._state(box, ready),
            since_ms=since if box.removed_ms is None else min(box.removed_ms, self._world.now),
            detail=refused.value if refused is not None else self._failure(box),
            used_bytes=None if usage is None else usage.used_bytes,
            quota_bytes=None if usage is None else usage.quota_bytes,
            queues=len(box.queues),
            ready=ready,
            waiting=waiting,
            unaware=len({device for queue in box.queues.values() for device in queue.unaware}),
            checks=box.checks,
            losses=box.losses,
            tests=score.tests,
            passed=score.passed,
            reached_percent=score.reached_percent,
            failing=failing,
            note="" if failing is None else self._note(number, box, failing),
        )

    def _state(self, box: OwnMailbox, ready: int) -> MailboxState:
        if box.draining:
            return MailboxState.LEAVING
        if not self.links.linked(box.id, Purpose.OWN):
            return MailboxState.UNREACHED
        if box.refused is not None:
            return MailboxState.REFUSED
        if any(queue.refused is not None for queue in box.queues.values()):
            return MailboxState.PARTLY
        return MailboxState.READY if box.shown and ready == len(box.queues) else MailboxState.OPENING

    def _failure(self, box: OwnMailbox) -> str:
        return self._world.dial_failures.get(DeviceId(box.id), "")

    def _note(self, number: int, box: OwnMailbox, failing: MailboxFailing) -> str:
        """What is wrong, and what follows."""
        others = any(each is not box and self.scores.of(each.id).failing is None for each in self.own.chosen)
        if others:
            return f"{WRONG[failing]}: others are not told of it until it does well again. /mailbox remove {number} gives it up."
        return f"{WRONG[failing]}, and there is no other that does better: add another one, by /mailbox add LINK."
