"""Frames into a live engine: bytes that were mutated on their way, and well-formed frames that make no sense."""

from collections.abc import Sequence
from random import Random
from typing import Any

from simulated_world import START_MS

from multichat_tui.model.frames import encode_frame
from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import MAX_FRAME_BYTES, PARKED_BYTES_PER_PEER, PARKED_RECORDS_PER_PEER
from multichat_tui.model.ports import FrameIn, LinkDown, LinkPath, LinkUp
from multichat_tui.node.engine import Engine
from tests.fuzz.targets.living import Living

RENEW_AFTER = 5000
HISTORY_MS = 3_600_000
"""Beyond what the world has lived through before."""


class FrameTarget:
    """The first byte: 0 to 191, the rest is a frame of a contact; more, the rest is the seed of one that is forged."""

    name = "frames"

    def __init__(self) -> None:
        self._heard: list[bytes] = []
        unheard = Engine.network

        def hear(engine: Engine, event: Any) -> None:
            if isinstance(event, FrameIn):
                self._heard.append(event.frame)
            unheard(engine, event)

        Engine.network = hear  # type: ignore[method-assign]
        try:
            self._living = Living()
        finally:
            Engine.network = unheard  # type: ignore[method-assign]
        self._count = 0
        self._link = LinkId(10**6)

    def seeds(self) -> Sequence[bytes]:
        return [b"\0" + frame for frame in self._heard] + [b"\xff" + bytes([number]) for number in range(24)]

    def words(self) -> Sequence[bytes]:
        world = self._engine.world
        channel, device = self._living.channel, world.identity.device
        return [
            b"\0", b"\xff", channel, channel[:8], device, device[:8], world.identity.user,
            b"\x80", b"\xa0", b"\xf6", b"\x1b" + b"\x7f" * 8, b"\x58\x20", b"\x48", bytes(8), b"\x81", b"\x82",
        ]  # fmt: skip

    @property
    def _engine(self) -> Engine:
        engine = self._living.ann.api._engine
        assert engine is not None
        return engine

    def play(self, case: bytes) -> str:
        from test_engine_frames import Forger, world_of

        self._count += 1
        if self._count % RENEW_AFTER == 0:
            self._living.renew()
        engine, ann, bob = self._engine, self._living.ann, self._living.bob
        world = engine.world
        if case and case[0] >= 192:
            frame = encode_frame(Forger(Random(case[1:]), world_of(bob), world).frame())
        else:
            frame = case[1:]
        before = dict(world.counters)
        device = world_of(bob).identity.device
        with ann.store.inner.transaction() as txn:
            engine.begin(txn, self._now())
            session = world.sessions.get(self._link)
            if session is None or session.device != device:
                self._link = LinkId(self._link + 1)
                engine.network(
                    LinkUp(
                        link=self._link,
                        device=device,
                        dialled=False,
                        path=LinkPath.LOCAL,
                        address="127.0.0.1:0",
                        incarnation=self._link,
                    )
                )
            engine.network(FrameIn(link=self._link, frame=frame))
            sent = engine.finish()
        for _, answer in sent.frames:
            assert len(answer) <= MAX_FRAME_BYTES
        cut = [link for link, _ in sent.closes]
        if self._link in cut:
            with ann.store.inner.transaction() as txn:
                engine.begin(txn, self._now())
                engine.network(LinkDown(link=self._link, reason="cut"))
                engine.finish()
        self._bounded(world)
        counted = sorted(name for name, number in world.counters.items() if number != before.get(name))
        return f"{counted} {min(len(sent.frames), 3)} {bool(cut)} {sorted({type(e).__name__ for e in sent.events})}"

    def _now(self) -> int:
        """Ten milliseconds for each input."""
        return START_MS + HISTORY_MS + self._count * 10

    def _bounded(self, world: Any) -> None:
        for lot in world.grounds.lots.values():
            assert len(lot.places) <= PARKED_RECORDS_PER_PEER
            assert lot.size <= PARKED_BYTES_PER_PEER

    def close(self) -> None:
        self._living.close()
