"""Sparing data and power, as the user wishes.

- *metered*: what goes beyond the local network is what somebody waits for. Older history is fetched when it is asked for, and
  records of others are passed on beyond the local network only to who asks for them.
- *low-power*: the node rests, without links and known to nobody, wakes from time to time, and when the user does something; then
  it is linked until nothing has moved for a while. To others it is like somebody who is often offline for a short time.
- *paths*: near, only addresses of this host and of private networks are called.

All of it can be changed while the node runs.
"""

from multichat_tui.model.economy import (
    DEFAULT_EVERY,
    EVERY_SETTING,
    MODE_SETTING,
    PATHS_SETTING,
    Mode,
    Paths,
    parse_every,
)
from multichat_tui.model.intents import ChangeSetting, ForgetTyped, Intent, MarkRead, RememberTyped, SetDraft
from multichat_tui.model.limits import LONGEST_WAKE_MS, WAKE_LINGER_MS
from multichat_tui.model.ports import LinkPath, Space
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

OF_THIS_DEVICE = (MarkRead, SetDraft, RememberTyped, ForgetTyped)
"""Intents that nobody else hears of."""


class Economy:
    """Whether this node rests, and until when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._every_ms = 0
        self._woken_at = world.now
        self.load()

    def load(self) -> None:
        """The settings, at the start or after a change. What cannot be read counts as never set."""
        world = self._world
        try:
            world.mode = Mode(self._text(MODE_SETTING) or Mode.USUAL)
        except ValueError:
            world.mode = Mode.USUAL
        try:
            self._every_ms = parse_every(self._text(EVERY_SETTING) or DEFAULT_EVERY)
        except ValueError:
            self._every_ms = parse_every(DEFAULT_EVERY)
        near_only = self._text(PATHS_SETTING) == Paths.NEAR
        if near_only is not world.near_only:
            world.near_only = near_only
            world.credentials_changed = True
        self._wake()

    def _text(self, key: str) -> str:
        return (self._world.txn.get(Space.SETTING, key.encode()) or b"").decode()

    def submitted(self, intent: Intent) -> None:
        """The user has done something: others are to hear of it now."""
        if isinstance(intent, ChangeSetting):
            if intent.key in (MODE_SETTING, EVERY_SETTING, PATHS_SETTING):
                self.load()
                self._world.status_changed = True
        elif not isinstance(intent, OF_THIS_DEVICE):
            self._wake()

    def tick(self) -> None:
        """Go to rest, or wake up, if it is time. Before credentials are made."""
        world = self._world
        if world.mode is not Mode.LOW_POWER:
            return
        if world.resting_until is not None:
            if world.resting_until <= world.now:
                self._wake()
            return
        if self._rests_at() > world.now:
            return
        for session in (*world.sessions.values(), *world.clients.values()):
            # Also who uses the mailbox that it keeps: they find it there when it wakes.
            world.close(session, "this node rests to save power")
        world.resting_until = world.now + self._every_ms
        world.credentials_changed = world.status_changed = True

    def wake(self) -> None:
        """Something is to be done now."""
        if self._world.resting_until is not None:
            self._wake()

    def _wake(self) -> None:
        world = self._world
        self._woken_at = world.now
        if world.resting_until is not None:
            world.resting_until = None
            world.credentials_changed = world.status_changed = True

    def _rests_at(self) -> int:
        """When it goes to rest if nothing moves until then."""
        world = self._world
        if world.window is not None or world.comparisons:
            # Somebody sits there and waits for somebody else.
            return world.now + WAKE_LINGER_MS
        quiet_at = max(self._woken_at, world.stirred_at) + WAKE_LINGER_MS
        return min(quiet_at, self._woken_at + LONGEST_WAKE_MS)

    def wake_times(self) -> list[int]:
        world = self._world
        if world.mode is not Mode.LOW_POWER:
            return []
        return [self._rests_at() if world.resting_until is None else world.resting_until]


def costs(world: World, session: Session) -> bool:
    """Whether what goes over this link is to be spared."""
    return world.mode is Mode.METERED and session.path is LinkPath.DIRECT
