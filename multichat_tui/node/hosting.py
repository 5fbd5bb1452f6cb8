"""The mailbox that this node keeps for others, within the engine: who comes through its door, and what is done with time.

Off unless the operator turned it on. What is asked is answered by `mailbox.keeper`; the writer's batches are its group commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from multichat_tui.crypto.mailboxes import MailboxSeals, local_device
from multichat_tui.mailbox.keeper import Keeper
from multichat_tui.mailbox.terms import Terms
from multichat_tui.mailbox.visit import Visit
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import Frame
from multichat_tui.model.hosts import host_of, one_sender
from multichat_tui.model.ids import DeviceId, LinkId
from multichat_tui.model.limits import (
    CLIENT_IDLE_MS,
    CLIENT_SHOW_MS,
    COUNT_REFUSALS_MS,
    DISK_RETRY_MS,
    FORGET_TRACES_MS,
    MAX_CLIENT_FAULTS,
    MAX_CLIENT_LINKS,
    MAX_CLIENT_LINKS_PER_ADDRESS,
    SWEEP_ENVELOPES,
    SWEEP_EVERY_MS,
    SWEEP_PAUSE_MS,
)
from multichat_tui.model.mailbox_frames import MailboxAnswer, MailboxFrame, MailboxRequest, PutEnvelope, Word
from multichat_tui.model.mailbox_store import RefusalCount
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.ports import Credential, CredentialKind
from multichat_tui.node.effects import Effects
from multichat_tui.node.host_settings import HostSettings, keep_settings, load_settings, new_settings
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

NEVER = 2**62


class Hosting:
    """Implements `engine.MailboxSide` for those who come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.settings: HostSettings | None = load_settings(world.txn)
        self.keeper: Keeper | None = None
        self._visits: dict[LinkId, Visit] = {}
        self._hosts: dict[str, set[LinkId]] = {}
        """Links by where they come from."""
        self._heard_at: dict[LinkId, int] = {}
        """When something was last asked, the longest ago first."""
        self._sweep_at = self._idle_at = world.now
        self._traces_at = self._refusals_at = NEVER
        self._begin()

    @property
    def on(self) -> bool:
        return self.keeper is not None

    def is_ours(self, mailbox: MailboxId) -> bool:
        """Whether this node itself is that mailbox."""
        return self.settings is not None and local_device(self.settings.seed).device == DeviceId(mailbox)

    def set(self, settings: HostSettings) -> None:
        """The operator's decision, from now on."""
        world = self._world
        self.settings = settings
        keep_settings(world.txn, settings)
        if not settings.on:
            for link in list(self._visits):
                world.close(world.clients[link], "the mailbox is closed")
        self._begin()

    def made(self) -> HostSettings:
        """The settings; made if there were none. They are stored by `set`."""
        return self.settings or new_settings(self._world.entropy)

    def disk_refused(self) -> None:
        """A commit has failed: nothing is put here for a while."""
        if self.keeper is not None:
            self.keeper.disk_rests_until = self._world.now + DISK_RETRY_MS

    @property
    def resting(self) -> bool:
        """Nothing is put here for now, as the disk has refused something."""
        return self.keeper is not None and self._world.now < self.keeper.disk_rests_until

    def revoked(self, grant: bytes) -> None:
        """Nothing new comes in under a grant: whoever has shown it hears that when they come again, and can tell others."""
        for link, visit in self._visits.items():
            if visit.grant == grant:
                self._world.close(self._world.clients[link], "the place was revoked")

    def dropped(self) -> None:
        """A place went with all that lay in it: it leaves the disk bit by bit."""
        self._sweep_at = self._world.now + SWEEP_PAUSE_MS

    def refusals(self) -> list[RefusalCount]:
        """By grant and word: what is counted on the disk, and what is to be."""
        counts = {(count.grant, count.word): count for count in self._world.txn.mailbox.refusals()}
        for (grant, word), more in self.keeper.refused.items() if self.keeper is not None else ():
            known = counts.get((grant, word))
            total = more + (0 if known is None else known.count)
            counts[grant, word] = RefusalCount(grant=grant, word=word, count=total, last_ms=self._world.now)
        return [counts[name] for name in sorted(counts)]

    def _begin(self) -> None:
        """Be a mailbox, or be none any more, by the settings."""
        world, settings = self._world, self.settings
        before = world.door
        if settings is None or not settings.on:
            self.keeper, world.door = None, None
        else:
            terms = Terms(total_bytes=settings.total_bytes)
            if self.keeper is None:
                self.keeper = Keeper(terms=terms, seals=MailboxSeals(settings.seed), box=world.txn.mailbox, now=world.now)
            self.keeper.terms = terms
            world.door = Credential(
                kind=CredentialKind.MAILBOX_DOOR,
                key=settings.door_key,
                local=local_device(settings.seed),
                announced=settings.shown_on_lan,
            )
        world.credentials_changed |= world.door != before

    # Links

    def up(self, session: Session) -> str:
        if self.keeper is None:
            return "this node keeps no mailbox"
        group = one_sender(host_of(session.address))
        if len(self._visits) >= MAX_CLIENT_LINKS:
            self._world.count("mailbox-too-many-links")
            return "too many use this mailbox at once"
        if len(self._hosts.get(group, ())) >= MAX_CLIENT_LINKS_PER_ADDRESS:
            self._world.count("mailbox-too-many-links-of-one-address")
            return "too many links from one address"
        self._visits[session.link] = Visit(binding=session.binding, link=session.link)
        self._hosts.setdefault(group, set()).add(session.link)
        self._heard_at[session.link] = self._world.now
        self._idle_at = min(self._idle_at, self._world.now + CLIENT_SHOW_MS)
        return ""

    def take_over(self, before: "Hosting", asked: Mapping[LinkId, Sequence[MailboxRequest | None]]) -> Effects:
        """A commit has failed, and this is what was loaded again: the links that there were go on, but for those over which
        something else than an envelope was brought in that batch (`asked`). What was brought is refused for now. What a link has
        shown is looked up with each request, so that nothing of what did not happen is believed."""
        effects, keeper = Effects(), self.keeper
        for session in () if keeper is None else before._world.clients.values():
            visit, requests = before._visits.get(session.link), asked.get(session.link, ())
            if visit is None or session.closing or not all(isinstance(each, PutEnvelope) for each in requests):
                continue
            assert keeper is not None
            visit.fetched_bytes = 0
            self._world.clients[session.link] = session
            self._visits[session.link] = visit
            self._hosts.setdefault(one_sender(host_of(session.address)), set()).add(session.link)
            self._heard_at[session.link] = before._heard_at[session.link]
            keeper.receive(visit)
            for request in requests:
                if request is not None:
                    answer = MailboxAnswer(number=request.number, word=Word.BUSY, retry_after_ms=DISK_RETRY_MS)
                    effects.frames.append((session.link, encode_frame(answer)))
        return effects

    def down(self, session: Session) -> None:
        visit = self._visits.pop(session.link, None)
        if visit is None:
            return
        del self._heard_at[session.link]
        group = one_sender(host_of(session.address))
        self._hosts[group].discard(session.link)
        if not self._hosts[group]:
            del self._hosts[group]
        if self.keeper is not None:
            self.keeper.leave(visit)

    def take(self, session: Session, frame: Frame | MailboxFrame) -> bool:
        visit = self._visits.get(session.link)
        if not isinstance(frame, MailboxRequest):
            return False
        if visit is None or self.keeper is None or session.closing:
            return True
        if not visit.silent:
            self._heard_at.pop(session.link)
            self._heard_at[session.link] = self._world.now
        for reply in self.keeper.answer(visit, frame):
            self._world.send(session, reply)
        if visit.faults > MAX_CLIENT_FAULTS:
            self._world.close(session, "it asked too often for what is not its own")
        return True

    # Time

    def begin(self) -> None:
        """A batch begins."""
        if self.keeper is not None:
            self.keeper.begin(self._world.txn.mailbox, self._world.now)

    def finish(self) -> None:
        """A batch ends: news, sweeps, what is counted, links that say nothing."""
        world, now = self._world, self._world.now
        if self.keeper is not None:
            for visit, news in self.keeper.take_news():
                session = world.clients.get(visit.link)
                if session is not None:
                    world.send(session, news)
            self._end_batch(self.keeper)
        if self._sweep_at <= now:
            self._sweep()
        if self._traces_at <= now:
            self._traces_at = NEVER
            world.txn.mailbox.forget_traces()
        if self._idle_at <= now:
            self._look_for_idle()

    def _end_batch(self, keeper: Keeper) -> None:
        now = self._world.now
        for visit in self._visits.values() if keeper.fetched_bytes else ():
            visit.fetched_bytes = 0
        if keeper.removed:
            keeper.removed = False
            self._traces_at = min(self._traces_at, now + FORGET_TRACES_MS)
            self._sweep_at = min(self._sweep_at, now + SWEEP_PAUSE_MS)
        if keeper.put_expiring is not None:
            self._sweep_at = min(self._sweep_at, max(keeper.put_expiring, now + SWEEP_EVERY_MS))
            keeper.put_expiring = None
        if keeper.refused and self._refusals_at == NEVER:
            self._refusals_at = now + COUNT_REFUSALS_MS
        if self._refusals_at <= now and now >= keeper.disk_rests_until:
            self._refusals_at = NEVER
            for (grant, word), count in keeper.refused.items():
                self._world.txn.mailbox.add_refusals(grant, word, count, now)
            keeper.refused.clear()

    def _sweep(self) -> None:
        """A slice; the next one after a pause."""
        world, box = self._world, self._world.txn.mailbox
        at = box.next_expiry()
        if at is None:
            self._sweep_at = NEVER
        elif at > world.now:
            self._sweep_at = max(at, world.now + SWEEP_EVERY_MS)
        else:
            box.sweep(world.now, SWEEP_ENVELOPES)
            self._traces_at = min(self._traces_at, world.now + FORGET_TRACES_MS)
            self._sweep_at = world.now + SWEEP_PAUSE_MS

    def _look_for_idle(self) -> None:
        """Links over which nothing was shown, and those over which nothing is asked and nothing awaited."""
        world, now = self._world, self._world.now
        self._idle_at = NEVER
        for link, visit in self._visits.items():
            session = world.clients.get(link)
            if session is None or session.closing or visit.subscribed:
                continue
            patience = CLIENT_SHOW_MS if visit.silent else CLIENT_IDLE_MS
            if self._heard_at[link] + patience <= now:
                world.count("mailbox-idle-link")
                world.close(session, "nothing was asked over it")
            else:
                self._idle_at = min(self._idle_at, self._heard_at[link] + patience)

    def wake_times(self) -> list[int]:
        rests_until = 0 if self.keeper is None else self.keeper.disk_rests_until
        return [self._sweep_at, self._traces_at, self._idle_at, max(self._refusals_at, rests_until)]

    def changed(self, **changes: object) -> HostSettings:
        """The settings with some of them otherwise."""
        return replace(self.made(), **changes)  # type: ignore[arg-type]  # by name
