"""The plainest mailbox: on a machine of the simulated world, with no bounds and nothing stored, to lose things and lie."""

from collections.abc import Callable
from dataclasses import dataclass, field

from simulated_world import Person

from multichat_tui.crypto.keys import Signer, verify
from multichat_tui.crypto.mailboxes import audit_proof, local_device, sign_deposit
from multichat_tui.model.frames import Frame
from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import MAX_ENVELOPE_LIFE_MS
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Challenge,
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    FetchedEnvelope,
    FetchEnvelopes,
    GrantUsage,
    HasEnvelopes,
    ListedEnvelope,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxFrame,
    OpenQueue,
    PutEnvelope,
    ShowGrant,
    ShowWriter,
    TakeQueue,
    Word,
)
from multichat_tui.model.mailboxes import (
    MailboxAddress,
    MailboxGrant,
    MailboxId,
    QueueId,
    envelope_hash,
    grant_signed_bytes,
    queue_id,
    queue_signed_bytes,
    writer_signed_bytes,
)
from multichat_tui.model.ports import Credential, CredentialKind
from multichat_tui.sync.session import Role, Session


@dataclass
class Kept:
    envelopes: dict[int, tuple[bytes, bytes, int]] = field(default_factory=dict)
    """By serial: writer, envelope, when it came."""
    writers: set[bytes] = field(default_factory=set)
    expires: dict[bytes, int] = field(default_factory=dict)
    """By hash; what was put by nobody in particular lasts for ever."""
    collected: set[bytes] = field(default_factory=set)


class PlainMailbox:
    """Implements `engine.MailboxSide` for who keeps."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.seed = person.random.randbytes(32)
        self.local = local_device(self.seed)
        self.door_key = person.random.randbytes(32)
        self.grant_known = True
        self.most_queues = 256
        self.refuses: Word | None = None
        """All that is asked, or"""
        self.allows = True
        """who may write."""
        self.refuses_puts: Word | None = None
        self.drops: Callable[[bytes], bool] = lambda envelope: False
        """An envelope for which it gives its receipt, and that it does not keep."""
        self.queues: dict[QueueId, Kept] = {}
        self.requests: list[MailboxFrame] = []
        self.sessions: dict[int, Session] = {}
        self._owned: dict[int, set[QueueId]] = {}
        self._shown: dict[int, set[QueueId]] = {}
        self._subscribed: dict[int, set[QueueId]] = {}
        self._serial = 0
        self.place()

    def place(self) -> None:
        """On the machine as it runs now."""
        engine = self.person.api._engine
        assert engine is not None
        engine.mailbox_sides[Role.CLIENT] = self
        door = Credential(kind=CredentialKind.MAILBOX_DOOR, key=self.door_key, device=self.local.device, local=self.local)
        network = self.person.network
        publish = network.publish
        network.publish = lambda credentials: publish((*credentials, door))  # type: ignore[method-assign]
        network.publish(())

    @property
    def address(self) -> MailboxAddress:
        return MailboxAddress(
            mailbox=MailboxId(self.local.device), door_key=self.door_key, addresses=(self.person.network.address,)
        )

    @property
    def link(self) -> str:
        return MailboxGrant(address=self.address, seed=b"\5" * 16).link

    def wipe(self) -> None:
        """Its disk is new."""
        self.queues.clear()

    # engine.MailboxSide

    def up(self, session: Session) -> str:
        self.sessions[session.link] = session
        self._owned[session.link], self._shown[session.link], self._subscribed[session.link] = set(), set(), set()
        return ""

    def down(self, session: Session) -> None:
        for known in (self.sessions, self._owned, self._shown, self._subscribed):
            known.pop(session.link, None)

    def take(self, session: Session, frame: Frame | MailboxFrame) -> bool:
        engine = self.person.api._engine
        assert engine is not None
        self._say = lambda each, answer: engine.world.send(each, answer)
        self.requests.append(frame)  # type: ignore[arg-type]
        number = frame.number  # type: ignore[union-attr]
        if self.refuses is not None:
            self._say(session, MailboxAnswer(number=number, word=self.refuses))
            return True
        self._say(session, self._answer(session, frame))  # type: ignore[arg-type]
        return True

    def _answer(self, session: Session, frame: MailboxFrame) -> MailboxFrame:
        match frame:
            case ShowGrant():
                good = verify(frame.grant, grant_signed_bytes(session.binding), frame.signature) and self.grant_known
                usage = GrantUsage(used_bytes=0, quota_bytes=2**26, queues=len(self.queues), most_queues=self.most_queues)
                return MailboxAnswer(number=frame.number, word=Word.DONE if good else Word.UNKNOWN, usage=usage if good else None)
            case OpenQueue() | TakeQueue():
                assert verify(frame.queue_key, queue_signed_bytes(session.binding), frame.signature)
                queue = queue_id(frame.queue_key)
                if isinstance(frame, OpenQueue):
                    self.queues.setdefault(queue, Kept())
                if queue not in self.queues:
                    return MailboxAnswer(number=frame.number, word=Word.UNKNOWN)
                self._owned[session.link].add(queue)
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case AllowWriters():
                if not self.allows:
                    return MailboxAnswer(number=frame.number, word=Word.TOO_MANY)
                kept = self.queues[self._own(session, frame.queue)]
                kept.writers |= {verifier for verifier, _ in frame.allow}
                kept.writers = {each for each in kept.writers if each[:PREFIX_SIZE] not in frame.forbid}
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case ShowWriter():
                signed = verify(frame.verifier, writer_signed_bytes(frame.queue, session.binding), frame.signature)
                known = frame.queue in self.queues and frame.verifier in self.queues[frame.queue].writers
                if not (signed and known):
                    return MailboxAnswer(number=frame.number, word=Word.UNKNOWN)
                self._shown[session.link].add(frame.queue)
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case PutEnvelope():
                if frame.queue not in self._shown[session.link]:
                    return MailboxAnswer(number=frame.number, word=Word.UNAUTHORISED)
                if self.refuses_puts is not None:
                    return MailboxAnswer(number=frame.number, word=self.refuses_puts)
                self.queues[frame.queue].expires[envelope_hash(frame.envelope)] = frame.expires_ms
                if not self.drops(frame.envelope):
                    self.put(frame.queue, frame.writer, frame.envelope)
                receipt = sign_deposit(Signer(self.seed), frame.queue, envelope_hash(frame.envelope), frame.expires_ms)
                return Deposited(number=frame.number, receipts=(receipt,))
            case ListEnvelopes():
                queue = self._own(session, frame.queue)
                if frame.subscribe:
                    self._subscribed[session.link].add(queue)
                found = [e for e in self._listed(queue) if e.serial > frame.after]
                return Listing(
                    number=frame.number,
                    queue=queue,
                    envelopes=tuple(found[: frame.limit]),
                    more=len(found) > frame.limit,
                )
            case FetchEnvelopes():
                there = self.queues[self._own(session, frame.queue)].envelopes
                fetched = tuple(
                    FetchedEnvelope(serial=s, writer=there[s][0], envelope=there[s][1]) for s in frame.serials if s in there
                )
                return Envelopes(number=frame.number, queue=frame.queue, envelopes=fetched)
            case DeleteEnvelopes():
                kept = self.queues[self._own(session, frame.queue)]
                for serial in frame.serials:
                    if serial in kept.envelopes:
                        kept.collected.add(envelope_hash(kept.envelopes.pop(serial)[1]))
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case CloseQueue():
                del self.queues[self._own(session, frame.queue)]
                return MailboxAnswer(number=frame.number, word=Word.DONE)
            case Challenge():
                found = self._find(frame.queue, frame.envelope)
                if found is None:
                    gone = frame.envelope in self.queues[frame.queue].collected
                    return MailboxAnswer(number=frame.number, word=Word.COLLECTED if gone else Word.UNKNOWN)
                return MailboxAnswer(number=frame.number, word=Word.DONE, proof=audit_proof(frame.nonce, found))
            case HasEnvelopes():
                kept = self.queues[frame.queue]
                there = [each for each in frame.envelopes if self._find(frame.queue, each) is not None]
                receipts = tuple(
                    sign_deposit(
                        Signer(self.seed), frame.queue, each, kept.expires.get(each, self.person.now_ms() + MAX_ENVELOPE_LIFE_MS)
                    )
                    for each in there
                )
                gone_ones = tuple(each for each in frame.envelopes if each in kept.collected)
                return Deposited(number=frame.number, receipts=receipts, collected=gone_ones)
        raise AssertionError(frame)

    def _find(self, queue: QueueId, name: bytes) -> bytes | None:
        return next((e for _, e, _ in self.queues[queue].envelopes.values() if envelope_hash(e) == name), None)

    def _own(self, session: Session, queue: QueueId) -> QueueId:
        assert queue in self._owned[session.link]
        return queue

    def _listed(self, queue: QueueId) -> list[ListedEnvelope]:
        return [
            ListedEnvelope(serial=serial, envelope=envelope_hash(envelope), size=len(envelope), writer=writer, stored_ms=at)
            for serial, (writer, envelope, at) in sorted(self.queues[queue].envelopes.items())
        ]

    def put(self, queue: QueueId, writer: bytes, envelope: bytes) -> None:
        """As who may write there would."""
        kept = self.queues[queue]
        if any(each == envelope for _, each, _ in kept.envelopes.values()):
            return
        self._serial += 1
        kept.envelopes[self._serial] = writer, envelope, self.person.now_ms()
        for link, subscribed in self._subscribed.items():
            if queue in subscribed:
                news = tuple(self._listed(queue)[-1:])
                self._say(self.sessions[link], Listing(number=0, queue=queue, envelopes=news))
