"""A link between two simulated hosts: two ends, and what is on the way between them.

Reliable links deliver each end's frames whole and in order, as TCP does: loss costs time, and a cut holds frames back until it
heals or the link is given up. Unreliable ones lose, double and overtake.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import MAX_LINK_OUTBOX_BYTES
from multichat_tui.model.ports import (
    Credential,
    CredentialKind,
    FrameIn,
    LinkDown,
    LinkPath,
    LinkRtt,
    LinkUp,
    LocalDevice,
    NetworkInput,
)
from multichat_tui.model.values import dataclass
from multichat_tui.net.reasons import DownReason

if TYPE_CHECKING:
    from multichat_tui.net.simulated import SimulatedHub, SimulatedNetwork

RETRANSMISSION_MS = 200.0
"""What a lost frame costs on a reliable link (Linux's least retransmission timeout)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How frames fare between two hosts, one way. Chances are from 0 to 1."""

    latency_ms: float = 1.0
    jitter_ms: float = 0.0
    """Added to the latency, evenly distributed from 0 to this."""
    loss: float = 0.0
    duplication: float = 0.0
    """Unreliable links only, as is reordering."""
    reordering: float = 0.0
    """Chance that a frame is held back for three latencies, so that later ones overtake it."""
    reliable: bool = True


@dataclass(slots=True)
class _End:
    """One side of a link. `waiting` is on its way to this side, in order; `held_back` of it was sent into a cut."""

    network: "SimulatedNetwork"
    number: LinkId
    up: bool = False
    gone: bool = False
    unread_bytes: int = 0
    waiting: deque[tuple[int, Callable[[], None]]] = field(default_factory=deque)
    held_back: int = 0
    last_due_s: float = 0.0


class Link:
    """`open` gives LinkUp to the dialling side at once and to the other one a latency later, before any frame."""

    __slots__ = (
        "_binding",
        "_credential",
        "_cut",
        "_dialler",
        "_giving_up",
        "_hub",
        "_listener",
        "_locals",
        "_loop",
        "_severed",
    )

    def __init__(
        self,
        hub: "SimulatedHub",
        dialler: "SimulatedNetwork",
        listener: "SimulatedNetwork",
        credential: Credential,
        *,
        locals_: tuple[LocalDevice, LocalDevice],
    ) -> None:
        """`locals_`: who the dialling and the listening side are under the credential."""
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._credential = credential
        self._binding = hub.random.randbytes(32)
        self._locals = locals_
        self._cut = False
        self._severed = False
        self._giving_up: asyncio.TimerHandle | None = None
        self._dialler = _End(dialler, dialler.attach(self))
        self._listener = _End(listener, listener.attach(self))

    def open(self) -> None:
        conditions = self._conditions()
        round_trip_ms = 2 * conditions.latency_ms + conditions.jitter_ms
        up_there = self._link_up(self._listener, self._dialler)
        up_here = self._link_up(self._dialler, self._listener)
        self._dialler.up = True
        self._carry(self._listener, 0, lambda: self._rise(self._listener, up_there, round_trip_ms))
        self._dialler.network.input(up_here)
        self._dialler.network.input(LinkRtt(link=self._dialler.number, rtt_ms=round_trip_ms))

    def _rise(self, end: _End, up: LinkUp, round_trip_ms: float) -> None:
        end.up = True
        end.network.input(up)
        end.network.input(LinkRtt(link=end.number, rtt_ms=round_trip_ms))

    def _link_up(self, end: _End, far: _End) -> LinkUp:
        theirs, ours = self._locals if far is self._dialler else self._locals[::-1]
        credential = self._credential
        join_key = credential.join_key if credential.kind is CredentialKind.HELD_INVITATION else None
        mailbox = credential.kind is CredentialKind.MAILBOX
        address = far.network.address
        if mailbox and far is self._dialler:
            address = f"{address.rpartition(':')[0]}:0"
        near = end.network.site is not None and end.network.site == far.network.site
        return LinkUp(
            link=end.number,
            device=theirs.device,
            dialled=end is self._dialler,
            path=LinkPath.LAN if near else LinkPath.DIRECT,
            address=address,
            incarnation=theirs.incarnation,
            key=credential.key,
            certificate=theirs.certificate if join_key is not None else None,
            join_key=join_key,
            version=min(end.network.version, far.network.version),
            binding=self._binding,
            mailbox=mailbox,
            local=ours.device if mailbox else None,
        )

    def _conditions(self) -> Conditions:
        return self._hub.conditions_between(self._dialler.network.name, self._listener.network.name)

    def _ends(self, network: "SimulatedNetwork") -> tuple[_End, _End]:
        """(the network's own end, the far one)."""
        if network is self._dialler.network:
            return self._dialler, self._listener
        return self._listener, self._dialler

    def send(self, sender: "SimulatedNetwork", frame: bytes) -> None:
        near, far = self._ends(sender)
        if near.gone or not near.up:
            return
        if self._hub.on_frame is not None:
            self._hub.on_frame(sender, far.network, frame)
        if far.unread_bytes + len(frame) > MAX_LINK_OUTBOX_BYTES:
            self.close(sender, DownReason.OUTBOX_FULL.value)
            return
        arrival = FrameIn(link=far.number, frame=frame)
        conditions = self._conditions()
        if conditions.reliable:
            self._carry(far, len(frame), lambda: self._arrive(far, arrival))
            return
        chance = self._hub.random.random
        if self._cut or chance() < conditions.loss:
            return
        for _ in range(2 if chance() < conditions.duplication else 1):
            delay_s = self._delay_s(conditions)
            if chance() < conditions.reordering:
                delay_s += 3 * conditions.latency_ms / 1000
            self._loop.call_later(delay_s, self._read, far, lambda: self._arrive(far, arrival))

    def _delay_s(self, conditions: Conditions) -> float:
        return (conditions.latency_ms + self._hub.random.uniform(0, conditions.jitter_ms)) / 1000

    def _carry(self, end: _End, size: int, action: Callable[[], None]) -> None:
        """Bring something to `end` after all that was sent before it."""
        end.unread_bytes += size
        end.waiting.append((size, action))
        if self._cut:
            end.held_back += 1
        else:
            self._schedule(end)

    def _schedule(self, end: _End) -> None:
        conditions = self._conditions()
        due_s = self._loop.time() + self._delay_s(conditions)
        if conditions.reliable and self._hub.random.random() < conditions.loss:
            due_s += RETRANSMISSION_MS / 1000
        end.last_due_s = max(end.last_due_s, due_s)
        self._loop.call_at(end.last_due_s, self._next, end)

    def _next(self, end: _End) -> None:
        size, action = end.waiting.popleft()

        def read() -> None:
            end.unread_bytes -= size
            if not end.gone:
                action()

        end.network.receive(read)

    def _read(self, end: _End, action: Callable[[], None]) -> None:
        if not end.gone and end.up:
            end.network.receive(action)

    def _arrive(self, end: _End, arrival: NetworkInput) -> None:
        if end.up and not end.gone:
            end.network.input(arrival)

    def close(self, closer: "SimulatedNetwork", reason: str) -> None:
        """The closer's own LinkDown follows at once, the far one after all that was sent before."""
        near, _ = self._ends(closer)
        if near.gone:
            return
        self.say_goodbye(closer)
        was_up = near.up
        self.abandon(closer)
        if was_up:
            self._loop.call_soon(closer.input, LinkDown(link=near.number, reason=reason))

    def say_goodbye(self, leaver: "SimulatedNetwork") -> None:
        _, far = self._ends(leaver)
        self._carry(far, 0, lambda: self._fall(far, DownReason.CLOSED_BY_PEER.value))

    def abandon(self, leaver: "SimulatedNetwork") -> None:
        """This side is gone, and hears nothing more."""
        near, _ = self._ends(leaver)
        near.up, near.gone = False, True
        leaver.detach(near.number)

    def _fall(self, end: _End, reason: str) -> None:
        if end.gone:
            return
        was_up, end.up, end.gone = end.up, False, True
        end.network.detach(end.number)
        if was_up:
            end.network.input(LinkDown(link=end.number, reason=reason))

    def rewire(self) -> None:
        """Follow the hub's cuts: give up after the link timeout, or let go on what was held back."""
        if self._hub.reaches(self._dialler.network.name, self._listener.network.name):
            self._mend()
        else:
            self.cut()

    def cut(self) -> None:
        """Nothing gets through from now on."""
        if self._cut:
            return
        self._cut = True
        self._giving_up = self._loop.call_later(self._hub.link_timeout_s, self._give_up)

    def sever(self) -> None:
        """Cut for good: a host has died or moved away."""
        self._severed = True
        self.cut()

    def _mend(self) -> None:
        if self._severed or not self._cut or self._giving_up is None:
            return
        self._cut = False
        self._giving_up.cancel()
        self._giving_up = None
        for end in (self._dialler, self._listener):
            held_back, end.held_back = end.held_back, 0
            for _ in range(held_back):
                self._schedule(end)

    def _give_up(self) -> None:
        for end in (self._dialler, self._listener):
            self._fall(end, DownReason.SILENT.value)
