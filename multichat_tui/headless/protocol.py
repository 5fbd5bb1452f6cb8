"""The control socket's protocol: versioned JSON lines. docs/control-socket.md describes it for other front ends.

The server speaks first: `{"multichat": 1, "program": "0.1.0"}`. A request is `{"id": N, "method": NAME, "params": {...}}`; its
answer `{"id": N, "result": ...}` or `{"id": N, "error": {...}}`, in any order. `events` answers and then sends
`{"id": N, "event": {...}}` until `{"id": N, "end": true}`.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, RecordId, UserId
from multichat_tui.model.intents import Accepted, Intent, Part
from multichat_tui.model.moderation import DeedPage, DeedSearch, Foreseen, ReportRow, RosterRow
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
from multichat_tui.model.values import dataclass

PROTOCOL = 1
MAX_ANSWER_LINE_BYTES = 64 * 1024 * 1024
"""A page of 500 messages of 8,000 characters, each written as two escapes of six bytes, fits."""
MAX_IN_FLIGHT = 16
"""Requests of one client that are being answered; the next ones wait in its socket."""
MAX_STREAMS = 8
"""Event streams of one client."""
HELLO_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 60.0
"""After this without an answer the node counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of `NodeApi`: the types of its parameters and of its result."""

    result: Any
    needed: Mapping[str, Any] = field(default_factory=dict)
    optional: Mapping[str, Any] = field(default_factory=dict)


METHODS: Mapping[str, Method] = {
    "submit": Method(needed={"intent": Intent}, result=Accepted),
    "me": Method(result=Snapshot[Me]),
    "channels": Method(result=Snapshot[tuple[ChannelRow, ...]]),
    "channel": Method(needed={"channel": ChannelId}, result=Snapshot[ChannelRow]),
    "contacts": Method(result=Snapshot[tuple[ContactRow, ...]]),
    "members": Method(needed={"channel": ChannelId}, result=Snapshot[tuple[MemberRow, ...]]),
    "trust": Method(needed={"user": UserId}, result=Snapshot[TrustRow]),
    "rules": Method(needed={"channel": ChannelId}, result=Snapshot[RulesRow]),
    "modlog": Method(
        needed={"channel": ChannelId},
        optional={"search": DeedSearch, "before": RecordId | None, "limit": int},
        result=Snapshot[DeedPage],
    ),
    "reports": Method(needed={"channel": ChannelId}, result=Snapshot[tuple[ReportRow, ...]]),
    "exposure": Method(needed={"channel": ChannelId}, result=Snapshot[tuple[ExposureRow, ...]]),
    "roster": Method(needed={"channel": ChannelId}, result=Snapshot[tuple[RosterRow, ...]]),
    "foresee": Method(needed={"intents": tuple[Part, ...]}, result=Snapshot[tuple[Foreseen, ...]]),
    "directory": Method(needed={"workspace": ChannelId}, result=Snapshot[tuple[ListedRow, ...]]),
    "timeline": Method(
        needed={"channel": ChannelId},
        optional={"before": Position | None, "after": Position | None, "limit": int},
        result=Snapshot[tuple[MessageRow, ...]],
    ),
    "search": Method(
        needed={"search": Search},
        optional={"before": Position | None, "limit": int},
        result=Snapshot[FoundPage],
    ),
    "message": Method(needed={"record": RecordId}, result=Snapshot[MessageRow | None]),
    "pins": Method(needed={"channel": ChannelId}, result=Snapshot[tuple[MessageRow, ...]]),
    "thread": Method(needed={"record": RecordId}, result=Snapshot[Thread]),
    "delivery": Method(needed={"record": RecordId}, result=Snapshot[DeliveryRow]),
    "devices": Method(result=Snapshot[tuple[DeviceRow, ...]]),
    "hosting": Method(result=Snapshot[HostRow]),
    "peers": Method(result=Snapshot[tuple[PeerRow, ...]]),
    "status": Method(result=Snapshot[StatusRow]),
    "typed": Method(needed={"channel": ChannelId | None}, result=Snapshot[tuple[str, ...]]),
    "settings": Method(result=Snapshot[tuple[tuple[str, str], ...]]),
}
"""`events` and `cancel` are the two that are no plain question and answer."""
