"""Bodies that are lacking: of records that are held with their headers alone, for no reason that is known here.

Each is asked of one peer at a time, the nearest that was asked least; when all that are linked were asked in vain, again after a
wait that doubles, a few times; then not before another link comes up. Whoever was asked and gets one later gives it unasked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field

from multichat_tui.model.ids import PREFIX_SIZE, LinkId, RecordId
from multichat_tui.model.limits import BODY_DELAY_MS, BODY_ROUNDS, BODY_WAIT_MS, MAX_LACKING_BODIES, MAX_REQUEST_IDS
from multichat_tui.model.values import dataclass
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Session


@dataclass(slots=True, kw_only=True)
class Lacked:
    """One of them: its place, when it may be asked for again, and how often it was over each link."""

    key: ChainKey
    seq: int
    again_at: int
    asked: dict[LinkId, int] = field(default_factory=dict)
    waited: bool = False
    """All were asked equally often, and the pause after that is under way or over."""


class Lacking:
    """The lacking bodies of one channel."""

    __slots__ = ("_begins", "_by_id", "next_at")

    def __init__(self) -> None:
        self._by_id: dict[RecordId, Lacked] = {}
        self._begins: set[bytes] = set()
        self.next_at: int | None = None
        """When to look what is to be asked for."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, record: RecordId) -> bool:
        return record in self._by_id

    def begins(self, check: bytes) -> bool:
        """Whether one of them has an id that begins so."""
        return check in self._begins

    def add(self, record: RecordId, key: ChainKey, seq: int, now: int) -> None:
        """Of more than MAX_LACKING_BODIES the others are looked at when these have come, or at the next start."""
        if record in self._by_id or len(self._by_id) >= MAX_LACKING_BODIES:
            return
        # What says why it is gone may be on its way.
        self._by_id[record] = Lacked(key=key, seq=seq, again_at=now + BODY_DELAY_MS)
        self._begins.add(record[:PREFIX_SIZE])
        self.look_at(now + BODY_DELAY_MS)

    def remove(self, record: RecordId) -> bool:
        """Its body has come, or it is known why it does not. Whether it was lacking."""
        if self._by_id.pop(record, None) is None:
            return False
        self._begins.discard(record[:PREFIX_SIZE])
        return True

    def look_at(self, at: int) -> None:
        self.next_at = at if self.next_at is None else min(self.next_at, at)

    def linked(self, now: int) -> None:
        """Somebody else can be asked."""
        for lacked in self._by_id.values():
            lacked.again_at = min(lacked.again_at, now + BODY_DELAY_MS)
        if self._by_id:
            self.look_at(now + BODY_DELAY_MS)

    def unlinked(self, link: LinkId) -> None:
        for lacked in self._by_id.values():
            lacked.asked.pop(link, None)

    def denied(self, record: RecordId, now: int) -> None:
        """Whoever was asked has answered with the header alone."""
        lacked = self._by_id.get(record)
        if lacked is not None and not lacked.waited:
            lacked.again_at = now
            self.look_at(now)

    def plan(self, sessions: Sequence[Session], now: int) -> list[tuple[Session, tuple[RecordId, ...]]]:
        """What to ask for at present, and whom."""
        self.next_at = None
        due: dict[LinkId, list[RecordId]] = {}
        for record, lacked in self._by_id.items():
            if not sessions:
                break
            if lacked.again_at > now:
                self.look_at(lacked.again_at)
                continue
            session = min(sessions, key=lambda s: (lacked.asked.get(s.link, 0), s.rtt.timeout_ms(0), s.link))
            tries = lacked.asked.get(session.link, 0)
            if tries >= BODY_ROUNDS:
                continue
            asked = due.setdefault(session.link, [])
            if tries and not lacked.waited:
                lacked.waited = True
                lacked.again_at = now + (BODY_WAIT_MS << (tries - 1))
            elif len(asked) < MAX_REQUEST_IDS:
                lacked.waited = False
                lacked.asked[session.link] = tries + 1
                lacked.again_at = now + max(BODY_DELAY_MS, session.rtt.timeout_ms(tries))
                asked.append(record)
            self.look_at(max(now + 1, lacked.again_at))
        return [(session, tuple(due[session.link])) for session in sessions if due.get(session.link)]

    def lowest(self, keys: Iterable[ChainKey]) -> dict[ChainKey, int]:
        """The first place of each of these chains whose body is lacking, where one is."""
        found: dict[ChainKey, int] = {}
        wanted = set(keys)
        for lacked in self._by_id.values():
            if lacked.key in wanted:
                found[lacked.key] = min(lacked.seq, found.get(lacked.key, lacked.seq))
        return found
