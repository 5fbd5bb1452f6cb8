"""What sealing for a device that is away costs: the whole way from contents to the stored state and the wrapped envelope, and
back, on a profile on disk; beside the floor, the library's bare encryption and one AEAD, with nothing stored."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import vodozemac
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as open_box
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal_box

from benchmarks.measures import Figure, Measure
from multichat_tui.crypto.envelopes import unwrap, wrap, wrapper_key
from multichat_tui.crypto.identity import Account, DeviceSecrets, certify, sign_device_list
from multichat_tui.crypto.olm import new_olm_account
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.model.identity import DeviceList
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.ports import Store
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.identity import Identity, load_identity
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.standing import Contact
from multichat_tui.node.world import World
from multichat_tui.store.sqlite import SqliteStore

CONTENTS = os.urandom(300)
"""A record of 200 bytes of text, as a parcel has it."""
MESSAGES = 2000
DEVICES, MAILBOXES = 100, 2
BATCH = 128
"""Records of a transaction: the bound of a group commit."""
NOW_MS = 1_760_000_000_000
QUEUE, WRITER, SECRET = b"q" * 16, b"w" * 8, b"s" * 32
AWAY = "message to 100 devices that are away"

SEALED = Measure(name="sealed and wrapped, state stored [disk]", unit="messages/s", target="–")
OPENED = Measure(name="unwrapped and opened, state stored [disk]", unit="messages/s", target="–")
CPU = Measure(name=f"{AWAY}, sessions there, CPU", unit="ms", target="–")
FIRST_CPU = Measure(name=f"{AWAY}, the first, CPU", unit="ms", target="–")
SENT = Measure(name=f"{AWAY}, on {MAILBOXES} mailboxes", unit="kB", target="–")


class Party:
    """A profile on disk, and the devices that it knows as contacts."""

    def __init__(self, path: Path, name: str) -> None:
        self.store: Store = SqliteStore(path, os.urandom(32))
        self.account = Account(os.urandom(32))
        create_identity(self.store, name=name, account_entropy=self.account.entropy, entropy=os.urandom, now_ms=NOW_MS)
        with self.store.transaction() as txn:
            self.identity: Identity = load_identity(txn, os.urandom)
        self.contacts: list[Contact] = []
        self.sealing: tuple[Sealing, World] | None = None
        """Lives on, as a node does."""

    def knows(self, devices: DeviceList) -> None:
        self.contacts.append(Contact(devices=devices, secret=SECRET, confirmed=True))

    def turn(self, work: Callable[[Sealing, World], None]) -> None:
        """A batch."""
        with self.store.transaction() as txn:
            if self.sealing is None:
                world = World(identity=self.identity, entropy=os.urandom, txn=txn, now=NOW_MS)
                world.contacts = {contact.user: contact for contact in self.contacts}
                self.sealing = Sealing(world), world
            sealing, world = self.sealing
            world.txn = txn
            work(sealing, world)
            sealing.flush()


def _pair(directory: Path) -> tuple[float, float]:
    """(sealed, opened) messages a second, from one device to another."""
    ann, bob = Party(directory / "ann.db", "ann"), Party(directory / "bob.db", "bob")
    ann.knows(bob.identity.devices)
    bob.knows(ann.identity.devices)
    keys: list[bytes] = []
    bob.turn(lambda sealing, world: keys.append(sealing.prekey_for(ann.identity.user)))
    there, back = bob.identity.device, ann.identity.device
    envelopes: list[bytes] = []

    def seal(sealing: Sealing, world: World) -> None:
        for _ in range(BATCH):
            sealed = sealing.seal(there, keys[0], CONTENTS)
            assert sealed is not None
            envelopes.append(wrap(wrapper_key(world.pair_keys_of(there)[0], QUEUE), QUEUE, WRITER, sealed))

    def unseal(sealing: Sealing, world: World) -> None:
        for envelope in envelopes[:BATCH]:
            sealed = unwrap(wrapper_key(world.pair_keys_of(back)[0], QUEUE), QUEUE, WRITER, envelope)
            assert isinstance(sealed, bytes)
            assert sealing.unseal(back, sealed) == CONTENTS
        del envelopes[:BATCH]

    batches = MESSAGES // BATCH
    ann.turn(seal)
    started = time.perf_counter()
    for _ in range(batches):
        ann.turn(seal)
    sealed_s = time.perf_counter() - started
    bob.turn(unseal)
    started = time.perf_counter()
    for _ in range(batches):
        bob.turn(unseal)
    opened_s = time.perf_counter() - started
    for party in (ann, bob):
        party.store.close()
    return batches * BATCH / sealed_s, batches * BATCH / opened_s


def _floor() -> tuple[float, float]:
    """The same with the library and one AEAD alone."""
    ann, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_one_time_keys(1)
    (prekey,) = bob.one_time_keys.values()
    here = ann.create_outbound_session(bob.curve25519_key, prekey)
    there, _ = bob.create_inbound_session(ann.curve25519_key, here.encrypt(b"").to_pre_key())
    nonces = [os.urandom(24) for _ in range(MESSAGES)]
    started = time.perf_counter()
    boxes = [seal_box(here.encrypt(CONTENTS).to_parts()[1], b"", nonce, SECRET) for nonce in nonces]
    sealed_s = time.perf_counter() - started
    started = time.perf_counter()
    for nonce, box in zip(nonces, boxes, strict=True):
        there.decrypt(vodozemac.AnyOlmMessage.from_parts(0, open_box(box, b"", nonce, SECRET)))
    return MESSAGES / sealed_s, MESSAGES / (time.perf_counter() - started)


def _crowd(directory: Path) -> tuple[float, float, int]:
    """(CPU of the first message, of a later one, bytes for the mailboxes) to a hundred devices."""
    ann = Party(directory / "crowd.db", "ann")
    ratchets = OlmRatchets()
    devices: dict[DeviceId, bytes] = {}
    for number in range(DEVICES):
        account, olm = Account(os.urandom(32)), new_olm_account(os.urandom)
        secrets = DeviceSecrets(signing_seed=os.urandom(32), sealing_secret=os.urandom(32))
        certificate = certify(account, secrets, olm.identity_key, NOW_MS + number)
        ann.knows(sign_device_list(account, None, (certificate,), ()))
        devices[secrets.device] = ratchets.new_prekey(olm.pickle)[0]
    sent: list[int] = []

    def seal(sealing: Sealing, world: World) -> None:
        for device, fallback in devices.items():
            sealed = sealing.seal(device, None, CONTENTS, fallback)
            assert sealed is not None
            sent.append(len(wrap(wrapper_key(world.pair_keys_of(device)[0], QUEUE), QUEUE, WRITER, sealed)))

    costs = []
    for _ in range(6):
        sent.clear()
        began = time.process_time()
        ann.turn(seal)
        costs.append((time.process_time() - began) * 1000)
    ann.store.close()
    return costs[0], sorted(costs[1:])[len(costs[1:]) // 2], sum(sent) * MAILBOXES


def _crowd_floor() -> tuple[float, float]:
    """(CPU of the first message, of a later one) in milliseconds: the library and one AEAD."""
    ann, prekeys = vodozemac.Account(), []
    for _ in range(DEVICES):
        theirs = vodozemac.Account()
        theirs.generate_one_time_keys(1)
        prekeys.append((theirs.curve25519_key, next(iter(theirs.one_time_keys.values()))))
    began = time.process_time()
    sessions = [ann.create_outbound_session(*keys) for keys in prekeys]
    costs = []
    for _ in range(2):
        for session in sessions:
            seal_box(session.encrypt(CONTENTS).to_parts()[1], b"", os.urandom(24), SECRET)
        costs.append((time.process_time() - began) * 1000)
        began = time.process_time()
    return costs[0], costs[1]


async def figures(directory: Path) -> list[Figure]:
    sealed, opened = _pair(directory)
    least_sealed, least_opened = _floor()
    first, later, size = _crowd(directory)
    least_first, least_later = _crowd_floor()
    return [
        Figure(measure=SEALED, ours=sealed, floor=least_sealed),
        Figure(measure=OPENED, ours=opened, floor=least_opened),
        Figure(measure=FIRST_CPU, ours=first, floor=least_first),
        Figure(measure=CPU, ours=later, floor=least_later),
        Figure(measure=SENT, ours=size / 1000),
    ]
