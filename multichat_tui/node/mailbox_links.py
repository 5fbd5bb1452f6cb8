"""Links to mailboxes: one for each mailbox and purpose, as somebody of no account, kept while somebody wants them.

Who looks into one's own queues, who writes into others', and who leaves something for a test are never the same caller: the
mailbox could join them otherwise.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import field, replace
from enum import Enum
from typing import TypeAlias

from multichat_tui.crypto.mailboxes import local_device
from multichat_tui.model.frames import Frame
from multichat_tui.model.ids import ID_SIZE, DeviceId
from multichat_tui.model.limits import (
    FOUND_HOST_MS,
    MAILBOX_ANSWER_MS,
    MAX_ASKED_BYTES,
    MAX_ASKED_OF_MAILBOX,
    MAX_MAILBOX_ADDRESSES,
    MAX_REDIAL_MS,
    MAX_VAIN_DIALS,
    MIN_REDIAL_MS,
    NEW_HOSTS_PER_HOUR,
    UNPROVEN_HOSTS,
    VAIN_DIAL_MS,
)
from multichat_tui.model.mailbox_frames import (
    Deposited,
    Envelopes,
    Listing,
    MailboxAnswer,
    MailboxFrame,
    MailboxReply,
    MailboxRequest,
    PutEnvelope,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId
from multichat_tui.model.ports import Credential, CredentialKind, Space
from multichat_tui.model.values import dataclass
from multichat_tui.node.dialing import Target
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
FRAME_BYTES = 256
"""What a request has beside an envelope, at most, for the count of bytes."""


class Purpose(Enum):
    OWN = "own"
    """One's own queues."""
    WRITING = "writing"
    """Others' queues."""
    TESTING = "testing"
    """One's own queues, as those would who write there."""


Build: TypeAlias = Callable[[int, Session], MailboxRequest]
"""A request, from its number and the link that it goes over (what is signed is bound to that)."""
OnAnswer: TypeAlias = Callable[[MailboxReply | None], None]
"""None: the link is down, or there was no answer in time; whether the mailbox has done it is not known. Of several frames of
envelopes one with all of them."""


@dataclass(slots=True, kw_only=True)
class _Asked:
    on_answer: OnAnswer
    size: int
    due_at: int
    parts: list[Envelopes] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Line:
    """One mailbox for one purpose."""

    address: MailboxAddress
    purpose: Purpose
    credential: Credential
    until_ms: int
    rests_until: int = 0
    """After a link that was closed soon: no call before."""
    short: int = 0
    """How many such there were in turn."""
    unreached_since: int | None
    """None while it is linked."""
    session: Session | None = None
    next_number: int = 1
    asked: dict[int, _Asked] = field(default_factory=dict)
    waiting: deque[tuple[Build, OnAnswer, int]] = field(default_factory=deque)


class MailboxLinks:
    def __init__(self, world: World) -> None:
        self._world = world
        self._lines: dict[tuple[MailboxId, Purpose], Line] = {}
        self._proven: dict[tuple[bytes, str], int] = {}
        """Where mailboxes were found: door key and address, the last MAX_VAIN_DIALS; and when that was stored last."""
        self._unproven: dict[bytes, dict[tuple[bytes, str], int]] = {}
        """By user: others that they name, and since when those are called."""
        self._new: list[int] = []
        """When such came, within the last hour."""
        # Set by who uses them, by purpose.
        self.on_up: dict[Purpose, Callable[[MailboxAddress], None]] = {}
        self.on_down: dict[Purpose, Callable[[MailboxAddress], None]] = {}
        self.on_news: Callable[[MailboxAddress, Listing], None] = lambda address, listing: None
        """New envelopes in a queue that was subscribed to."""

    def load(self) -> None:
        """Where mailboxes were found, as far as that is not too long ago."""
        txn, now = self._world.txn, self._world.now
        rows = [(min(int.from_bytes(value, "big"), now), key) for key, value in txn.scan(Space.FOUND)]
        for at, key in sorted(rows):
            name = key[:ID_SIZE], key[ID_SIZE:].decode()
            self._proven[name] = at
            if at + FOUND_HOST_MS <= now:
                self._forget_found(name)

    # What is wanted

    def want(self, address: MailboxAddress, purpose: Purpose, until_ms: int, user: bytes = b"") -> None:
        """Keep a link until then, at least; an address that differs from what was known replaces it. `user`: whose mailbox it is,
        if it is not our own: of the places that they name some are called only."""
        if user:
            address = replace(address, addresses=self._admitted(address, user))
        line = self._lines.get((address.mailbox, purpose))
        if line is not None and (line.address.door_key == address.door_key or line.session is not None):
            line.until_ms = max(line.until_ms, until_ms)
            if user:
                # What one names is not left out for what another does.
                places = tuple(dict.fromkeys((*address.addresses, *line.address.addresses)))[:MAX_MAILBOX_ADDRESSES]
                address = replace(address, addresses=places)
            if line.address != address and line.session is None:
                line.address = address
                self._world.credentials_changed = True
            return
        self._lines[address.mailbox, purpose] = Line(
            address=address,
            purpose=purpose,
            credential=self._credential(address),
            until_ms=until_ms,
            unreached_since=self._world.now,
        )
        self._world.credentials_changed = True

    def _admitted(self, address: MailboxAddress, user: bytes) -> tuple[str, ...]:
        """The addresses that may be called: those where this mailbox was found, whoever names them or not, and few others."""
        now = self._world.now
        hosts = self._unproven.setdefault(user, {})
        for name in [name for name, at in hosts.items() if at + VAIN_DIAL_MS <= now]:
            del hosts[name]
        self._new = [at for at in self._new if at + HOUR_MS > now]
        admitted = []
        for place in address.addresses:
            name = address.door_key, place
            if name not in self._proven and name not in hosts:
                called = any(name in others for others in self._unproven.values())
                if len(hosts) >= UNPROVEN_HOSTS or (not called and len(self._new) >= NEW_HOSTS_PER_HOUR):
                    self._world.count("mailbox-address-not-called")
                    continue
                hosts[name] = now
                if not called:
                    self._new.append(now)
            admitted.append(place)
        if not hosts:
            del self._unproven[user]
        found = (place for key, place in self._proven if key == address.door_key)
        return tuple(dict.fromkeys((*admitted, *found)))[:MAX_MAILBOX_ADDRESSES]

    def _credential(self, address: MailboxAddress) -> Credential:
        """As somebody whom the mailbox has never seen."""
        return Credential(
            kind=CredentialKind.MAILBOX,
            key=address.door_key,
            device=DeviceId(address.mailbox),
            local=local_device(self._world.entropy(32)),
        )

    def release(self, mailbox: MailboxId, purpose: Purpose) -> None:
        """Nobody wants it any more."""
        line = self._lines.pop((mailbox, purpose), None)
        if line is None:
            return
        self._world.credentials_changed = True
        if line.session is not None:
            self._world.close(line.session, "done with this mailbox")
        self._fail(line)

    def targets(self) -> tuple[Target, ...]:
        lines = sorted(self._lines.values(), key=lambda line: (line.purpose.value, line.address.mailbox))
        return tuple(
            Target(
                credential=line.credential,
                addresses=line.address.addresses,
                wary=line.purpose is Purpose.WRITING,
            )
            for line in lines
            if line.rests_until <= self._world.now
        )

    def linked(self, mailbox: MailboxId, purpose: Purpose) -> bool:
        line = self._lines.get((mailbox, purpose))
        return line is not None and line.session is not None

    def unreached_since(self, mailbox: MailboxId, purpose: Purpose) -> int | None:
        """Since when there is no link; None while there is one."""
        line = self._lines.get((mailbox, purpose))
        return self._world.now if line is None else line.unreached_since

    # Asking

    def request(self, address: MailboxAddress, purpose: Purpose, build: Build, on_answer: OnAnswer, size: int = 0) -> bool:
        """Ask over the link that there is; answers come in order. `size`: bytes of an envelope in it. False: there is no link,
        and `on_answer` is not called."""
        line = self._lines.get((address.mailbox, purpose))
        if line is None or line.session is None or line.session.closing:
            return False
        line.waiting.append((build, on_answer, size + FRAME_BYTES))
        self._ask(line)
        return True

    def _ask(self, line: Line) -> None:
        world, session = self._world, line.session
        while line.waiting and session is not None:
            build, on_answer, size = line.waiting[0]
            under_way = sum(asked.size for asked in line.asked.values())
            if line.asked and (len(line.asked) >= MAX_ASKED_OF_MAILBOX or under_way + size > MAX_ASKED_BYTES):
                return
            line.waiting.popleft()
            number = line.next_number
            line.next_number += 1
            due_at = world.now + MAILBOX_ANSWER_MS
            line.asked[number] = _Asked(on_answer=on_answer, size=size, due_at=due_at)
            request = build(number, session)
            assert request.number == number
            assert not isinstance(request, PutEnvelope) or len(request.envelope) <= size
            world.send(session, request)

    # Links (`engine.MailboxSide`)

    def _line(self, session: Session) -> Line | None:
        for line in self._lines.values():
            assert line.credential.local is not None
            if DeviceId(line.address.mailbox) == session.device and line.credential.local.device == session.local:
                return line
        return None

    def up(self, session: Session) -> str:
        line = self._line(session)
        if line is None:
            return "nobody wants this mailbox any more"
        if line.session is not None:
            return "there is a link already"
        line.session, line.next_number, line.unreached_since = session, 1, None
        self._note_found(line, session)
        self._world.status_changed = True
        if line.purpose in self.on_up:
            self.on_up[line.purpose](line.address)
        return ""

    def _note_found(self, line: Line, session: Session) -> None:
        """The mailbox is where it was called: known on after the next start, so that no new address is called for it then."""
        now, places = self._world.now, line.address.addresses
        # Of several that are named it is the one that we see; a host name is sure where it is alone.
        place = places[0] if len(places) == 1 else session.address
        if place not in places:
            return
        name = line.address.door_key, place
        stored = self._proven.pop(name, 0)
        if stored + DAY_MS <= now:
            stored = now
            self._world.txn.put(Space.FOUND, _found_key(name), now.to_bytes(8, "big"))
        self._proven[name] = stored
        for hosts in self._unproven.values():
            hosts.pop(name, None)
        while len(self._proven) > MAX_VAIN_DIALS:
            self._forget_found(next(iter(self._proven)))

    def _forget_found(self, name: tuple[bytes, str]) -> None:
        del self._proven[name]
        self._world.txn.delete(Space.FOUND, _found_key(name))

    def down(self, session: Session) -> None:
        line = self._line(session)
        if line is None or line.session is not session:
            return
        now = self._world.now
        if line.purpose is not Purpose.OWN and not line.asked and not line.waiting:
            # Nobody waits for it: called again at once with the other links to this mailbox, it would show whose they are.
            del self._lines[line.address.mailbox, line.purpose]
        line.short = 0 if now - session.began_at > MAX_REDIAL_MS else line.short + 1
        line.rests_until = now + min(MAX_REDIAL_MS, MIN_REDIAL_MS << min(line.short, 16))
        line.session, line.unreached_since = None, now
        line.credential = self._credential(line.address)
        self._world.credentials_changed = self._world.status_changed = True
        self._fail(line)
        if line.purpose in self.on_down:
            self.on_down[line.purpose](line.address)

    def _fail(self, line: Line) -> None:
        asked, line.asked = line.asked, {}
        waiting, line.waiting = line.waiting, deque()
        for each in asked.values():
            each.on_answer(None)
        for _, on_answer, _ in waiting:
            on_answer(None)

    def take(self, session: Session, frame: Frame | MailboxFrame) -> bool:
        line = self._line(session)
        if not isinstance(frame, Deposited | Listing | Envelopes | MailboxAnswer):
            return False
        if line is None or line.session is not session:
            return True
        if frame.number == 0:
            if isinstance(frame, Listing) and line.purpose is Purpose.OWN:
                self.on_news(line.address, frame)
                return True
            return False
        asked = line.asked.get(frame.number)
        if asked is None:
            return False
        answer: MailboxReply = frame
        if isinstance(frame, Envelopes):
            asked.parts.append(frame)
            if frame.following and sum(len(e.envelope) for p in asked.parts for e in p.envelopes) <= 4 * MAX_ASKED_BYTES:
                asked.due_at = self._world.now + MAILBOX_ANSWER_MS
                return True
            found = tuple(envelope for part in asked.parts for envelope in part.envelopes)
            answer = Envelopes(number=frame.number, queue=frame.queue, envelopes=found)
        del line.asked[frame.number]
        asked.on_answer(answer)
        if line.session is session:
            self._ask(line)
        return True

    # Time

    def tick(self) -> None:
        now = self._world.now
        for (mailbox, purpose), line in list(self._lines.items()):
            if 0 < line.rests_until <= now:
                line.rests_until = 0
                self._world.credentials_changed = True
            if line.until_ms <= now and not line.asked and not line.waiting:
                self.release(mailbox, purpose)
            elif line.session is not None and any(asked.due_at <= now for asked in line.asked.values()):
                self._world.count("mailbox-silent")
                self._world.close(line.session, "the mailbox does not answer")
                self._fail(line)

    def wake_times(self) -> list[int]:
        times = [asked.due_at for line in self._lines.values() for asked in line.asked.values()]
        times += [line.rests_until for line in self._lines.values() if line.rests_until]
        # Where something is still to be answered, the end waits for that.
        ending = (line.until_ms for line in self._lines.values() if not line.asked and not line.waiting)
        return [*times, *ending]


def _found_key(name: tuple[bytes, str]) -> bytes:
    """Under which it is stored."""
    return name[0] + name[1].encode()
