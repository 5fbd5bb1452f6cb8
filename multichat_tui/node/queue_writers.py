"""Who may write into one's own queues, how much of each may lie there, and the writers that there are not beside them."""

from collections import Counter

from multichat_tui.crypto.envelopes import verifier
from multichat_tui.crypto.keys import mac, public_key
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, UserId
from multichat_tui.model.limits import LEAST_WRITERS, MAX_ENVELOPE_BYTES, MAX_QUEUE_BYTES
from multichat_tui.model.mailbox_frames import WriterPrefix
from multichat_tui.model.mailboxes import QueueId
from multichat_tui.node.audiences import devices_of, is_channel
from multichat_tui.node.kept_mailboxes import OwnMailbox, OwnQueue
from multichat_tui.node.world import World

LEAST_QUEUE_BYTES = 1024 * 1024
"""What each queue holds at the least, however small the grant is."""
LEAST_ACCOUNT_BYTES = 2 * MAX_ENVELOPE_BYTES
ACCOUNT_PART = 4
"""One account may fill this part of a channel's queue, and all of its own."""


class QueueWriters:
    def __init__(self, world: World) -> None:
        self._world = world
        self._verifiers: dict[tuple[QueueId, DeviceId, bytes], bytes] = {}
        """Each costs a multiplication on the curve."""

    def known(self, queue: OwnQueue) -> dict[WriterPrefix, tuple[DeviceId, bytes]]:
        """Who may write there, by the beginning of their verifiers: the device, and the pair key."""
        return {v[:PREFIX_SIZE]: who for v, who in self.verifiers(queue).items()}

    def verifiers(self, queue: OwnQueue) -> dict[bytes, tuple[DeviceId, bytes]]:
        """The same by whole verifiers."""
        found: dict[bytes, tuple[DeviceId, bytes]] = {}
        identifier = queue.id
        for device in devices_of(self._world, queue.audience):
            for pair in self._world.pair_keys_of(device):
                name = identifier, device, pair
                if name not in self._verifiers:
                    self._verifiers[name] = verifier(pair, identifier, device)
                found[self._verifiers[name]] = device, pair
        return found

    def queue_bytes(self, box: OwnMailbox, queue: OwnQueue) -> int:
        """How much may lie in it: those of channels together get half of the grant, as one does not choose who is in them."""
        whole = 0 if box.usage is None else box.usage.quota_bytes
        channels = [each for each in box.queues if is_channel(self._world, each)]
        part = whole // 2 // max(1, len(channels)) if queue.audience in channels else whole
        return max(LEAST_QUEUE_BYTES, min(part, MAX_QUEUE_BYTES))

    def account_bytes(self, box: OwnMailbox, queue: OwnQueue) -> int:
        whole = self.queue_bytes(box, queue)
        return whole // ACCOUNT_PART if is_channel(self._world, queue.audience) else whole

    def quotas(self, box: OwnMailbox, queue: OwnQueue, real: dict[bytes, tuple[DeviceId, bytes]]) -> dict[bytes, int]:
        """What each writer may have lying there: the devices of one account share."""
        owners = {name: self._owner(device) for name, (device, _) in real.items()}
        counts = Counter(owners.values())
        share = self.account_bytes(box, queue)
        return {name: max(LEAST_ACCOUNT_BYTES, share // counts[owner]) for name, owner in owners.items()}

    def _owner(self, device: DeviceId) -> UserId | None:
        certificate = self._world.certificate_of(device)
        return None if certificate is None else certificate.user

    def testers(self, queue: OwnQueue) -> list[bytes]:
        """Seeds of the keys by which we may write there ourselves, as writers that there are not."""
        count = _padded(len(self.verifiers(queue)))
        seeds = [_padding_seed(queue, index) for index in range(count)]
        return [seed for seed in seeds if public_key(seed)[:PREFIX_SIZE] in queue.allowed]

    def padding(self, queue: OwnQueue, count: int) -> list[bytes]:
        """Writers that there are not, always the same ones, and so many that all are 8, 16, 32, ...; one at least."""
        found = []
        for index in range(_padded(count)):
            name = queue.id, DeviceId(index.to_bytes(2, "big")), b""
            if name not in self._verifiers:
                self._verifiers[name] = public_key(_padding_seed(queue, index))
            found.append(self._verifiers[name])
        return found


def _padded(count: int) -> int:
    """How many writers that there are not stand beside so many that there are."""
    whole = LEAST_WRITERS
    while whole <= count:
        whole *= 2
    return whole - count


def _padding_seed(queue: OwnQueue, index: int) -> bytes:
    return mac(queue.seed, "mc.padding", index.to_bytes(2, "big"))
