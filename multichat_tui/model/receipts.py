"""Receipts: what a device says, signed, that it holds of a channel, for those who do not reach it themselves.

A member passes receipts on, so that the author of a message learns that it has arrived with somebody who got it through a third.
The newest of each device and channel counts.
"""

from typing import TypeAlias

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.identity import signed_fields, signed_parts
from multichat_tui.model.ids import PREFIX_SIZE, ChannelId, DeviceId
from multichat_tui.model.limits import MAX_INTEGER, MAX_RECEIPT_CHAINS
from multichat_tui.model.schema import as_bytes, as_id, as_int, as_list, read
from multichat_tui.model.values import dataclass

MAX_RECEIPT_BYTES = 8 * 1024

ReceiptName: TypeAlias = tuple[ChannelId, DeviceId]
"""The channel, and the device that says what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChain:
    """The content chain of `device` (first 8 bytes of its id) is held up to `seq`, whose id begins with `hash` (8 bytes)."""

    device: bytes
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`number` counts up with each receipt of this device for this channel."""

    channel: ChannelId
    device: DeviceId
    number: int
    chains: tuple[HeldChain, ...]
    body: bytes
    signature: bytes
    """The device's."""

    @property
    def name(self) -> ReceiptName:
        return self.channel, self.device

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.signature])


def receipt_body(*, channel: ChannelId, device: DeviceId, number: int, chains: tuple[HeldChain, ...]) -> bytes:
    return encode({0: 1, 1: 1, 2: channel, 3: device, 4: number, 5: [[c.device, c.seq, c.hash] for c in chains]})


def receipt_signed_bytes(body: bytes) -> bytes:
    return b"multichat receipt 1\0" + body


def decode_receipt(encoded: bytes) -> Receipt | Rejected:
    """The receipt, its signature not verified yet."""
    return read(encoded, MAX_RECEIPT_BYTES, _receipt)


def _receipt(value: Value) -> Receipt:
    body, (signature,) = signed_parts(value, "receipt", MAX_RECEIPT_BYTES, 1)
    fields = signed_fields(body, "receipt", MAX_RECEIPT_BYTES, 6)
    return Receipt(
        channel=ChannelId(as_id(fields[2], "channel")),
        device=DeviceId(as_id(fields[3], "device")),
        number=as_int(fields[4], "number", MAX_INTEGER),
        chains=tuple(_chain(entry) for entry in as_list(fields[5], "chains", MAX_RECEIPT_CHAINS)),
        body=body,
        signature=signature,
    )


def _chain(value: Value) -> HeldChain:
    parts = as_list(value, "chain", 3, 3)
    return HeldChain(
        device=as_bytes(parts[0], "device", PREFIX_SIZE, PREFIX_SIZE),
        seq=as_int(parts[1], "seq", MAX_INTEGER),
        hash=as_bytes(parts[2], "hash", PREFIX_SIZE, PREFIX_SIZE),
    )
