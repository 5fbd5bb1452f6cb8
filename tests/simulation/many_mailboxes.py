"""Mailboxes in a history of many nodes: most keep what they are given, some lose it, serve it again, lie, refuse or vanish.

All are real nodes with the real keeper. Bad ones are so by what passes their network: what it swallows, and what it changes.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from many_invariants import present, world_of
from simulated_world import Person

from multichat_tui.crypto.keys import Signer
from multichat_tui.crypto.mailboxes import sign_deposit
from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import MultichatError
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.ids import LinkId
from multichat_tui.model.intents import AddMailbox, GrantPlace, HostMailbox
from multichat_tui.model.mailbox_frames import (
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    Listing,
    MailboxAnswer,
    MailboxFrame,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import envelope_hash
from multichat_tui.model.ports import FrameIn, NetworkInput
from multichat_tui.node.device_statements import STATING_VERSION
from multichat_tui.node.host_settings import load_settings

if TYPE_CHECKING:
    from many_nodes import History
    from many_plan import Place

FAULTS = ("drop", "replay", "lie", "refuse", "vanish")
REFUSALS = (Word.FULL, Word.FULL_OWNER, Word.FULL_WRITER, Word.BUSY, Word.TOO_LARGE)
QUIET_S = 900.0
"""Within this, routes are told, writers allowed, and what is written lies at mailboxes, or has been collected there."""
MOST_CHOSEN = 3
"""Mailboxes of one person."""


class BadMailbox:
    """Between the network and the node of who keeps a mailbox, for as long as the machine exists."""

    def __init__(self, person: Person, fault: str, chance: random.Random) -> None:
        self.person = person
        self.fault = fault
        self.done = 0
        self._chance = chance
        network = person.network
        self._input, self._send = network.input, network.send
        network.input = self.hear  # type: ignore[method-assign]
        network.send = self.say  # type: ignore[method-assign]

    def hear(self, arrived: NetworkInput) -> None:
        """Something comes, and may be answered without the node."""
        frame = decode_frame(arrived.frame) if isinstance(arrived, FrameIn) else None
        answer = None if frame is None or isinstance(frame, Rejected) else self._instead(frame)
        if answer is None or not isinstance(arrived, FrameIn):
            self._input(arrived)
            return
        self.done += 1
        self._send(arrived.link, encode_frame(answer))

    def _instead(self, frame: object) -> MailboxFrame | None:
        chosen = self._chance.random() < 0.6
        match frame:
            case PutEnvelope() if self.fault == "drop" and chosen:
                with self.person.store.inner.transaction() as txn:
                    settings = load_settings(txn)
                assert settings is not None
                signed = sign_deposit(Signer(settings.seed), frame.queue, envelope_hash(frame.envelope), frame.expires_ms)
                return Deposited(number=frame.number, receipts=(signed,))
            case PutEnvelope() if self.fault == "refuse" and chosen:
                return MailboxAnswer(number=frame.number, word=self._chance.choice(REFUSALS), retry_after_ms=60_000)
            case DeleteEnvelopes() if self.fault == "replay":
                # It stays, and is listed again to whoever looks next.
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case _:
                return None

    def say(self, link: LinkId, encoded: bytes) -> None:
        if self.fault == "replay" or (self.fault == "lie" and self._chance.random() < 0.4):
            frame = decode_frame(encoded)
            told = None if isinstance(frame, Rejected) else self._twisted(frame)
            if told is not None:
                self.done += 1
                encoded = encode_frame(told)
        self._send(link, encoded)

    def _twisted(self, frame: object) -> MailboxFrame | None:
        chance = self._chance
        match frame:
            case Envelopes() if frame.envelopes and self.fault == "replay":
                return replace(frame, envelopes=frame.envelopes * 2)
            case Listing() if frame.envelopes and self.fault == "replay":
                again = tuple(replace(each, serial=each.serial + 10_000) for each in frame.envelopes)
                return replace(frame, envelopes=frame.envelopes + again)
            case _ if self.fault == "replay":
                return None
            case Envelopes() if frame.envelopes:
                spoilt = tuple(replace(each, envelope=self._spoilt(each.envelope)) for each in frame.envelopes)
                return replace(frame, envelopes=spoilt)
            case Listing() if frame.envelopes:
                return replace(
                    frame, envelopes=tuple(replace(e, size=512, envelope=chance.randbytes(32)) for e in frame.envelopes)
                )
            case Deposited() if frame.receipts:
                gone = tuple(receipt.envelope for receipt in frame.receipts)
                forged = tuple(replace(receipt, signature=chance.randbytes(64)) for receipt in frame.receipts)
                return replace(frame, receipts=forged) if chance.random() < 0.5 else replace(frame, receipts=(), collected=gone)
            case MailboxAnswer() if frame.proof:
                return replace(frame, proof=chance.randbytes(32))
            case MailboxAnswer():
                return replace(frame, word=chance.choice(tuple(Word)), proof=b"", usage=None)
            case _:
                return None

    def _spoilt(self, envelope: bytes) -> bytes:
        place = self._chance.randrange(1, len(envelope))
        return envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]


class Mailboxes:
    """Those of one history, by a chance of their own: without them it is the same as if there were no such thing."""

    def __init__(self, history: "History") -> None:
        self._history = history
        self._chance = random.Random(f"mailboxes/{history.plan.seed}")
        self.names: set[str] = set()
        self.bad: dict[str, BadMailbox] = {}
        self.chosen: dict[str, set[str]] = {}
        """By machine."""

    async def open(self, people: list[Person]) -> None:
        """Every third one is bad; everybody has a place in one to three of them."""
        history, chance = self._history, self._chance
        names = [f"box{number}" for number in range(history.plan.mailboxes)]
        self.names.update(names)
        boxes = await history.world.add(*names)
        for number, box in enumerate(boxes):
            await box.api.submit(HostMailbox(on=True, addresses=(box.network.address,), shown_on_lan=True))
            if number % 3 == 1:
                fault = FAULTS[(history.plan.seed + number // 3) % len(FAULTS)]
                self.bad[box.name] = BadMailbox(box, fault, random.Random(f"{fault}/{history.plan.seed}"))
        for person in people:
            for box in chance.sample(boxes, min(len(boxes), chance.randint(1, MOST_CHOSEN))):
                await self._choose(person, box)

    async def _choose(self, person: Person, box: Person) -> None:
        if person.running and box.running:
            link = (await box.api.submit(GrantPlace(name=person.name))).link
            assert link is not None
            with suppress(MultichatError):
                await person.api.submit(AddMailbox(link=link))
                self.chosen.setdefault(person.name, set()).add(box.name)

    def turn(self) -> None:
        """Now and then one dies, or comes back."""
        chance, history = self._chance, self._history
        if not self.names or chance.random() > 0.2:
            return
        box = history.world.people[chance.choice(sorted(self.names))]
        if not box.running:
            history.begin(box.start())
            return
        box.crash()
        history.happened["mailboxes killed"] += 1
        bad = self.bad.get(box.name)
        if bad is not None and bad.fault == "vanish":
            # Its disk is new; it is the same mailbox still, and knows nobody.
            bad.done += 1
            with box.store.inner.transaction() as txn:
                for grant in txn.mailbox.grants():
                    txn.mailbox.drop_grant(grant.key)

    async def settle(self) -> None:
        for name in sorted(self.names):
            box = self._history.world.people[name]
            if not box.running:
                await box.start()
        for bad in self.bad.values():
            self._history.happened[f"mailbox: {bad.fault}"] += bad.done

    async def check_end(self) -> None:
        """After all of it mailboxes still do what they are for: what is written to somebody who is away, by somebody who is gone
        when they come, is there. Of those who speak a version that knows mailboxes, and chose one that keeps what it is given."""
        history = self._history
        pairs = [
            (place, author, reader)
            for place in history.places
            for author, reader in permutations(present(history, place), 2)
            if (self.chosen.get(reader.name, set()) - self.bad.keys())
            and min(author.network.version, reader.network.version) >= STATING_VERSION
            and world_of(author).identity.user != world_of(reader).identity.user
            and _has_news(history, place, author, reader)
        ]
        if not pairs:
            return
        place, author, reader = self._chance.choice(pairs)
        await asyncio.sleep(QUIET_S)
        for person in history.honest:
            if person is not author:
                await person.stop()
        text = f"{place.mark} {author.name} to {reader.name}, who is away"
        try:
            await author.say(place.channel, text)
        except MultichatError:
            return  # there is nobody left who may write there
        await asyncio.sleep(QUIET_S)
        await author.stop()
        await reader.start()
        deadline = history.now() + QUIET_S
        while text not in await reader.texts(place.channel):
            assert history.now() < deadline, f"{reader.name} never had what {author.name} left at the mailboxes"
            await asyncio.sleep(5)
        history.happened["by mailbox alone"] += 1


def _has_news(history: "History", place: "Place", author: Person, reader: Person) -> bool:
    """Whether an author can have heard where the reader's mailboxes are: from the reader, or as everybody there tells it on."""
    linked = {session.device for session in world_of(author).peers()}
    speaking = all(each.network.version >= STATING_VERSION for each in present(history, place))
    return speaking or world_of(reader).identity.device in linked
