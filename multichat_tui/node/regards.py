"""Whom this user ignores or has blocked, as it is kept, and what follows from it for what is shown."""

from multichat_tui.model.codec import decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.ports import Space
from multichat_tui.model.regards import Regard, RegardRow
from multichat_tui.model.values import dataclass
from multichat_tui.node.names import names_of
from multichat_tui.node.world import Channel, World

MAX_REGARD_BYTES = 64
_NUMBERS = {1: Regard.IGNORED, 2: Regard.BLOCKED}
_NUMBER_OF = {regard: number for number, regard in _NUMBERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRegard:
    """One entry of Space.REGARD."""

    regard: Regard
    since_ms: int

    def encoded(self) -> bytes:
        return encode([_NUMBER_OF[self.regard], self.since_ms])


def decode_regard(encoded: bytes) -> KeptRegard:
    match decode(encoded, MAX_REGARD_BYTES):
        case [int(number), int(since_ms)] if number in _NUMBERS:
            return KeptRegard(regard=_NUMBERS[number], since_ms=since_ms)
    raise Damaged("The profile's record of whom you ignore is not readable.", "Restore the profile from a backup.")


def ignored_devices(world: World, channels: tuple[Channel, ...]) -> tuple[DeviceId, ...]:
    """The devices, in these channels, of people whose messages do not count."""
    if not world.regards:
        return ()
    return tuple(device for channel in channels for device, c in channel.control.certificates.items() if c.user in world.regards)


def regard_rows(world: World) -> tuple[RegardRow, ...]:
    """By name."""
    if not world.regards:
        return ()
    names = names_of(world, set(world.regards))
    kept = ((UserId(key), decode_regard(value)) for key, value in world.txn.scan(Space.REGARD))
    rows = [RegardRow(user=user, name=names[user], regard=each.regard, since_ms=each.since_ms) for user, each in kept]
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.user)))
