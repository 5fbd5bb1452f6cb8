"""Dialling: one attempt at a time per key and address, each with a deadline and an answer in words."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import TypeAlias

from multichat_tui.crypto.handshake import ClientHandshake, Failure, Proven
from multichat_tui.model.hosts import Address, parse_host
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.ports import Credential, DialFailed, Entropy, LocalDevice, NetworkInput, mailbox_user
from multichat_tui.net.addresses import split_address
from multichat_tui.net.channel import Channel, Ending
from multichat_tui.net.link import LinkEnd, Why
from multichat_tui.net.links import LinkTable
from multichat_tui.net.reasons import DialFailure
from multichat_tui.net.tls import TlsPump, make_client_context

_Name: TypeAlias = tuple[bytes, str, DeviceId | None]
"""Of an attempt: key, address, and of a mailbox as whom we come."""
ADDRESS_RACE_S = 0.25
"""A name with several addresses: the next one is tried after this (RFC 8305, section 5)."""


class Dialler:
    """`is_ours(address, port)`: whether we would reach ourselves there. `port()`: where we listen."""

    def __init__(
        self,
        *,
        local: LocalDevice,
        links: LinkTable,
        deliver: Callable[[NetworkInput], None],
        entropy: Entropy,
        port: Callable[[], int],
        is_ours: Callable[[Address, int], bool],
        buffer: memoryview,
        timeout_s: float,
    ) -> None:
        self.local = local
        self.links = links
        self.entropy = entropy
        self.port = port
        self._deliver = deliver
        self._is_ours = is_ours
        self._buffer = buffer
        self._timeout_s = timeout_s
        self._context = make_client_context()
        self._attempts: dict[_Name, asyncio.Task[None]] = {}

    def dial(self, credential: Credential, address: str) -> None:
        """Answers LinkUp or DialFailed, unless such an attempt is under way."""
        name = credential.key, address, mailbox_user(credential)
        if name not in self._attempts:
            attempt = asyncio.create_task(self._attempt(credential, address))
            self._attempts[name] = attempt
            attempt.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: _Name, attempt: asyncio.Task[None]) -> None:
        if self._attempts.get(name) is attempt:
            del self._attempts[name]

    async def _attempt(self, credential: Credential, address: str) -> None:
        failure = await self._try(credential, address)
        if failure is not None:
            user = mailbox_user(credential)
            self._attempts.pop((credential.key, address, user), None)  # whoever is told may dial again at once
            self._deliver(DialFailed(key=credential.key, address=address, reason=failure.value, local=user))

    async def _try(self, credential: Credential, address: str) -> DialFailure | None:
        """Why there is no link, or None once it is up."""
        where = split_address(address)
        if where is None:
            return DialFailure.BAD_ADDRESS
        host, port = where
        literal = parse_host(host.partition("%")[0])
        if literal is not None and (literal.is_unspecified or literal.is_multicast):
            return DialFailure.BAD_ADDRESS
        if literal is not None and self._is_ours(literal, port):
            return DialFailure.OURSELVES
        call = _Call(self, credential)
        link = LinkEnd(call, self.links)
        link.channel = Channel(TlsPump(self._context, server=False), link, self._buffer)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: link.channel, host, port, happy_eyeballs_delay=None if literal else ADDRESS_RACE_S
                )
                return await call.outcome
        except TimeoutError:
            return None if link.up else DialFailure.TIMED_OUT
        except (OSError, UnicodeError) as error:
            return _explain(error)
        finally:
            if not link.up:
                link.abandon()

    async def close(self) -> None:
        """Give up what is under way, without an answer."""
        attempts = list(self._attempts.values())
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)


class _Call:
    """The dialling side of one link until proven. Implements `link.LinkAttempt`."""

    __slots__ = ("_credential", "_dialler", "outcome")

    def __init__(self, dialler: Dialler, credential: Credential) -> None:
        self._dialler = dialler
        self._credential = credential
        self.outcome: asyncio.Future[DialFailure | None] = asyncio.get_running_loop().create_future()

    def connected(self, link: LinkEnd) -> bool:
        return not self.outcome.done()

    def make_handshake(self, link: LinkEnd) -> ClientHandshake:
        dialler = self._dialler
        return ClientHandshake(
            dialler.local,
            self._credential,
            link.channel.certificate_hash(),
            dialler.entropy,
            port=dialler.port(),
        )

    def succeeded(self, link: LinkEnd, proven: Proven) -> None:
        self._tell(None)
        self._dialler.links.enter(link, proven, dialled=True)

    def failed(self, link: LinkEnd, why: Why) -> None:
        self._tell(_failure(link, why))

    def _tell(self, outcome: DialFailure | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def _failure(link: LinkEnd, why: Why) -> DialFailure:
    match why:
        case Ending.NOT_TLS | None:
            return DialFailure.NOT_MULTICHAT
        case Ending.GOODBYE | Ending.LOST:
            if link.greeted:
                return DialFailure.NOT_OUR_PEER
            return DialFailure.NOT_MULTICHAT if link.channel.heard_s else DialFailure.HUNG_UP
        case Failure.NO_COMMON_VERSION:
            return DialFailure.NO_COMMON_VERSION
        case Failure.OURSELVES:
            return DialFailure.OURSELVES
        case Failure.UNKNOWN_KEY | Failure.MALFORMED | Failure.WRONG_PROOF:
            return DialFailure.NOT_OUR_PEER


def _explain(error: OSError | UnicodeError) -> DialFailure:
    if isinstance(error, ConnectionRefusedError):
        return DialFailure.REFUSED
    if isinstance(error, ConnectionResetError):
        return DialFailure.HUNG_UP
    if isinstance(error, UnicodeError | socket.gaierror):
        return DialFailure.UNKNOWN_NAME
    if isinstance(error, ssl.SSLError):
        return DialFailure.NOT_MULTICHAT
    return DialFailure.TIMED_OUT if error.errno == errno.ETIMEDOUT else DialFailure.UNREACHABLE
