"""What the operator has decided about the mailbox of this node, as it is stored."""

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.ids import ID_SIZE
from multichat_tui.model.invitations import as_address
from multichat_tui.model.limits import MAILBOX_BYTES, MAX_INTEGER, MAX_MAILBOX_ADDRESSES
from multichat_tui.model.ports import Entropy, Space, Transaction
from multichat_tui.model.schema import as_bool, as_id, as_int, as_list, as_map, read
from multichat_tui.model.values import dataclass

SETTINGS = b"settings"
MAX_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """`seed` (32 bytes) is the mailbox's own, random: it says nothing of whose node it is. `door_key` (32 bytes) is known to all
    who may come. `addresses`: empty means where the node listens."""

    seed: bytes
    door_key: bytes
    on: bool = False
    total_bytes: int = MAILBOX_BYTES
    addresses: tuple[str, ...] = ()
    shown_on_lan: bool = False

    def __repr__(self) -> str:
        return f"HostSettings(on={self.on}, …)"

    def encoded(self) -> bytes:
        return encode({0: self.seed, 1: self.door_key, 2: self.on, 3: self.total_bytes, 4: self.addresses, 5: self.shown_on_lan})


def load_settings(txn: Transaction) -> HostSettings | None:
    """None: this node never was a mailbox."""
    encoded = txn.get(Space.HOST, SETTINGS)
    if encoded is None:
        return None
    settings = read(encoded, MAX_BYTES, _settings)
    if isinstance(settings, Rejected):
        raise Damaged("The settings of the mailbox in the database are not readable.", "Restore the profile from a backup.")
    return settings


def new_settings(entropy: Entropy) -> HostSettings:
    return HostSettings(seed=entropy(ID_SIZE), door_key=entropy(ID_SIZE))


def keep_settings(txn: Transaction, settings: HostSettings) -> None:
    txn.put(Space.HOST, SETTINGS, settings.encoded())


def _settings(value: Value) -> HostSettings:
    fields = as_map(value, "mailbox")
    return HostSettings(
        seed=as_id(fields.get(0), "seed"),
        door_key=as_id(fields.get(1), "door key"),
        on=as_bool(fields.get(2), "on"),
        total_bytes=as_int(fields.get(3), "bytes", MAX_INTEGER),
        addresses=tuple(as_address(entry) for entry in as_list(fields.get(4), "addresses", MAX_MAILBOX_ADDRESSES)),
        shown_on_lan=as_bool(fields.get(5), "shown"),
    )
