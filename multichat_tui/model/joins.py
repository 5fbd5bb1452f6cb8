"""Joins: the request of somebody who holds an invitation link, signed by the link's own key and by the joining device."""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.identity import MAX_CERTIFICATE_BYTES, Certificate, decode_certificate, signed_fields, signed_parts
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.limits import MAX_JOIN_BYTES, MAX_NAME_CHARACTERS, MAX_TIMESTAMP_MS
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_text, read
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Has no place in the log by itself: the admit that embeds it has. `body` is what both signatures cover."""

    channel: ChannelId
    join_key: bytes
    """The invitation's public key, 32 bytes: names the invitation."""
    certificate: Certificate
    name: str
    """What the joiner is called, until their profile is known."""
    timestamp_ms: int
    body: bytes
    join_signature: bytes
    device_signature: bytes

    @property
    def encoded(self) -> bytes:
        return encode([self.body, self.join_signature, self.device_signature])


def join_body(*, channel: ChannelId, join_key: bytes, certificate: Certificate, name: str, timestamp_ms: int) -> bytes:
    return encode({0: 1, 1: 1, 2: channel, 3: join_key, 4: certificate.encoded, 5: name, 6: timestamp_ms})


def join_signed_bytes(body: bytes) -> bytes:
    return b"multichat join 1\0" + body


def decode_join(encoded: bytes) -> Join | Rejected:
    """The join, no signature verified yet."""
    return read(encoded, MAX_JOIN_BYTES, _join)


def _join(value: Value) -> Join:
    body, (join_signature, device_signature) = signed_parts(value, "join", MAX_JOIN_BYTES, 2)
    fields = signed_fields(body, "join", MAX_JOIN_BYTES, 7)
    certificate = decode_certificate(as_bytes(fields[4], "certificate", MAX_CERTIFICATE_BYTES))
    if isinstance(certificate, Rejected):
        raise Malformed(certificate.detail, certificate.reason)
    return Join(
        channel=ChannelId(as_id(fields[2], "channel")),
        join_key=as_id(fields[3], "join key"),
        certificate=certificate,
        name=as_text(fields[5], "name", MAX_NAME_CHARACTERS, 1),
        timestamp_ms=as_int(fields[6], "timestamp", MAX_TIMESTAMP_MS - 1),
        body=body,
        join_signature=join_signature,
        device_signature=device_signature,
    )
