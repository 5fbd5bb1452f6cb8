"""Frames into a live engine: of a contact and of a guest; bytes that were mutated on their way, such as were put in order again
after that, and well-formed frames that make no sense."""

import pickle
from collections.abc import Sequence
from random import Random
from typing import Any

import cbor2
from simulated_world import START_MS, Person

from multichat_tui.crypto.handshake import VERSIONS
from multichat_tui.crypto.seeded_ratchets import SeededRatchets
from multichat_tui.model.codec import MAX_DEPTH, encode
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import MAX_FRAME_BYTES, PARKED_BYTES_PER_PEER, PARKED_RECORDS_PER_PEER
from multichat_tui.model.ports import FrameIn, LinkDown, LinkPath, LinkUp
from multichat_tui.node.engine import Engine
from multichat_tui.node.identity import load_identity
from multichat_tui.store.memory import MemoryStore
from tests.fuzz.targets.living import Living

LIFE = 200
"""Inputs to one engine; the next one begins with what was stored at the beginning."""
AFTERLIFE = 8
"""Inputs to one that has given up a link: mostly it has found its peer out, and will not hear them again."""
HISTORY_MS = 3_600_000
"""Beyond what the world has lived through before."""
AS_IT_IS, IN_ORDER = 96, 192
"""First bytes below the one: the rest is a frame. Below the other: one that is put in order. Beyond: the seed of a forged one."""
GUESTS = 4
"""One of so many first bytes is of a guest."""
SECONDS = 31
"""One of so many first bytes opens a second link of the same device, under another incarnation."""


class FrameTarget:
    """What the first byte means: see AS_IT_IS and GUESTS. Where a link has to be opened, its version is one of all by that byte."""

    name = "frames"
    _links: dict[str, LinkId]
    _cut: list[LinkId]
    """Links that the engine has given up, and has not heard the end of yet."""

    def __init__(self) -> None:
        self._heard: list[bytes] = []
        unheard = Engine.network

        def hear(engine: Engine, event: Any) -> None:
            if isinstance(event, FrameIn):
                self._heard.append(event.frame)
            unheard(engine, event)

        Engine.network = hear
        try:
            self._living = Living(members=("cid",), strangers=("eve",))
        finally:
            Engine.network = unheard
        store = self._living.ann.store.inner
        assert isinstance(store, MemoryStore)
        self._store = store
        self._stored = pickle.dumps(store._state)
        self._count = self._left = 0
        self._engine = self._begun()
        self._last = LinkId(10**6)

    def seeds(self) -> Sequence[bytes]:
        frames = [bytes([first]) + frame for frame in self._heard for first in (2, AS_IT_IS + 2)]
        return frames + [b"\xff" + bytes([number]) for number in range(24)] + [b"\xfc" + bytes([number]) for number in range(24)]

    def words(self) -> Sequence[bytes]:
        world = self._engine.world
        channel, device = self._living.channel, world.identity.device
        invitation = next(iter(world.channels[channel].view.invitations.values())).invite.join_key
        return [
            b"\0", b"\x60", b"\x64", b"\xff", b"\xfc", channel, channel[:8], device, device[:8], world.identity.user, invitation,
            b"\x80", b"\xa0", b"\xf6", b"\x1b" + b"\x7f" * 8, b"\x58\x20", b"\x48", bytes(8), b"\x81", b"\x82",
        ]  # fmt: skip

    def _begun(self) -> Engine:
        """A new engine on what was stored at the beginning."""
        store = self._store
        store._state = pickle.loads(self._stored)
        self._left, self._links, self._cut = LIFE, {}, []
        entropy = Random(self._count).randbytes
        with store.transaction() as txn:
            identity = load_identity(txn, entropy)
            return Engine.load(txn, identity, entropy, self._now_ms(), ratchets=SeededRatchets(entropy))

    def _now_ms(self) -> int:
        """A tenth of a second for each input; now and then a minute, after which all that was waited for is over."""
        return START_MS + HISTORY_MS + self._count * 100 + self._count // 50 * 60_000

    def play(self, case: bytes) -> str:
        self._count += 1
        if self._left <= 0:
            self._engine = self._begun()
        self._left -= 1
        engine, first = self._engine, case[0] if case else 0
        world = engine.world
        sender = self._living.others["eve"] if first % GUESTS == 0 else self._living.bob
        frame = self._frame(case, first, sender)
        before = dict(world.counters)
        with self._store.transaction() as txn:
            engine.begin(txn, self._now_ms())
            for link in self._cut:
                engine.network(LinkDown(link=link, reason="cut"))
            if "cid" not in self._links:
                self._linked(self._living.others["cid"], VERSIONS[-1], anew=True)
            link = self._linked(sender, VERSIONS[first % len(VERSIONS)], anew=first % SECONDS == 3)
            engine.network(FrameIn(link=link, frame=frame))
            sent = engine.finish()
        for _, answer in sent.frames:
            assert len(answer) <= MAX_FRAME_BYTES
        self._cut = [link for link, _ in sent.closes]
        if self._cut:
            self._left = min(self._left, AFTERLIFE)
        self._bounded(world)
        counted = sorted(name for name, number in world.counters.items() if number != before.get(name))
        told = sorted({type(event).__name__ for event in sent.events})
        return f"{sender.name} {counted} {min(len(sent.frames), 3)} {link in self._cut} {told}"

    def _frame(self, case: bytes, first: int, sender: Person) -> bytes:
        from test_engine_frames import Forger, world_of

        if first >= IN_ORDER:
            return encode_frame(Forger(Random(case[1:]), world_of(sender), self._engine.world).frame())
        return case[1:] if first < AS_IT_IS else in_order(case[1:])

    def _linked(self, sender: Person, version: int, *, anew: bool) -> LinkId:
        """The link of the sender; a new one where the last one is gone, or where it has to be."""
        from test_engine_frames import world_of

        world, theirs = self._engine.world, world_of(sender).identity
        link = self._links.get(sender.name)
        if link is not None and link in world.sessions and not anew:
            return link
        self._last = link = self._links[sender.name] = LinkId(self._last + 1)
        guest = sender is self._living.others["eve"]
        invitations = world.channels[self._living.channel].view.invitations.values() if guest else ()
        self._engine.network(
            LinkUp(
                link=link,
                device=theirs.device,
                dialled=False,
                path=LinkPath.LOCAL,
                address="127.0.0.1:0",
                incarnation=link,
                version=version,
                binding=link.to_bytes(32, "big"),
                certificate=theirs.certificate if guest else None,
                join_key=next(iter(invitations)).invite.join_key if guest else None,
            )
        )
        return link

    def _bounded(self, world: Any) -> None:
        for lot in world.grounds.lots.values():
            assert len(lot.places) <= PARKED_RECORDS_PER_PEER
            assert lot.size <= PARKED_BYTES_PER_PEER

    def close(self) -> None:
        self._living.close()


def in_order(spoilt: bytes) -> bytes:
    """What can be read of a mutated frame, in the strict encoding: so that not all mutants end at the decoder. Else as it is."""
    try:
        return encode(_ascending(cbor2.loads(spoilt, max_depth=MAX_DEPTH)))
    except Exception:
        return spoilt


def _ascending(value: Any) -> Any:
    """With the keys of maps in their order."""
    if isinstance(value, dict):
        return {key: _ascending(value[key]) for key in sorted(value)}
    return [_ascending(entry) for entry in value] if isinstance(value, list) else value
