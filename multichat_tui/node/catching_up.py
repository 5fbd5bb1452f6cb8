"""How far this node is with what it has asked others for: told as progress when that is much."""

from multichat_tui.node.gaps import missing_below
from multichat_tui.node.world import Channel, World

TOLD_FROM_RECORDS = 500
"""Fewer are here before anybody has read the line."""
STEPS = 200
"""So often at most is the same catching up told: front ends read the status again each time."""
MOST_TRIES = 3
"""A chain that was asked for so often in vain is not waited for: who offers what they do not have shows nothing for long."""
NAME, WHAT = "catching-up", "catching up"


def _filling(channel: Channel) -> int:
    """What is missing of a channel whose newest messages come first."""
    if channel.edge is not None or channel.fill is None:
        return missing_below(channel)
    return sum(last - first + 1 for first, last in channel.fill.asked.values())


class CatchingUp:
    """Over all channels together, from when that much was missing until nothing of it is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._most = 0
        """What was missing when most was; 0: nothing is told."""
        self._told = 0
        """What was missing when it was last told; 0: it is not shown."""

    def look(self) -> None:
        """At the end of a batch."""
        left = [(_filling(channel), 0) for channel in self._world.channels.values() if channel.fill is not None]
        left += [
            (want.last - channel.chains.top(key), want.tries)
            for channel in self._world.channels.values()
            for key, want in channel.wants.items()
        ]
        missing = sum(count for count, _ in left if count > 0)
        if not self._most and missing < TOLD_FROM_RECORDS:
            return
        if not missing or all(tries >= MOST_TRIES for count, tries in left if count > 0):
            self._world.tell_progress(NAME, WHAT, self._most, self._most)
            self._most, self._told = self._most if missing else 0, 0
            return
        if not self._told or missing > self._most or self._told - missing >= max(1, self._most // STEPS):
            self._most = max(self._most, missing)
            self._told = missing
            self._world.tell_progress(NAME, WHAT, self._most - missing, self._most)
