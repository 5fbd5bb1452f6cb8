"""A sealed message: what a session of two devices has encrypted, and which of its messages it is.

`{0: 1, 1: session id (16), 2: counter, 3: Olm kind (0, 1), 4: ciphertext}`; the counter is the sender's own of this session, from
0. Nobody reads that on the way: it travels inside the envelope's wrapper.
"""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.limits import MAX_ETS, MAX_SEALED_BYTES
from multichat_tui.model.schema import Malformed, as_bytes, as_int, as_map, read
from multichat_tui.model.values import dataclass

SESSION_BYTES = 16
MAX_COUNTER = MAX_ETS
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    session: bytes
    counter: int
    kind: int
    ciphertext: bytes

    @property
    def encoded(self) -> bytes:
        return encode({0: VERSION, 1: self.session, 2: self.counter, 3: self.kind, 4: self.ciphertext})


def decode_sealed(encoded: bytes) -> Sealed | Rejected:
    return read(encoded, MAX_SEALED_BYTES, _sealed)


def _sealed(value: Value) -> Sealed:
    fields = as_map(value, "sealed message")
    if tuple(fields)[:5] != (0, 1, 2, 3, 4):
        raise Malformed("sealed message: a field is missing")
    as_int(fields[0], "version", 255, VERSION)
    return Sealed(
        session=as_bytes(fields[1], "session", SESSION_BYTES, SESSION_BYTES),
        counter=as_int(fields[2], "counter", MAX_COUNTER),
        kind=as_int(fields[3], "kind", 1),
        ciphertext=as_bytes(fields[4], "ciphertext", MAX_SEALED_BYTES),
    )
