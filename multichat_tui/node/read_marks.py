"""Read marks, read: up to where devices say that their users have read. What says so is in `reads`."""

from collections.abc import Mapping
from functools import lru_cache

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.device_statements import Audience, DeviceStatementKind
from multichat_tui.model.frames import Prefix
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId
from multichat_tui.model.limits import MAX_DEVICE_STATEMENT_BYTES, MAX_INTEGER, MAX_READ_CHAINS
from multichat_tui.model.schema import as_bytes, as_int, as_list, read
from multichat_tui.node.world import Channel, World

KIND = DeviceStatementKind.READ


def encode_read(reached: Mapping[Prefix, int]) -> bytes:
    """`[[device prefix, seq], ...]`: of content chains, up to which place they were read, by prefix."""
    return encode([[device, seq] for device, seq in sorted(reached.items())])


def decode_read(content: bytes) -> dict[Prefix, int] | Rejected:
    return read(content, MAX_DEVICE_STATEMENT_BYTES, _read)


def _read(value: Value) -> dict[Prefix, int]:
    found: dict[Prefix, int] = {}
    for each in as_list(value, "read", MAX_READ_CHAINS):
        device, seq = as_list(each, "chain", 2, 2)
        found[as_bytes(device, "device", PREFIX_SIZE, PREFIX_SIZE)] = as_int(seq, "seq", MAX_INTEGER)
    return found


@lru_cache(maxsize=1024)
def opened(content: bytes) -> Mapping[Prefix, int]:
    found = decode_read(content)
    return {} if isinstance(found, Rejected) else found


def read_by(world: World, channel: Channel, device: DeviceId) -> Mapping[Prefix, int]:
    """Up to which seq of each content chain the user of a device says to have read there."""
    said = world.device_statements.get(Audience(channel.id), {}).get((device, KIND))
    return {} if said is None else opened(said.content)


def has_read(world: World, channel: Channel, device: DeviceId, author: DeviceId, seq: int) -> bool:
    return read_by(world, channel, device).get(author[:PREFIX_SIZE], -1) >= seq
