"""The node's shell: one writer with group commit, a clock, links, subscribers. Decides nothing; `engine` does.

Inputs wait in one bounded inbox. The writer takes them in batches, the user's own first, each batch in one transaction on the
store's thread; what a batch wants done (frames, answers, events) is released after its commit, so nothing leaves before
it is stored.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import field
from typing import Any, Generic, TypeVar

from multichat_tui.model.errors import IntentRefused, MultichatError, Refusal, StorageFailed, Unreachable, UsageError
from multichat_tui.model.events import Event, Resync
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, LinkId, RecordId, UserId
from multichat_tui.model.intents import (
    Accepted,
    ChangeSetting,
    CloseAccount,
    ExportBundle,
    ImportBundle,
    Intent,
    Part,
    RevokeDevice,
    SetNearby,
    SettleDevices,
)
from multichat_tui.model.limits import (
    BATCH_MS,
    BATCH_RECORDS,
    INBOX_INPUTS,
    MAX_FORESEEN,
    MAX_FOUND_ROWS,
    MAX_MODLOG_ROWS,
    MAX_PAGE_ROWS,
)
from multichat_tui.model.moderation import EVERYTHING, DeedPage, DeedSearch, Foreseen, ReportRow, RosterRow
from multichat_tui.model.ports import (
    DialFailed,
    Entropy,
    FrameIn,
    Network,
    NetworkChanged,
    NetworkInput,
    Ratchets,
    Stopping,
    Store,
)
from multichat_tui.model.searching import FoundPage, Search, check_search
from multichat_tui.model.snapshots import (
    ChannelRow,
    ContactRow,
    DeliveryRow,
    DeviceRow,
    ListedRow,
    Me,
    MemberRow,
    MessageRow,
    PeerRow,
    Position,
    RulesRow,
    Snapshot,
    StatusRow,
    Thread,
)
from multichat_tui.model.trust import TrustRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.api.settings import LOG_LEVEL
from multichat_tui.node.api.subscription import Subscription
from multichat_tui.node.bundle_files import BundleFiles
from multichat_tui.node.effects import Effects
from multichat_tui.node.engine import Engine
from multichat_tui.node.identity import Identity, load_identity
from multichat_tui.node.rows import Rows

log = logging.getLogger(__name__)
T = TypeVar("T")
CLOCK_STEP_MS = 1000
"""A clock that goes back by more than this was set, not corrected."""
LEAVE_LOOK_S, LEAVE_LOOKS = 0.05, 60
"""How often it is looked whether the last of it lies at mailboxes, and for how long at most: 3 s."""
LAST_BATCHES = 8
"""So many more at most are worked off before a node ends."""
RETRY_S = 2.0
"""After a failed commit the writer waits this long before it tries again by itself."""


@dataclass(slots=True)
class Waiting(Generic[T]):
    """Somebody who awaits an answer from the store's thread."""

    future: "asyncio.Future[T]"
    result: T | None = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # set where there is no error


@dataclass(slots=True)
class Outcome:
    """What a batch came to, for the event loop to release."""

    effects: Effects | None = None
    settled: list[Waiting[Any]] = field(default_factory=list)
    error: BaseException | None = None
    links: tuple[LinkId, ...] = ()
    """Links whose sessions are gone with the engine that was thrown away."""
    more: bool = False


def _log_as(level: str) -> None:
    """How much is logged from now on, by the setting's value."""
    if level in ("info", "debug"):
        logging.getLogger("multichat_tui").setLevel(level.upper())


class Node:
    """Implements `node.api.NodeApi`. `executor` has one thread, the store's own; None runs the store inline (simulation)."""

    def __init__(
        self,
        *,
        store: Store,
        network: Network,
        now_ms: Callable[[], int],
        entropy: Entropy,
        executor: Executor | None,
        lan: bool = True,
        open_account: Callable[[str | None], bytes] | None = None,
        ratchets: Ratchets | None = None,
    ) -> None:
        """`open_account` gives the account's entropy for the profile's passphrase, or raises `errors.WrongPassphrase`."""
        self._store = store
        self._network = network
        self._now_ms = now_ms
        self._entropy = entropy
        self._executor = executor
        self._lan = lan
        self._open_account = open_account
        self._ratchets = ratchets
        self._identity: Identity | None = None
        self._engine: Engine | None = None
        self._thrown_away: Engine | None = None
        """The last one, while none could be loaded in its place."""
        self._submits: deque[tuple[Intent | Callable[[Engine], Any], bytes | None, Waiting[Any]]] = deque()
        """Intents, and other things to be done by the engine, each with who waits for it."""
        self._reads: deque[tuple[Callable[[Rows], Any], Waiting[Any]]] = deque()
        self._inputs: deque[NetworkInput] = deque()
        self._taken: list[NetworkInput] = []
        """Of the batch under way."""
        self._busy = False
        self._paused = False
        self._stopped = False
        self._due = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._subscribers: set[Subscription] = set()
        self._last_ms = 0
        self._trouble = ""
        self._listen: tuple[str, ...] = ()
        self._leaving = False

    # Life

    async def start(self) -> None:
        """Load the profile and begin to listen. `errors.Damaged`, `errors.LinkFailed`."""
        self._loop = asyncio.get_running_loop()
        await self._call(self._load)
        assert self._identity is not None
        self._listen = await self._network.start(self._identity.local, self._deliver)
        assert self._engine is not None
        self._engine.world.listen = self._listen
        self._deliver(NetworkChanged(listen=self._listen))
        if dict((await self.settings()).rows).get(LOG_LEVEL) == "debug":
            _log_as("debug")

    async def stop(self) -> None:
        """Finish what was begun, close the links. The store stays open: it is its owner's."""
        if self._stopped:
            return
        self._inputs.append(Stopping())
        self._kick()
        for _ in range(LAST_BATCHES):
            await self._idle.wait()
            if not self._busy and Stopping() not in self._inputs:
                break
            await asyncio.sleep(0)
        await self._leave()
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        await self._network.stop()
        await self._idle.wait()
        self._refuse_waiting()
        for subscriber in self._subscribers:
            subscriber.end()

    async def _leave(self) -> None:
        """What is for people who are away goes to their mailboxes first: those may have to be called."""
        for _ in range(LEAVE_LOOKS):
            engine = self._engine
            if self._trouble or engine is None or not engine.depositing.leaving:
                self._leaving = False
                return
            self._leaving = True
            await asyncio.sleep(LEAVE_LOOK_S)
            await self._idle.wait()

    @property
    def leaving(self) -> bool:
        """While the node stops: something for people who are away is on its way to their mailboxes. After it has stopped: some
        of that has not come there."""
        return self._leaving

    def die(self) -> None:
        """End at once, as a process that is killed: nothing more is stored, sent or answered. For simulations."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._refuse_waiting()
        for subscriber in self._subscribers:
            subscriber.end()

    def _refuse_waiting(self) -> None:
        gone = Unreachable("The node has stopped.")
        waitings: list[Waiting[Any]] = [waiting for _, _, waiting in self._submits]
        for waiting in (*waitings, *(waiting for _, waiting in self._reads)):
            waiting.error = gone
            waiting.settle()
        self._submits.clear()
        self._reads.clear()

    @property
    def listen(self) -> tuple[str, ...]:
        """Where this node listened when it started, HOST:PORT."""
        return self._listen

    # The face

    async def submit(self, intent: Intent) -> Accepted:
        waiting: Waiting[Accepted] = Waiting(asyncio.get_running_loop().create_future())
        self._check_running()
        if not self._lan and isinstance(intent, SetNearby) and intent.visible:
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "This node does not show itself on the local network, so nobody could see you.",
                "Start it without --no-lan (or lan = false in the configuration), or use a link: /pair.",
            )
        if isinstance(intent, ExportBundle | ImportBundle):
            return await BundleFiles(self._do, inline=self._executor is None).carry(intent)
        entropy = await self._account_for(intent)
        self._submits.append((intent, entropy, waiting))
        self._kick()
        accepted = await waiting.future
        if isinstance(intent, ChangeSetting) and intent.key == LOG_LEVEL:
            _log_as(intent.value)
        return accepted

    async def _do(self, act: Callable[[Engine], T]) -> T:
        """Have the engine do something in one of its batches; the answer comes after the commit."""
        waiting: Waiting[T] = Waiting(asyncio.get_running_loop().create_future())
        self._check_running()
        self._submits.append((act, None, waiting))
        self._kick()
        return await waiting.future

    async def _account_for(self, intent: Intent) -> bytes | None:
        """The account's entropy, for the few intents that change devices or end the account."""
        if not isinstance(intent, RevokeDevice | SettleDevices | CloseAccount):
            return None
        if self._open_account is None:
            raise IntentRefused(Refusal.NOT_ALLOWED, "The account's key cannot be opened here.")
        if self._executor is None:
            return self._open_account(intent.passphrase)
        # Deriving a key takes long: not on the store's thread, and not on the event loop.
        return await asyncio.to_thread(self._open_account, intent.passphrase)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        subscriber = Subscription()
        self._subscribers.add(subscriber)
        if len(self._subscribers) == 1 and not self._stopped:
            # The batch under way may have begun without a listener, so that its events were not built: it counts as before.
            await self._idle.wait()
        try:
            if self._stopped:
                subscriber.end()
            yield subscriber.__aiter__()
        finally:
            self._subscribers.discard(subscriber)

    async def me(self) -> Snapshot[Me]:
        return await self._read(lambda rows: rows.node.me())

    async def channels(self) -> Snapshot[tuple[ChannelRow, ...]]:
        return await self._read(lambda rows: rows.channels())

    async def channel(self, channel: ChannelId) -> Snapshot[ChannelRow]:
        return await self._read(lambda rows: rows.channel(rows.find(channel)))

    async def contacts(self) -> Snapshot[tuple[ContactRow, ...]]:
        return await self._read(lambda rows: rows.contacts())

    async def members(self, channel: ChannelId) -> Snapshot[tuple[MemberRow, ...]]:
        return await self._read(lambda rows: rows.members(rows.find(channel)))

    async def trust(self, user: UserId) -> Snapshot[TrustRow]:
        return await self._read(lambda rows: rows.trust(user))

    async def rules(self, channel: ChannelId) -> Snapshot[RulesRow]:
        return await self._read(lambda rows: rows.rules(rows.find(channel)))

    async def modlog(
        self,
        channel: ChannelId,
        *,
        search: DeedSearch = EVERYTHING,
        before: RecordId | None = None,
        limit: int = 100,
    ) -> Snapshot[DeedPage]:
        bounded = max(1, min(limit, MAX_MODLOG_ROWS))
        return await self._read(lambda rows: rows.modlog.page(rows.find(channel), search, before, bounded))

    async def reports(self, channel: ChannelId) -> Snapshot[tuple[ReportRow, ...]]:
        return await self._read(lambda rows: rows.reports.rows(rows.find(channel)))

    async def roster(self, channel: ChannelId) -> Snapshot[tuple[RosterRow, ...]]:
        return await self._read(lambda rows: rows.roster(rows.find(channel)))

    async def exposure(self, channel: ChannelId) -> Snapshot[tuple[ExposureRow, ...]]:
        return await self._read(lambda rows: rows.exposure(rows.find(channel), lan=self._lan))

    async def foresee(self, intents: tuple[Part, ...]) -> Snapshot[tuple[Foreseen, ...]]:
        if len(intents) > MAX_FORESEEN:
            raise UsageError(f"At most {MAX_FORESEEN} things can be asked about at once.")
        return await self._read(lambda rows: rows.foresee(intents))

    async def directory(self, workspace: ChannelId) -> Snapshot[tuple[ListedRow, ...]]:
        return await self._read(lambda rows: rows.directory(rows.find(workspace)))

    async def timeline(
        self,
        channel: ChannelId,
        *,
        before: Position | None = None,
        after: Position | None = None,
        limit: int = 100,
    ) -> Snapshot[tuple[MessageRow, ...]]:
        bounded = max(1, min(limit, MAX_PAGE_ROWS))
        return await self._read(lambda rows: rows.messages.timeline(rows.find(channel), before, after, bounded))

    async def message(self, record: RecordId) -> Snapshot[MessageRow | None]:
        return await self._read(lambda rows: rows.messages.message(record))

    async def pins(self, channel: ChannelId) -> Snapshot[tuple[MessageRow, ...]]:
        return await self._read(lambda rows: rows.messages.pins(channel))

    async def thread(self, record: RecordId) -> Snapshot[Thread]:
        return await self._read(lambda rows: rows.messages.thread(record))

    async def search(self, search: Search, *, before: Position | None = None, limit: int = 50) -> Snapshot[FoundPage]:
        check_search(search)
        bounded = max(1, min(limit, MAX_FOUND_ROWS))
        return await self._read(lambda rows: rows.messages.search(search, before, bounded))

    async def delivery(self, record: RecordId) -> Snapshot[DeliveryRow]:
        return await self._read(lambda rows: rows.messages.delivery(record))

    async def devices(self) -> Snapshot[tuple[DeviceRow, ...]]:
        return await self._read(lambda rows: rows.node.devices())

    async def hosting(self) -> Snapshot[HostRow]:
        return await self._read(lambda rows: rows.hosting())

    async def peers(self) -> Snapshot[tuple[PeerRow, ...]]:
        return await self._read(lambda rows: rows.node.peers())

    async def status(self) -> Snapshot[StatusRow]:
        return await self._read(lambda rows: rows.node.status(self._lan, self._trouble))

    async def typed(self, channel: ChannelId | None) -> Snapshot[tuple[str, ...]]:
        return await self._read(lambda rows: rows.typed(channel))

    async def settings(self) -> Snapshot[tuple[tuple[str, str], ...]]:
        return await self._read(lambda rows: rows.settings())

    async def _read(self, read: Callable[[Rows], T]) -> Snapshot[T]:
        waiting: Waiting[Snapshot[T]] = Waiting(asyncio.get_running_loop().create_future())
        self._check_running()
        self._reads.append((read, waiting))
        self._kick()
        return await waiting.future

    def _check_running(self) -> None:
        if self._stopped:
            raise Unreachable("The node has stopped.")

    # Inputs

    def _deliver(self, event: NetworkInput) -> None:
        """Called by the network, on the event loop."""
        if self._stopped:
            return
        self._inputs.append(event)
        if len(self._inputs) > INBOX_INPUTS // 2 and not self._paused:
            self._paused = True
            self._network.pause(True)
        self._kick()

    def _wake(self) -> None:
        self._timer = None
        self._due = True
        self._kick()

    def _kick(self) -> None:
        """Let the writer run, if it does not."""
        if self._busy or self._stopped:
            return
        if not (self._submits or self._reads or self._inputs or self._due):
            return
        if self._engine is None and not self._due:
            # The profile could not be loaded: the next try is the timer's, however much comes in until then.
            return
        self._busy = True
        self._idle.clear()
        if self._executor is None:
            self._loop.call_soon(self._run_inline)
        else:
            self._executor.submit(self._run).add_done_callback(self._ran)

    def _run_inline(self) -> None:
        self._release(self._run())

    def _ran(self, done: Any) -> None:
        # The loop may be gone when the process ends in the middle of a batch.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._release, done.result())

    async def _call(self, function: Callable[[], T]) -> T:
        if self._executor is None:
            return function()
        return await self._loop.run_in_executor(self._executor, function)

    # On the store's thread

    def _load(self) -> None:
        with self._store.transaction() as txn:
            identity = self._identity
            if identity is None:
                identity = load_identity(txn, self._entropy)
            else:
                identity.refresh(txn)
            last = self._engine or self._thrown_away
            seq = 0 if last is None else last.world.event_seq
            engine = Engine.load(txn, identity, self._entropy, self._now_ms(), seq, self._ratchets)
            if last is not None:
                engine.carry_on(last)
        # Only now: an incarnation whose commit has failed was never used, and the next try takes another one.
        self._identity, self._engine, self._thrown_away = identity, engine, None

    def _run(self) -> Outcome:
        """One batch, then the reads that wait."""
        outcome = Outcome()
        submits: list[Waiting[Any]] = []
        # Only this thread takes from the deques while it is busy, and appending is safe beside it.
        try:
            self._look_at_clock(outcome)
            due, self._due = self._due, False
            if self._engine is None:
                self._load()
            if self._submits or self._inputs or due:
                outcome.effects = self._step(submits)
            outcome.settled += submits
        except Exception as error:  # noqa: BLE001  # the top of the writer: logged, and the engine is thrown away
            outcome.error = error
            self._give_up(outcome, submits, error)
        self._answer_reads(outcome)
        outcome.more = bool(self._inputs or self._submits)
        return outcome

    def _look_at_clock(self, outcome: Outcome) -> None:
        """A clock that was set back would leave every time-out of the links far in the future: they are begun again."""
        now = self._now_ms()
        if now < self._last_ms - CLOCK_STEP_MS and self._engine is not None:
            log.warning("clock set_back_ms=%d", self._last_ms - now)
            outcome.links = (*self._engine.world.sessions, *self._engine.world.clients)
            self._load()
        self._last_ms = now

    def _step(self, submits: list[Waiting[Any]]) -> Effects:
        engine = self._engine
        assert engine is not None
        self._taken.clear()
        with self._store.transaction() as txn:
            engine.begin(txn, self._now_ms(), listened=bool(self._subscribers))
            while self._submits and len(submits) < BATCH_RECORDS:
                intent, entropy, waiting = self._submits.popleft()
                submits.append(waiting)
                try:
                    waiting.result = intent(engine) if callable(intent) else engine.submit(intent, entropy)
                except IntentRefused as refused:
                    waiting.error = refused
            # The network has a turn in every batch: acknowledgements that wait behind a flood of submits look lost.
            started, records = time.monotonic(), 0
            while self._inputs and records < BATCH_RECORDS:
                event = self._inputs.popleft()
                self._taken.append(event)
                engine.network(event)
                records += 1 + (len(event.frame) // 512 if isinstance(event, FrameIn) else 0)
                # Inline nothing waits behind the batch, and a history in virtual time may not depend on the machine's speed.
                if self._executor is not None and (time.monotonic() - started) * 1000 > BATCH_MS:
                    break
            vain = not submits and all(isinstance(event, DialFailed) for event in self._taken)
            return engine.finish(dials_alone=vain)

    def _give_up(self, outcome: Outcome, submits: list[Waiting[Any]], error: BaseException) -> None:
        """A batch has failed and was rolled back: nothing of it happened. The engine in memory is not what is stored any more."""
        if isinstance(error, MultichatError):
            log.warning("batch failed code=%s", error.code)
        else:
            log.error("batch failed error=%s", type(error).__name__, exc_info=error)
        before = self._engine
        if before is not None:
            outcome.links = (*before.world.sessions, *before.world.clients)
        try:
            self._load()
            if before is not None and self._engine is not None and isinstance(error, StorageFailed):
                outcome.effects = self._engine.keep_clients(before, self._taken)
                outcome.links = tuple(link for link in outcome.links if link not in self._engine.world.clients)
        except Exception as failure:  # tried again after a pause; who waits for something is told now
            log.error("loading failed error=%s", type(failure).__name__, exc_info=failure)
            self._engine, self._thrown_away = None, self._engine or self._thrown_away
            while self._submits:
                submits.append(self._submits.popleft()[2])
        for waiting in submits:
            waiting.result = None
            if waiting.error is None:
                waiting.error = error if isinstance(error, MultichatError) else MultichatError("Something went wrong inside.")
        outcome.settled += submits

    def _answer_reads(self, outcome: Outcome) -> None:
        if not self._reads:
            return
        try:
            engine = self._engine
            if engine is None:
                raise outcome.error or StorageFailed("The profile could not be loaded.")
            with self._store.transaction() as txn:
                engine.world.txn = txn
                engine.world.now = self._now_ms()
                while self._reads:
                    read, waiting = self._reads.popleft()
                    outcome.settled.append(waiting)
                    try:
                        waiting.result = Snapshot(as_of=engine.world.event_seq, rows=read(engine.rows))
                    except MultichatError as refused:
                        waiting.error = refused
                    except Exception as error:  # one reader's trouble: logged, and told to that reader alone
                        log.error("read failed error=%s", type(error).__name__, exc_info=error)
                        waiting.error = MultichatError("Something went wrong inside.")
        except Exception as error:  # noqa: BLE001  # the store cannot be read: everybody who waits is told
            while self._reads:
                _, waiting = self._reads.popleft()
                waiting.error = error
                outcome.settled.append(waiting)

    # On the event loop

    def _release(self, outcome: Outcome) -> None:
        """After the commit: frames first, then answers, then events."""
        self._busy = False
        self._let_out(outcome)
        self._idle.set()
        if self._paused and len(self._inputs) < INBOX_INPUTS // 4 and not self._stopped:
            self._paused = False
            self._network.pause(False)
        self._kick()

    def _let_out(self, outcome: Outcome) -> None:
        effects = outcome.effects
        network = self._network
        if effects is not None and not self._stopped:
            if effects.credentials is not None:
                network.publish(effects.credentials)
            for link, frame in effects.frames:
                network.send(link, frame)
            for link, reason in effects.closes:
                network.close_link(link, reason)
            for credential, address in effects.dials:
                network.dial(credential, address)
        for link in outcome.links:
            network.close_link(link, "starting again")
        for waiting in outcome.settled:
            waiting.settle()
        if outcome.error is not None:
            self._troubled(outcome)
        elif effects is not None:
            self._trouble = ""
            for event in effects.events:
                for subscriber in self._subscribers:
                    subscriber.put(event)
            if not self._stopped:
                self._set_timer(effects.wake_at)

    def _troubled(self, outcome: Outcome) -> None:
        error = outcome.error
        self._trouble = str(error) if isinstance(error, MultichatError) else "Something went wrong inside; see the log file."
        seq, engine = 0, self._engine or self._thrown_away
        if engine is not None:
            engine.world.event_seq += 1
            seq = engine.world.event_seq
        for subscriber in self._subscribers:
            subscriber.put(Resync(seq=seq))
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopped:
            self._timer = self._loop.call_later(RETRY_S, self._wake)

    def _set_timer(self, wake_at: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wake_at is not None:
            delay_s = max(0.0, (wake_at - self._now_ms()) / 1000)
            self._timer = self._loop.call_later(delay_s, self._wake)
