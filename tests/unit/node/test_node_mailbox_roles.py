"""Links of mailboxes: what is taken over them, what is said, and that they are no links to peers."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "simulation"))

from collections.abc import Awaitable, Callable

import pytest
from simulated_world import Person, SimulatedWorld, engine_of

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import show_grant
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.frames import Frame, MessageFrame, Offer
from multichat_tui.model.ids import PREFIX_SIZE, DeviceId, LinkId
from multichat_tui.model.limits import MAX_RECORD_FAULTS
from multichat_tui.model.mailbox_frames import Deposited, MailboxAnswer, MailboxFrame, MailboxReply, MailboxRequest, Word
from multichat_tui.model.ports import FrameIn, LinkDown, LinkPath, LinkUp
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.sync.session import Role, Session

LINK = LinkId(999)
REQUEST = show_grant(1, bytes(16), bytes(32))
ANSWER = MailboxAnswer(number=1, word=Word.DONE)
PLAIN = Offer(number=1)


class Side:
    """Takes what belongs to its role, and remembers what came."""

    def __init__(self, takes: type, refusal: str = "") -> None:
        self.takes = takes
        self.refusal = refusal
        self.came: list[object] = []

    def up(self, session: Session) -> str:
        self.came.append("up")
        return self.refusal

    def take(self, session: Session, frame: Frame | MailboxFrame) -> bool:
        self.came.append(frame)
        return isinstance(frame, self.takes)

    def down(self, session: Session) -> None:
        self.came.append("down")


SIDES = [(Role.CLIENT, MailboxRequest, REQUEST, ANSWER), (Role.MAILBOX, MailboxReply, ANSWER, REQUEST)]


def link_up(*, dialled: bool, device: DeviceId | None = None) -> LinkUp:
    return LinkUp(
        link=LINK,
        device=device or DeviceId(public_key(b"1" * 32)),
        dialled=dialled,
        path=LinkPath.LAN,
        address="10.0.0.9:0",
        incarnation=0,
        binding=bytes(32),
        mailbox=True,
        local=DeviceId(public_key(b"2" * 32)),
    )


async def deliver(person: Person, *inputs: object) -> None:
    for arrived in inputs:
        person.api._deliver(arrived)
    await person.api.status()


def frame_in(frame: Frame | MailboxFrame) -> FrameIn:
    return FrameIn(link=LINK, frame=encode_frame(frame))


def play(story: Callable[[Person, Person], Awaitable[None]]) -> None:
    async def begin() -> None:
        world = SimulatedWorld(1)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        await story(ann, bob)

    run_virtual(begin())


@pytest.mark.parametrize(("role", "takes", "belongs", "other"), SIDES, ids=["client", "mailbox"])
def test_over_a_link_of_a_mailbox_only_its_own_frames_are_taken(role, takes, belongs, other) -> None:
    async def story(ann: Person, bob: Person) -> None:
        engine, side = engine_of(ann), Side(takes)
        engine.mailbox_sides[role] = side
        await deliver(ann, link_up(dialled=role is Role.MAILBOX), frame_in(belongs))
        assert side.came == ["up", belongs]
        assert engine.world.counters.get("frame-out-of-place", 0) == 0
        assert engine.world.clients.get(LINK, engine.world.sessions.get(LINK)).role is role
        await deliver(ann, *[frame_in(PLAIN)] * 2, frame_in(other))
        assert engine.world.counters["frame-out-of-place"] == 3
        await deliver(ann, *[frame_in(PLAIN)] * MAX_RECORD_FAULTS)
        await asyncio.sleep(1)
        assert {**engine.world.sessions, **engine.world.clients}[LINK].closing

    play(story)


def test_frames_of_mailboxes_are_refused_from_peers() -> None:
    async def story(ann: Person, bob: Person) -> None:
        engine = engine_of(ann)
        engine.mailbox_sides[Role.CLIENT] = client = Side(MailboxRequest)
        (link,) = engine.world.sessions
        for frame in (REQUEST, ANSWER, Deposited(number=1, receipts=())):
            await deliver(ann, FrameIn(link=link, frame=encode_frame(frame)))
        assert engine.world.counters["frame-out-of-place"] == 3
        assert client.came == []

    play(story)


def test_what_is_no_frame_is_told_to_a_client_in_one_word() -> None:
    async def story(ann: Person, bob: Person) -> None:
        engine = engine_of(ann)
        engine.mailbox_sides[Role.CLIENT] = Side(MailboxRequest)
        sent: list[bytes] = []
        ann.network.send = lambda link, frame: sent.append(frame) if link == LINK else None  # type: ignore[method-assign]
        await deliver(ann, link_up(dialled=False), FrameIn(link=LINK, frame=b"\xff"))
        assert sent == [encode_frame(MailboxAnswer(number=0, word=Word.MALFORMED))]

    play(story)


def test_whoever_comes_to_a_mailbox_as_a_known_device_is_no_peer_by_that() -> None:
    """They prove a key of that device, but say nothing of a channel over this link, and are told nothing of one."""

    async def story(ann: Person, bob: Person) -> None:
        engine = engine_of(ann)
        engine.mailbox_sides[Role.CLIENT] = Side(MailboxRequest)
        device = engine_of(bob).world.identity.device
        before = engine.world.peers()
        await deliver(ann, link_up(dialled=False, device=device))
        session = engine.world.clients[LINK]
        assert engine.world.peers() == before
        assert session not in before
        assert session.user is None
        begun = len(engine.world.out.frames)
        engine.world.send(session, MessageFrame(channel=bytes(PREFIX_SIZE)))
        assert len(engine.world.out.frames) == begun
        await bob.stop()
        await asyncio.sleep(60)
        assert [row.online for row in (await ann.api.contacts()).rows] == [False]
        assert [row.online for row in (await ann.api.peers()).rows] in ([], [False])

    play(story)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.MAILBOX])
def test_where_nobody_takes_such_links_they_are_closed(role: Role) -> None:
    async def story(ann: Person, bob: Person) -> None:
        engine = engine_of(ann)
        closed: list[LinkId] = []
        ann.network.close_link = lambda link, reason: closed.append(link)  # type: ignore[method-assign]
        engine.mailbox_sides.pop(role, None)
        await deliver(ann, link_up(dialled=role is Role.MAILBOX))
        assert LINK not in {**engine.world.sessions, **engine.world.clients}
        engine.mailbox_sides[role] = side = Side(MailboxRequest, refusal="full")
        await deliver(ann, link_up(dialled=role is Role.MAILBOX))
        assert LINK not in {**engine.world.sessions, **engine.world.clients}
        assert closed == [LINK, LINK]
        await deliver(ann, LinkDown(link=LINK, reason="closed"))
        assert side.came == ["up"]

    play(story)


@pytest.mark.parametrize(("role", "takes", "belongs", "other"), SIDES, ids=["client", "mailbox"])
def test_the_end_of_such_a_link_is_told_to_its_side_alone(role, takes, belongs, other) -> None:
    async def story(ann: Person, bob: Person) -> None:
        engine, side = engine_of(ann), Side(takes)
        engine.mailbox_sides[role] = side
        await deliver(ann, link_up(dialled=role is Role.MAILBOX), LinkDown(link=LINK, reason="gone"))
        assert side.came == ["up", "down"]
        assert LINK not in {**engine.world.sessions, **engine.world.clients}

    play(story)
