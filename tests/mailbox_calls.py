"""Somebody who comes to mailboxes with frames made by hand, over any network, and nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import local_device, open_queue, show_grant, show_writer
from multichat_tui.model.frame_bytes import decode_frame, encode_frame
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.mailbox_frames import (
    AllowWriters,
    Envelopes,
    FetchEnvelopes,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    MailboxReply,
    MailboxRequest,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import MailboxAddress, MailboxGrant, QueueId, parse_mailbox_link, queue_id
from multichat_tui.model.ports import Credential, CredentialKind, DialFailed, FrameIn, LinkDown, LinkUp, Network, NetworkInput


def seed_of(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def id_of(queue: str) -> QueueId:
    return queue_id(public_key(seed_of(queue)))


def verifier_of(writer: str) -> bytes:
    return public_key(seed_of(writer))


def granted(link: str | None) -> MailboxGrant:
    assert link is not None
    grant = parse_mailbox_link(link)
    assert isinstance(grant, MailboxGrant), grant
    return grant


@dataclass
class Caller:
    """One link to one mailbox. Every wait has a limit."""

    network: Network
    inputs: list[NetworkInput] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0

    @property
    def up(self) -> LinkUp:
        return next(each for each in self.inputs if isinstance(each, LinkUp))

    @property
    def down(self) -> bool:
        return any(isinstance(each, LinkDown) for each in self.inputs)

    @property
    def replies(self) -> list[MailboxReply]:
        frames = [decode_frame(each.frame) for each in self.inputs if isinstance(each, FrameIn)]
        return [frame for frame in frames if isinstance(frame, MailboxReply)]

    def deliver(self, arrived: NetworkInput) -> None:
        self.inputs.append(arrived)
        self._changed.set()

    async def until(self, condition: Callable[[], object], timeout_s: float = 60) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def send(self, request: MailboxRequest | bytes) -> None:
        self.network.send(self.up.link, request if isinstance(request, bytes) else encode_frame(request))

    async def ask_all(self, build: Callable[[int, bytes], MailboxRequest]) -> list[MailboxReply]:
        """`build` gets the number and the link's binding. All frames of the answer."""
        self._number += 1
        number = self._number
        self.send(build(number, self.up.binding))

        def answers() -> list[MailboxReply]:
            return [reply for reply in self.replies if reply.number == number]

        def whole() -> bool:
            found = answers()
            return bool(found) and not (isinstance(found[-1], Envelopes) and found[-1].following)

        await self.until(whole)
        return answers()

    async def ask(self, build: Callable[[int, bytes], MailboxRequest]) -> MailboxReply:
        (answer,) = await self.ask_all(build)
        return answer

    async def word(self, build: Callable[[int, bytes], MailboxRequest]) -> Word:
        answer = await self.ask(build)
        assert isinstance(answer, MailboxAnswer), answer
        return answer.word

    async def own(self, grant: MailboxGrant, *queues: str) -> None:
        assert await self.word(lambda number, binding: show_grant(number, grant.seed, binding)) is Word.DONE
        for queue in queues:
            assert await self.word(lambda n, b, queue=queue: open_queue(n, seed_of(queue), b)) is Word.DONE  # type: ignore[misc]

    async def allow(self, queue: str, *writers: str, quota: int = 10**7) -> None:
        allowed = tuple((verifier_of(writer), quota) for writer in writers)
        assert await self.word(lambda n, _: AllowWriters(number=n, queue=id_of(queue), allow=allowed)) is Word.DONE

    async def write(self, queue: str, writer: str) -> None:
        assert await self.word(lambda n, b: show_writer(n, seed_of(writer), id_of(queue), b)) is Word.DONE

    async def put(self, queue: str, writer: str, envelope: bytes, expires_ms: int) -> MailboxReply:
        return await self.ask(
            lambda n, _: PutEnvelope(
                number=n, queue=id_of(queue), writer=verifier_of(writer)[:8], envelope=envelope, expires_ms=expires_ms
            )
        )

    async def listing(self, queue: str, *, subscribe: bool = False) -> Listing:
        answer = await self.ask(
            lambda n, _: ListEnvelopes(number=n, queue=id_of(queue), after=0, limit=1024, subscribe=subscribe)
        )
        assert isinstance(answer, Listing), answer
        return answer

    async def fetch(self, queue: str) -> list[bytes]:
        """All that lies there, in order."""
        serials = tuple(each.serial for each in (await self.listing(queue)).envelopes)
        answers = await self.ask_all(lambda n, _: FetchEnvelopes(number=n, queue=id_of(queue), serials=serials))
        return [each.envelope for answer in answers if isinstance(answer, Envelopes) for each in answer.envelopes]


async def come(network: Network, address: MailboxAddress, seed: bytes) -> Caller:
    """To a mailbox, over a network that is not started yet, as the device of this seed."""
    caller = Caller(network)
    await network.start(local_device(seed), caller.deliver)
    credential = Credential(
        kind=CredentialKind.MAILBOX, key=address.door_key, device=DeviceId(address.mailbox), local=local_device(seed)
    )
    for where in address.addresses:
        network.dial(credential, where)
    await caller.until(lambda: any(isinstance(each, LinkUp | DialFailed) for each in caller.inputs))
    return caller
