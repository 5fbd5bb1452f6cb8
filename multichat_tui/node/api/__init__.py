"""The node's face: what front ends, bots and the control socket use, and nothing else.

`NodeApi` is implemented by the node itself and, for a second terminal, by the client of its control socket.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from multichat_tui.model.events import Event
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import Accepted, Intent, Part
from multichat_tui.model.moderation import EVERYTHING, DeedPage, DeedSearch, Foreseen, ReportRow, RosterRow
from multichat_tui.model.searching import FoundPage, Search
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

__all__ = ["NodeApi"]


class NodeApi(Protocol):
    """Reads see what was committed before they ran. Every method may raise an `errors.MultichatError`."""

    async def submit(self, intent: Intent) -> Accepted:
        """Returns after the local commit. `errors.IntentRefused`: nothing has changed."""

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Events from the moment of entering the context. The iterator ends when the node stops."""

    async def me(self) -> Snapshot[Me]: ...

    async def channels(self) -> Snapshot[tuple[ChannelRow, ...]]:
        """Groups by name, then direct conversations by name."""

    async def channel(self, channel: ChannelId) -> Snapshot[ChannelRow]:
        """`errors.NotFound` if there is none."""

    async def contacts(self) -> Snapshot[tuple[ContactRow, ...]]: ...

    async def members(self, channel: ChannelId) -> Snapshot[tuple[MemberRow, ...]]:
        """Founders first, then by name."""

    async def trust(self, user: UserId) -> Snapshot[TrustRow]:
        """What speaks for somebody: who vouches for them, and whether one does oneself."""

    async def rules(self, channel: ChannelId) -> Snapshot[RulesRow]:
        """Who may do what there, what one is oneself, and who is banned. `errors.NotFound`."""

    async def modlog(
        self,
        channel: ChannelId,
        *,
        search: DeedSearch = EVERYTHING,
        before: RecordId | None = None,
        limit: int = 100,
    ) -> Snapshot[DeedPage]:
        """A page of what was done to people's rights there and to the channel, the newest first. `errors.NotFound`."""

    async def reports(self, channel: ChannelId) -> Snapshot[tuple[ReportRow, ...]]:
        """What members have reported, the open ones first. `errors.NotFound`."""

    async def roster(self, channel: ChannelId) -> Snapshot[tuple[RosterRow, ...]]:
        """The members and how they came, who came last first; of many the newest. `errors.NotFound`."""

    async def exposure(self, channel: ChannelId) -> Snapshot[tuple[ExposureRow, ...]]:
        """What everybody who has to do with a channel could learn of it, those who learn most first. `errors.NotFound`."""

    async def foresee(self, intents: tuple[Part, ...]) -> Snapshot[tuple[Foreseen, ...]]:
        """What would come of each of these now, by itself; nothing is done. `errors.UsageError` beyond MAX_FORESEEN."""

    async def directory(self, workspace: ChannelId) -> Snapshot[tuple[ListedRow, ...]]:
        """The channels on a workspace's list, by name; none of what is no workspace. `errors.NotFound`."""

    async def timeline(
        self,
        channel: ChannelId,
        *,
        before: Position | None = None,
        after: Position | None = None,
        limit: int = 100,
    ) -> Snapshot[tuple[MessageRow, ...]]:
        """A page in display order, oldest first: the newest rows, or those just before or just after a position."""

    async def message(self, record: RecordId) -> Snapshot[MessageRow | None]: ...

    async def pins(self, channel: ChannelId) -> Snapshot[tuple[MessageRow, ...]]:
        """The pinned messages, in display order. `errors.NotFound`."""

    async def thread(self, record: RecordId) -> Snapshot[Thread]:
        """The thread that a message belongs to, whichever of its messages that is. `errors.NotFound`."""

    async def search(self, search: Search, *, before: Position | None = None, limit: int = 50) -> Snapshot[FoundPage]:
        """A page of the messages that are found, newest first. `errors.UsageError` for a search beyond its bounds."""

    async def delivery(self, record: RecordId) -> Snapshot[DeliveryRow]: ...

    async def devices(self) -> Snapshot[tuple[DeviceRow, ...]]:
        """One's own: this one first, then the living, then the revoked, each by age."""

    async def hosting(self) -> Snapshot[HostRow]:
        """The mailbox that this node keeps for others: for whom, how much, what was refused."""

    async def peers(self) -> Snapshot[tuple[PeerRow, ...]]: ...

    async def status(self) -> Snapshot[StatusRow]: ...

    async def typed(self, channel: ChannelId | None) -> Snapshot[tuple[str, ...]]:
        """What the user has entered in a channel (None: while none was open), the oldest first. `errors.NotFound`."""

    async def settings(self) -> Snapshot[tuple[tuple[str, str], ...]]: ...
