"""Devices that seal for each other, without the rest of a node: each has a store that outlives it, and starts anew for every
turn, unless it is to live on, so that nothing counts but what was committed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from multichat_tui.crypto.identity import Account, DeviceSecrets, certify, sign_device_list
from multichat_tui.crypto.olm import new_olm_account, seeded_olm_account
from multichat_tui.crypto.ratchets import OlmRatchets
from multichat_tui.crypto.seeded_ratchets import SeededRatchets
from multichat_tui.model.codec import Rejected
from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.ports import Ratchets, Space, Store, Transaction
from multichat_tui.node.genesis import create_identity
from multichat_tui.node.identity import load_identity
from multichat_tui.node.sealing import Sealing
from multichat_tui.node.standing import Contact
from multichat_tui.node.world import World
from multichat_tui.store.memory import MemoryStore

START_MS = 1_760_000_000_000


class RolledBack(Exception):
    """A turn whose transaction is not to be committed."""


class Party:
    def __init__(self, name: str, *, real: bool = False, store: Store | None = None, seed: int = 0) -> None:
        self.entropy: Callable[[int], bytes] = random.Random(f"{name}/{seed}").randbytes
        self.store = store or MemoryStore()
        self.now = START_MS
        self.ratchets: Ratchets = OlmRatchets() if real else SeededRatchets(self.entropy)
        self.new_olm = new_olm_account if real else seeded_olm_account
        self.account = Account(self.entropy(32))
        create_identity(
            self.store,
            name=name,
            account_entropy=self.account.entropy,
            entropy=self.entropy,
            now_ms=self.now,
            new_olm=self.new_olm,
        )
        self.contacts: list[Contact] = []
        with self.store.transaction() as txn:
            self.identity = load_identity(txn, self.entropy)
        self.counters: dict[str, int] = {}
        self.prekeys_changed: set[bytes] = set()
        self.lives_on: Callable[[], bool] = lambda: False
        """Whether the node goes on after a turn that was committed; else it starts anew."""
        self._live: Sealing | None = None

    @property
    def device(self) -> DeviceId:
        return self.identity.device

    @property
    def user(self) -> UserId:
        return self.identity.user

    def world(self, txn: Transaction) -> World:
        world = World(identity=self.identity, entropy=self.entropy, txn=txn, now=self.now, ratchets=self.ratchets)
        world.contacts = {contact.user: contact for contact in self.contacts}
        world.counters = self.counters
        world.prekeys_changed = self.prekeys_changed
        return world

    @contextmanager
    def turn(self) -> Iterator[Sealing]:
        """The node for one transaction, as it is loaded or goes on; `RolledBack` undoes it, and ends the node."""
        live = self._live
        self._live = None
        try:
            with self.store.transaction() as txn:
                if live is None:
                    live = Sealing(self.world(txn))
                live._world.txn, live._world.now = txn, self.now
                live._world.contacts = {contact.user: contact for contact in self.contacts}
                yield live
                live.flush()
            self._live = live if self.lives_on() else None
        except RolledBack:
            pass

    def knows(self, *others: "Party") -> None:
        secret = b"s" * 32
        self.contacts += [Contact(devices=other.identity.devices, secret=secret, confirmed=True) for other in others]

    def knows_second_device(self, of: "Party") -> Certificate:
        """A contact has another device: its certificate. Nobody has its secrets."""
        secrets = DeviceSecrets(signing_seed=self.entropy(32), sealing_secret=self.entropy(32))
        certificate = certify(of.account, secrets, self.new_olm(self.entropy).identity_key, self.now)
        listed = sign_device_list(of.account, of.identity.devices, (*of.identity.devices.certificates, certificate), ())
        self.contacts = [replace(c, devices=listed) if c.user == of.user else c for c in self.contacts]
        return certificate

    def prekey_for(self, audience: bytes) -> bytes:
        with self.turn() as sealing:
            return sealing.prekey_for(audience)

    def fallback_key(self) -> bytes:
        with self.turn() as sealing:
            return sealing.fallback_key()

    def seal(self, to: "Party", prekey: bytes | None, text: bytes, fallback: bytes | None = None) -> bytes | None:
        with self.turn() as sealing:
            return sealing.seal(to.device, prekey, text, fallback)

    def forget_sessions(self) -> None:
        """As if the profile were an older one of itself."""
        with self.store.transaction() as txn:
            for space in (Space.RATCHET, Space.OLM):
                for key, _ in txn.scan(space, b"" if space is Space.RATCHET else b"theirs/"):
                    txn.delete(space, key)

    def unseal(self, by: "Party", sealed: bytes) -> bytes | Rejected:
        with self.turn() as sealing:
            return sealing.unseal(by.device, sealed)

    def doubt(self, of: "Party") -> bytes | None:
        with self.turn() as sealing:
            return sealing.doubt(of.device)

    def tick(self) -> None:
        with self.turn() as sealing:
            sealing.tick()

    def rows(self, space: Space, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
        with self.store.transaction() as txn:
            return txn.scan(space, prefix)


def two(*, real: bool = False, seed: int = 0) -> tuple[Party, Party]:
    ann, bob = Party("ann", real=real, seed=seed), Party("bob", real=real, seed=seed)
    ann.knows(bob)
    bob.knows(ann)
    return ann, bob


def sealed(found: bytes | None) -> bytes:
    """What was sealed, where it must have been."""
    assert found is not None
    return found
