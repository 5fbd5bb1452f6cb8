"""What a history of many nodes is made of: how large it is, what may happen in it, its channels, and the watch over the log."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulated_world import Person

from multichat_tui.model.acts import Remove, Tip
from multichat_tui.model.ids import ChannelId, Log, UserId
from multichat_tui.model.ports import Store
from multichat_tui.net.simulated import Conditions
from multichat_tui.node import dialing
from multichat_tui.node.service import Outcome
from multichat_tui.store.memory import MemoryStore

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
DAY_MS = 24 * 3600 * 1000
YEAR_MS = 365 * DAY_MS
ROUGH = Conditions(latency_ms=20, jitter_ms=30, loss=0.05, duplication=0.05, reordering=0.05, reliable=False)
TURNS = {
    "say": 40,
    "burst": 5,
    "crash": 6,
    "cut": 3,
    "clock": 3,
    "rule": 6,
    "join": 5,
    "leave": 1,
    "remove": 3,
    "moderate": 12,
    "restore": 2,
    "second": 3,
    "revoke": 5,
    "hostile": 12,
}
"""What may happen next, and how likely it is."""
MAX_LOST = 4
MAX_SECOND = 4
"""Lost or revoked machines of a history, and second machines of accounts: each changes an account's devices once at most, as two
lists of devices that were made at the same time in ignorance of each other need somebody who settles it."""
SECOND = " beside"
KINDS = ("flood", "fork", "garbage", "lie", "replay")
"""Of members in bad faith: no more than a third of a history's machines are such."""
FIRST_PATIENCE_MS, PATIENCE_MS = 15_000, 6 * 3600 * 1000
"""Between two calls in vain, at first and at last. In days of virtual time those of seconds and minutes would be most of the
work; whoever comes calls at once anyhow."""


def _in_memory(name: str) -> Store:
    return MemoryStore()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large a history is. `new_store`: what keeps the profile of the machine of that name."""

    seed: int
    nodes: int = 50
    steps: int = 400
    hostile: bool = True
    mailboxes: int = 0
    """Machines that keep one, beside the nodes."""
    alone: bool = False
    """With mailboxes: at the end a word must get to somebody by mailbox alone."""
    texts: bool = False
    """Some texts are for some members, for a time, or taken away; and no machine is of a version that knows no such thing."""
    new_store: Callable[[str], Store] = field(default=_in_memory)


class Place:
    """A channel as the history knows it. Texts in it begin with `mark`."""

    def __init__(self, number: int, channel: ChannelId, founder: Person) -> None:
        self.channel = channel
        self.founder = founder
        self.mark = f"¶{number}¶"
        self.told: set[str] = {founder.name}
        """Machines that were ever let know of it, or given its link: nobody else may hear of it."""
        self.away: set[str] = set()
        """Whose membership was ended, or who have left."""
        self.link = ""


@contextmanager
def watched_log() -> Iterator[list[str]]:
    """What nodes log as failures of their own."""
    failures: list[str] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if record.exc_info is not None or (text.startswith("batch failed") and "storage" not in text):
                cause = record.exc_info[1] if record.exc_info else ""
                failures.append(f"{text} {cause!r}")

    watch = Watch(level=logging.WARNING)
    root = logging.getLogger("multichat_tui")
    propagated, root.propagate = root.propagate, False
    root.addHandler(watch)
    before = dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS
    dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS = FIRST_PATIENCE_MS, PATIENCE_MS
    try:
        yield failures
    finally:
        dialing.MIN_REDIAL_MS, dialing.MAX_REDIAL_MS = before
        root.removeHandler(watch)
        root.propagate = propagated


def remove(founder: Person, channel: ChannelId, user: UserId) -> bool:
    """What a founder's node does for a leaving, for somebody who does not want to leave."""
    engine = founder.api._engine
    if engine is None or user not in engine.world.channels[channel].view.members:
        return False
    founder.store.crash_next = None
    with founder.store.transaction() as txn:
        engine.begin(txn, founder.now_ms())
        mine = engine.world.channels[channel]
        fence = tuple(
            Tip(device=end.device, log=key[0], seq=end.seq, hash=end.id)
            for key, end in sorted(mine.chains.ends.items())
            if mine.control.user_of(end.device) == user
        )
        engine._ledger.author(mine, Log.CONTROL, (Remove(user=user, fence=fence),))
        effects = engine.finish()
    founder.api._let_out(Outcome(effects=effects))
    return True
