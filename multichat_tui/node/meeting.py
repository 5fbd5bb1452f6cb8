"""Meeting people nearby: the switch, who is seen, the links to strangers, and when it ends.

While the switch is on anybody on the local network may connect, a few at a time, under a key that proves nothing: such a link
carries the frames of a comparison and nothing else.
"""

from multichat_tui.model.comparing import CompareConfirm, CompareEnd, CompareKey, CompareStart, ComparisonId, Purpose
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.frames import Frame
from multichat_tui.model.limits import MAX_NEARBY_LINKS, MAX_NEARBY_TRIES, NEARBY_MS
from multichat_tui.model.ports import NearbyGone, NearbySeen
from multichat_tui.model.trust import ComparisonState
from multichat_tui.node.comparison import Comparison
from multichat_tui.node.comparisons import Comparisons
from multichat_tui.node.nearby import open_window
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

IDLE_MS = 20_000
"""A stranger's link on which nothing is compared is closed after this."""
DIFFERENT_NOTE = "The words were different, so you are not visible any more. Nothing was stored."
TRIES_NOTE = "Too many strangers tried to compare words, so you are not visible any more."


class Meeting:
    def __init__(self, world: World, comparisons: Comparisons) -> None:
        self._world = world
        self._comparisons = comparisons

    # The user

    def set_visible(self, visible: bool) -> None:
        """Open the window, or for as long again; or close it."""
        world = self._world
        world.nearby_note = ""
        if not visible:
            self._comparisons.end_meetings(ComparisonState.CANCELLED)
            self._close("")
        elif world.window is None:
            world.window = open_window(world.entropy, world.now)
            world.credentials_changed = True
        else:
            world.window.until_ms = world.now + NEARBY_MS
        self._changed()

    def meet(self, text: str) -> ComparisonId:
        """Choose somebody who is visible."""
        world = self._world
        window = world.window
        if window is None:
            raise IntentRefused(Refusal.NOT_ALLOWED, "You are not visible nearby.", "/pair nearby begins that, on both sides.")
        person = window.person(text)
        under_way = self._under_way()
        if under_way is not None:
            if window.wish == person:
                return under_way.id
            raise IntentRefused(Refusal.ALREADY, "You compare words with somebody just now.", "Finish or cancel that first.")
        comparison = self._comparisons.meet(person, window.party)
        window.wish = person
        world.credentials_changed = True
        self._changed()
        return comparison.id

    def _under_way(self) -> Comparison | None:
        return next((each for each in self._comparisons.active if each.purpose is Purpose.MEET), None)

    # Inputs

    def seen(self, event: NearbySeen | NearbyGone) -> None:
        window = self._world.window
        if window is None:
            return
        if window.seen(event) if isinstance(event, NearbySeen) else window.gone(event):
            self._world.dialing_changed = self._world.credentials_changed = True
            self._changed()

    def up(self, session: Session) -> None:
        """A link to or from a stranger."""
        world, window = self._world, self._world.window
        strangers = self._strangers()
        if window is None or (not session.dialled and len(strangers) >= MAX_NEARBY_LINKS):
            world.close(session, "no more strangers now")
            return
        world.sessions[session.link] = session
        self._comparisons.linked(session)
        if session.dialled:
            comparison = self._under_way()
            if comparison is None or not window.wish:
                world.close(session, "nobody was to be met")
            elif comparison.them is None:
                self._comparisons.begin_on(comparison, session)
        self._changed()

    def on_frame(self, session: Session, frame: Frame) -> bool:
        """False: nobody honest sends that to a stranger."""
        if not isinstance(frame, CompareStart | CompareKey | CompareConfirm | CompareEnd):
            return False
        self._comparisons.on_frame(session, frame)
        return True

    # Time

    def tick(self) -> None:
        world, window = self._world, self._world.window
        if window is None:
            for session in self._strangers():
                if not self._used(session):
                    world.close(session, "not visible any more")
            return
        comparison = self._under_way()
        if comparison is None:
            if window.wish:
                window.wish = b""
                world.credentials_changed = True
            if window.tries >= MAX_NEARBY_TRIES:
                self._close(TRIES_NOTE)
            elif any(e.purpose is Purpose.MEET and e.state is ComparisonState.DIFFERENT for e in self._fresh()):
                self._close(DIFFERENT_NOTE)
            elif window.until_ms <= world.now:
                self._close("")
        for session in self._strangers():
            if not self._used(session) and session.began_at + IDLE_MS <= world.now:
                world.close(session, "nothing is compared")

    def _fresh(self) -> list[Comparison]:
        """Comparisons of this window."""
        window = self._world.window
        return [] if window is None else [c for c in self._world.comparisons.values() if c.me == window.party]

    def _used(self, session: Session) -> bool:
        """Something is compared over it, or was, and the other side does not know yet how it ended."""
        return any(
            each.link == session.link and (not each.over or (each.state is ComparisonState.DONE and not each.heard))
            for each in self._world.comparisons.values()
        )

    def wake_times(self) -> list[int]:
        window = self._world.window
        times = [session.began_at + IDLE_MS for session in self._strangers() if not self._used(session)]
        if window is not None and self._under_way() is None:
            times.append(window.until_ms)
        return times

    def _strangers(self) -> list[Session]:
        return [session for session in self._world.sessions.values() if session.nearby]

    def _close(self, note: str) -> None:
        world = self._world
        world.window, world.nearby_note = None, note
        world.credentials_changed = True
        self._changed()
        for session in self._strangers():
            if not self._used(session):
                world.close(session, "not visible any more")

    def _changed(self) -> None:
        self._world.status_changed = True
        self._world.comparisons_changed = True
