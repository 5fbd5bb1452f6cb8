"""The links that are up, by number: where frames go in and out."""

from collections.abc import Callable
from itertools import count

from multichat_tui.crypto.handshake import Proven
from multichat_tui.model.ids import LinkId
from multichat_tui.model.limits import MAX_FRAME_BYTES
from multichat_tui.model.ports import CredentialKind, FrameIn, LinkDown, LinkRtt, LinkUp, NetworkInput, mailbox_user
from multichat_tui.net.addresses import join_address, own_addresses, path_to
from multichat_tui.net.link import LinkEnd


class LinkTable:
    """Numbers count up for the life of the process. Implements `link.LinkOwner`."""

    def __init__(self, deliver: Callable[[NetworkInput], None]) -> None:
        self._deliver = deliver
        self._numbers = count(1)
        self._links: dict[LinkId, LinkEnd] = {}
        self._paused = False

    def enter(self, link: LinkEnd, proven: Proven, *, dialled: bool) -> None:
        """The link is up: give it a number and tell."""
        link.number = LinkId(next(self._numbers))
        self._links[link.number] = link
        link.channel.pause(self._paused)
        invitation = proven.credential.kind in (CredentialKind.OPEN_INVITATION, CredentialKind.HELD_INVITATION)
        user = mailbox_user(proven.credential)
        self._deliver(
            LinkUp(
                link=link.number,
                device=proven.device,
                dialled=dialled,
                path=path_to(link.host, own_addresses()),
                address=join_address(link.host, proven.port),
                incarnation=proven.incarnation,
                key=proven.credential.key,
                certificate=proven.certificate,
                binding=proven.binding,
                join_key=proven.credential.join_key if invitation else None,
                version=proven.version,
                mailbox=user is not None,
                local=user,
            )
        )

    def link_frame(self, link: LinkEnd, frame: bytes) -> None:
        self._deliver(FrameIn(link=link.number, frame=frame))

    def link_rtt(self, link: LinkEnd, rtt_ms: float) -> None:
        self._deliver(LinkRtt(link=link.number, rtt_ms=rtt_ms))

    def link_down(self, link: LinkEnd, reason: str) -> None:
        if self._links.pop(link.number, None) is not None:
            self._deliver(LinkDown(link=link.number, reason=reason))

    def send(self, number: LinkId, frame: bytes) -> None:
        if len(frame) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(frame)} bytes")
        link = self._links.get(number)
        if link is not None:
            link.send(frame)

    def close(self, number: LinkId, reason: str) -> None:
        link = self._links.get(number)
        if link is not None:
            link.close(reason)

    def pause(self, paused: bool) -> None:
        self._paused = paused
        for link in self._links.values():
            link.channel.pause(paused)

    def end(self) -> None:
        """Say goodbye on all links; nothing is delivered any more."""
        for link in self._links.values():
            link.abandon(politely=True)
        self._links.clear()
