"""Mailboxes as simple as they can be, for stories about depositing: what is put lies there until it is collected by hand.

Each may lie (a receipt for what it does not keep), lose everything, refuse, or be silent.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from carried import device_of, within
from simulated_world import Person

from multichat_tui.crypto.envelopes import unwrap, verifier, wrapper_key
from multichat_tui.crypto.keys import Signer, public_key
from multichat_tui.crypto.mailboxes import audit_proof, sign_deposit
from multichat_tui.model.codec import Rejected
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId
from multichat_tui.model.mailbox_frames import Deposited, EnvelopeHash, MailboxAnswer, MailboxReply, Word
from multichat_tui.model.mailboxes import MailboxAddress, MailboxId, QueueId, envelope_hash, queue_id
from multichat_tui.node.deposit_audits import DepositAudits
from multichat_tui.node.depositing import Depositing
from multichat_tui.node.engine import Engine
from multichat_tui.node.putting import Heard, Slot


class Mood(Enum):
    HONEST = "honest"
    LIES = "lies"
    FORGES = "forges"
    REFUSES = "refuses"
    FORGETFUL = "forgetful"
    """It does not know any more what key was shown to it."""
    FULL = "full"
    SILENT = "silent"
    PRETENDS = "pretends"
    """It says that it has what it has not."""


REFUSALS = {Mood.REFUSES: Word.UNKNOWN, Mood.FULL: Word.FULL, Mood.FORGETFUL: Word.UNAUTHORISED}


@dataclass
class Mailbox:
    seed: bytes
    mood: Mood = Mood.HONEST
    kept: dict[QueueId, dict[EnvelopeHash, bytes]] = field(default_factory=dict)
    collected: set[EnvelopeHash] = field(default_factory=set)
    puts: int = 0

    @property
    def id(self) -> MailboxId:
        return MailboxId(public_key(self.seed))

    def put(self, queue: QueueId, envelope: bytes, expires_ms: int) -> MailboxReply | None:
        self.puts += 1
        if self.mood is Mood.SILENT:
            return None
        if self.mood in REFUSALS:
            return MailboxAnswer(number=1, word=REFUSALS[self.mood])
        found = envelope_hash(envelope)
        if found in self.collected:
            return MailboxAnswer(number=1, word=Word.COLLECTED)
        if self.mood is Mood.HONEST:
            self.kept.setdefault(queue, {})[found] = envelope
        signed = sign_deposit(Signer(self.seed), queue if self.mood is not Mood.FORGES else QueueId(bytes(16)), found, expires_ms)
        return Deposited(number=1, receipts=(signed,))

    def has(self, queue: QueueId, envelopes: tuple[EnvelopeHash, ...]) -> MailboxReply | None:
        if self.mood is Mood.SILENT:
            return None
        there = [each for each in envelopes if each in self.kept.get(queue, {}) or self.mood is Mood.PRETENDS]
        receipts = tuple(sign_deposit(Signer(self.seed), queue, each, 2**40) for each in there)
        return Deposited(number=1, receipts=receipts, collected=tuple(each for each in envelopes if each in self.collected))

    def challenge(self, queue: QueueId, envelope: EnvelopeHash, nonce: bytes) -> MailboxReply:
        found = self.kept.get(queue, {}).get(envelope)
        if found is None and self.mood is not Mood.PRETENDS:
            return MailboxAnswer(number=1, word=Word.UNKNOWN)
        return MailboxAnswer(number=1, word=Word.DONE, proof=audit_proof(nonce, found or b"anything"))


class Post:
    """The mailboxes of a world, and the links to them of each person's node."""

    def __init__(self, count: int = 2) -> None:
        self.mailboxes = [Mailbox(bytes([number + 1]) * 32) for number in range(count)]
        self.routes: dict[DeviceId, tuple[Slot, ...]] = {}
        self.keys: dict[DeviceId, bytes] = {}
        self.devices: dict[str, DeviceId] = {}

    def open_for(self, person: Person) -> None:
        """The person has a queue at each mailbox, and everybody learns of it."""
        device = self.devices[person.name] = device_of(person)
        self.keys[device] = within(person, lambda engine: engine.sealing.prekey_for(bytes(32)))
        self.routes[device] = tuple(
            Slot(
                address=MailboxAddress(mailbox=mailbox.id, door_key=bytes(32), addresses=("127.0.0.1:1",)),
                queue=queue_id(device + mailbox.id),
                user=bytes(32),
            )
            for mailbox in self.mailboxes
        )

    def serve(self, person: Person) -> None:
        """From now on the person's node writes here. To be done again after each start."""
        links = Links(self, person)
        within(person, lambda engine: self._plug_in(engine, links))

    def _plug_in(self, engine: Engine, links: "Links") -> None:
        exchange = engine._exchange
        engine.depositing = Depositing(
            engine.world,
            engine.parcels,
            engine.sealing,
            exchange.device_statements,
            exchange.holdings,
            links,
            lambda device: self.routes.get(device, ()),
            lambda device: (None, self.keys.get(device)),
            set,
        )
        engine.depositing.audit(DepositAudits(engine.world, engine.mailboxes.scores, links.challenge))
        exchange.requests.on_lost = engine.depositing.ends.on_lost
        engine._reads.on_said = engine.depositing.tell
        engine.depositing.load(tuple(self.routes))

    def lying(self, person: Person) -> int:
        """Envelopes that wait for somebody, at all mailboxes."""
        device = self.devices[person.name]
        return sum(len(mailbox.kept.get(queue_id(device + mailbox.id), {})) for mailbox in self.mailboxes)

    def collect(self, reader: Person, *mailboxes: Mailbox) -> int:
        """Take out what lies there for a person, of all mailboxes together and in the order in which it was sealed; or of these,
        one after the other. How many were opened."""
        groups = [[mailbox] for mailbox in mailboxes] or [self.mailboxes]
        return sum(within(reader, lambda engine, group=group: _open(engine, group)) for group in groups)

    def take_out(self, *mailboxes: Mailbox) -> None:
        """Everything at these (or all) is collected, as they say, and nobody's node has it."""
        for mailbox in mailboxes or self.mailboxes:
            for kept in mailbox.kept.values():
                mailbox.collected |= kept.keys()
            mailbox.kept.clear()


def _open(engine: Engine, mailboxes: list[Mailbox]) -> int:
    found: dict[bytes, tuple[DeviceId, bytes, int]] = {}
    for mailbox in mailboxes:
        queue = queue_id(engine.world.identity.device + mailbox.id)
        mailbox.collected |= mailbox.kept.get(queue, {}).keys()
        for envelope in mailbox.kept.pop(queue, {}).values():
            for device in engine.world.certificates():
                for pair in engine.world.pair_keys_of(device):
                    writer = verifier(pair, queue, device)[:PREFIX_SIZE]
                    sealed = unwrap(wrapper_key(pair, queue), queue, writer, envelope)
                    order = sealed if isinstance(sealed, Rejected) else engine.sealing.order(sealed)
                    if not isinstance(sealed, Rejected) and not isinstance(order, Rejected):
                        found[sealed] = device, *order
    in_order = sorted(found.items(), key=lambda entry: entry[1])
    return sum(engine.take_sealed(device, sealed) for sealed, (device, _, _) in in_order)


class Links:
    """Implements `putting.Writing`: an answer comes a moment later, if the node that has asked still runs."""

    def __init__(self, post: Post, person: Person) -> None:
        self.post = post
        self.person = person
        self.node = person.api

    def _mailbox(self, slot: Slot) -> Mailbox:
        return next(mailbox for mailbox in self.post.mailboxes if mailbox.id == slot.address.mailbox)

    def _later(self, ask: Callable[[], MailboxReply | None], heard: Heard) -> None:
        asyncio.get_running_loop().call_later(0.02, lambda: self._answer(ask, heard))

    def _answer(self, ask: Callable[[], MailboxReply | None], heard: Heard) -> None:
        reply = ask()
        if self.person.node is self.node:
            within(self.person, lambda engine: heard(reply))

    def put(self, slot: Slot, seed: bytes, envelope: bytes, expires_ms: int, heard: Heard) -> None:
        self._later(lambda: self._mailbox(slot).put(slot.queue, envelope, expires_ms), heard)

    def has(self, slot: Slot, seed: bytes, envelopes: tuple[EnvelopeHash, ...], heard: Heard) -> None:
        self._later(lambda: self._mailbox(slot).has(slot.queue, envelopes), heard)

    def challenge(self, slot: Slot, seed: bytes, envelope: EnvelopeHash, nonce: bytes, heard: Heard) -> None:
        self._later(lambda: self._mailbox(slot).challenge(slot.queue, envelope, nonce), heard)

    def tick(self) -> None:
        pass

    def wake_times(self) -> list[int]:
        return []
