"""Routes: where a device can be written to while it is away, as it tells a channel or a contact (docs/protocol/routes.md)."""

from dataclasses import replace

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import digest
from multichat_tui.model.invitations import as_address
from multichat_tui.model.limits import MAX_DEVICE_STATEMENT_BYTES, MAX_MAILBOX_ADDRESSES, MAX_OWN_MAILBOXES
from multichat_tui.model.mailboxes import MailboxAddress, QueueId, queue_id, read_mailbox_address
from multichat_tui.model.schema import Malformed, as_id, as_list, as_map, read
from multichat_tui.model.values import dataclass

WAYS_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedQueue:
    """A queue of the device at one of its mailboxes."""

    mailbox: MailboxAddress
    queue_key: bytes

    @property
    def queue(self) -> QueueId:
        return queue_id(self.queue_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`prekey` begins a session with the device, once; `fallback` every further one (`node.sealing`), and is empty where the
    prekey is that one itself: in routes for channels. `addresses`: where it listens itself, HOST:PORT; for contacts alone."""

    prekey: bytes
    fallback: bytes = b""
    queues: tuple[RoutedQueue, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def encoded(self) -> bytes:
        queues: list[Value] = [[each.mailbox.value, each.queue_key] for each in self.queues]
        fields: dict[int, Value] = {0: self.prekey, 1: queues, 2: self.addresses}
        return encode(fields | {3: self.fallback} if self.fallback else fields)


def ways_of(route: Route) -> bytes:
    """What of a route has to be known for everything to come: the mailboxes, and the key that begins a session at any time."""
    return digest("mc.ways", replace(route, prekey=bytes(32), addresses=()).encoded)[:WAYS_BYTES]


def decode_route(content: bytes) -> Route | Rejected:
    return read(content, MAX_DEVICE_STATEMENT_BYTES, _route)


def _route(value: Value) -> Route:
    fields = as_map(value, "route")
    if any(key not in fields for key in range(3)):
        raise Malformed("route: a field is missing")
    queues = tuple(_queue(entry) for entry in as_list(fields[1], "queues", MAX_OWN_MAILBOXES))
    if len({each.mailbox.mailbox for each in queues}) != len(queues):
        raise Malformed("route: a mailbox twice")
    return Route(
        prekey=as_id(fields[0], "prekey"),
        fallback=as_id(fields[3], "fallback key") if 3 in fields else b"",
        queues=queues,
        addresses=tuple(as_address(entry) for entry in as_list(fields[2], "addresses", MAX_MAILBOX_ADDRESSES)),
    )


def _queue(value: Value) -> RoutedQueue:
    parts = as_list(value, "queue", 2, 2)
    return RoutedQueue(mailbox=read_mailbox_address(parts[0]), queue_key=as_id(parts[1], "queue key"))
