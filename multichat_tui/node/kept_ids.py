"""A few ids about which something was put off: known after the next start, or when the engine is loaded again."""

from collections.abc import Collection

from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.ports import Space
from multichat_tui.node.world import World


class KeptIds:
    """Channels or devices, 32 bytes each, in `Space.SELF` under a name of their own."""

    def __init__(self, world: World, name: bytes) -> None:
        self._world = world
        self._name = name
        stored = world.txn.get(Space.SELF, name) or b""
        self._stored = {stored[start : start + ID_SIZE] for start in range(0, len(stored), ID_SIZE)}

    def load(self) -> set[bytes]:
        """As they were stored last."""
        return set(self._stored)

    def keep(self, ids: Collection[bytes]) -> None:
        """It is these now; written in the batch's transaction, if that is a change."""
        if self._stored == (found := set(ids)):
            return
        self._stored = found
        if self._stored:
            self._world.txn.put(Space.SELF, self._name, b"".join(sorted(self._stored)))
        else:
            self._world.txn.delete(Space.SELF, self._name)
