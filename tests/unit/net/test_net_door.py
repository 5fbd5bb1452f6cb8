"""Strangers at the door of the real network: what they hear, how long they may stay, and what they cost."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from net_parties import Party, link, party, peer_credential

from multichat_tui.crypto.proofs import CLIENT_HELLO_BYTES
from multichat_tui.model.limits import (
    HANDSHAKE_TIMEOUT_S,
    MAX_CLIENT_HELLO_BYTES,
    MAX_UNAUTHENTICATED,
    MAX_UNAUTHENTICATED_PER_ADDRESS,
)
from multichat_tui.model.ports import Counted, DialFailed, LinkUp
from multichat_tui.net.network import TcpNetwork
from multichat_tui.net.reasons import Turned
from multichat_tui.net.tls import make_client_context

SHORT_S = 0.4
PATIENCE_S = 20.0
STATM = Path("/proc/self/statm")


@pytest.fixture
async def host() -> AsyncIterator[Party]:
    """Strangers have 0.4 s here."""
    one = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False, handshake_timeout_s=SHORT_S))
    await one.start()
    yield one
    await one.network.stop()


@pytest.fixture
async def patient_host() -> AsyncIterator[Party]:
    """Strangers have as long as in real life."""
    one = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await one.start()
    yield one
    await one.network.stop()


class Stranger:
    """A TCP connection from one of the addresses of the loopback network."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def knock(cls, at: Party, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> "Stranger":
        host, _, port = at.address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port), local_addr=(source, 0), ssl=tls))

    async def rest(self) -> bytes:
        """All that is heard until the door is shut."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(-1)
            except ConnectionResetError:
                return b""

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


async def counted(at: Party, reason: Turned, times: int) -> None:
    await at.until(lambda: sum(told.count for told in at.all(Counted) if told.reason == reason.value) >= times)


def resident_bytes() -> int:
    pages = int(STATM.read_text().split()[1])
    return pages * 4096


async def test_a_silent_stranger_hears_nothing_and_is_shut_out(host: Party):
    stranger = await Stranger.knock(host)
    assert await stranger.rest() == b""
    await stranger.leave()
    await counted(host, Turned.TIMED_OUT, 1)


async def test_sixty_four_silent_strangers_cost_little_and_leave_within_the_real_time(
    patient_host: Party, require: Callable[[bool, str], None]
):
    require(STATM.exists(), "resident memory is read from /proc")  # noqa: ASYNC240  # a file in memory: at once
    warm = await Stranger.knock(patient_host)
    await warm.leave()
    before = resident_bytes()
    began = asyncio.get_running_loop().time()
    strangers = [
        await Stranger.knock(patient_host, f"127.0.0.{10 + number // MAX_UNAUTHENTICATED_PER_ADDRESS}")
        for number in range(MAX_UNAUTHENTICATED)
    ]
    assert resident_bytes() - before < 10_000_000
    one_too_many = await Stranger.knock(patient_host, "127.0.0.200")
    assert await one_too_many.rest() == b""
    assert not any(stranger.reader.at_eof() for stranger in strangers)
    assert await asyncio.gather(*(stranger.rest() for stranger in strangers)) == [b""] * MAX_UNAUTHENTICATED
    assert asyncio.get_running_loop().time() - began >= HANDSHAKE_TIMEOUT_S * 0.9
    await counted(patient_host, Turned.TIMED_OUT, MAX_UNAUTHENTICATED)
    await counted(patient_host, Turned.TOO_MANY, 1)
    for stranger in (*strangers, one_too_many):
        await stranger.leave()


async def test_the_fifth_from_one_address_is_refused_at_once_and_others_are_not(patient_host: Party):
    inside = [await Stranger.knock(patient_host, "127.0.0.9") for _ in range(MAX_UNAUTHENTICATED_PER_ADDRESS)]
    fifth = await Stranger.knock(patient_host, "127.0.0.9")
    assert await fifth.rest() == b""
    assert not any(stranger.reader.at_eof() for stranger in inside)
    await counted(patient_host, Turned.TOO_MANY_FROM_ADDRESS, 1)
    other = await Stranger.knock(patient_host, "127.0.0.8", make_client_context())
    assert len(await other.reader.readexactly(32)) == 32
    for stranger in (*inside, fifth, other):
        await stranger.leave()


async def test_whoever_leaves_makes_room(patient_host: Party):
    inside = [await Stranger.knock(patient_host) for _ in range(MAX_UNAUTHENTICATED_PER_ADDRESS)]
    for stranger in inside:
        await stranger.leave()
    await counted(patient_host, Turned.GONE, MAX_UNAUTHENTICATED_PER_ADDRESS)
    next_one = await Stranger.knock(patient_host, tls=make_client_context())
    assert len(await next_one.reader.readexactly(32)) == 32
    await next_one.leave()


async def test_a_peer_that_is_linked_takes_no_room_at_the_door(patient_host: Party):
    networks = [party(f"peer {number}", TcpNetwork(listen="127.0.0.1:0", lan=False)) for number in range(6)]
    for one in networks:
        await one.start()
    patient_host.network.publish([peer_credential(patient_host.who, one.who) for one in networks])
    for one in networks:
        one.network.dial(peer_credential(one.who, patient_host.who), patient_host.address)
        await one.up(patient_host)
        await patient_host.up(one)
    for one in networks:
        await one.network.stop()


async def test_a_stranger_that_speaks_tls_hears_32_bytes_and_no_more(host: Party):
    stranger = await Stranger.knock(host, tls=make_client_context())
    assert len(await stranger.rest()) == 32
    await stranger.leave()


async def test_every_stranger_hears_another_nonce(host: Party):
    nonces = set()
    for _ in range(3):
        stranger = await Stranger.knock(host, tls=make_client_context())
        nonces.add(await stranger.reader.readexactly(32))
        await stranger.leave()
    assert len(nonces) == 3


async def test_a_wrong_token_and_garbage_inside_tls_hear_the_same_as_silence(host: Party):
    for said in (bytes(CLIENT_HELLO_BYTES), b"GET / HTTP/1.1\r\n\r\n", b"\xff" * CLIENT_HELLO_BYTES):
        stranger = await Stranger.knock(host, tls=make_client_context())
        assert len(await stranger.reader.readexactly(32)) == 32
        stranger.writer.write(said)
        assert await stranger.rest() == b""
        await stranger.leave()
    await counted(host, Turned.UNKNOWN, 2)


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x00", b"\x16\x04\x00", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"],
    ids=["http", "zero", "other version", "beyond the limit", "empty hello"],
)
async def test_garbage_instead_of_tls_is_shut_out_at_once(patient_host: Party, said: bytes):
    stranger = await Stranger.knock(patient_host)
    stranger.writer.write(said)
    assert await stranger.rest() == b""
    await stranger.leave()
    await counted(patient_host, Turned.GARBAGE, 1)


async def test_an_old_tls_gets_no_link_and_no_nonce(host: Party):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await Stranger.knock(host, tls=context)
    await counted(host, Turned.GARBAGE, 1)


async def test_a_stranger_that_speaks_one_byte_at_a_time_is_shut_out_in_time(host: Party):
    stranger = await Stranger.knock(host)
    client = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = make_client_context().wrap_bio(*client)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = client[1].read()
    assert len(hello) < MAX_CLIENT_HELLO_BYTES

    async def drip() -> None:
        for byte in hello[:-1]:
            stranger.writer.write(bytes([byte]))
            await stranger.writer.drain()

    dripping = asyncio.create_task(drip())
    assert await stranger.rest() == b""
    await asyncio.gather(dripping, return_exceptions=True)
    await stranger.leave()
    await counted(host, Turned.TIMED_OUT, 1)


async def test_a_stranger_that_floods_inside_tls_is_shut_out(patient_host: Party):
    stranger = await Stranger.knock(patient_host, tls=make_client_context())
    await stranger.reader.readexactly(32)
    stranger.writer.write(b"\x00" * (CLIENT_HELLO_BYTES - 1))
    await stranger.writer.drain()
    stranger.writer.write(b"\x00" * 1_000_000)
    assert await stranger.rest() == b""
    await stranger.leave()
    await patient_host.until(lambda: patient_host.all(Counted))


async def test_counts_are_told_together(host: Party):
    for _ in range(8):
        stranger = await Stranger.knock(host)
        stranger.writer.write(b"garbage")
        await stranger.rest()
        await stranger.leave()
    await counted(host, Turned.GARBAGE, 8)
    assert len([told for told in host.all(Counted) if told.reason == Turned.GARBAGE.value]) <= 3


async def test_no_stranger_becomes_a_link(host: Party):
    for said in (b"", b"\x16\x03\x01", bytes(100)):
        stranger = await Stranger.knock(host)
        stranger.writer.write(said)
        await stranger.rest()
        await stranger.leave()
    assert host.all(LinkUp) == []


async def test_stopping_shuts_out_strangers_that_are_still_in_the_door(patient_host: Party):
    silent = await Stranger.knock(patient_host)
    talking = await Stranger.knock(patient_host, tls=make_client_context())
    await talking.reader.readexactly(32)
    await patient_host.network.stop()
    assert await silent.rest() == b""
    assert await talking.rest() == b""
    await silent.leave()
    await talking.leave()


async def test_a_server_that_is_no_node_is_told_from_one(host: Party):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    bob = party("bob", host.network)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    host.network.dial(peer_credential(host.who, bob.who), address)
    assert (await host.get(DialFailed)).reason == "that is not a Multichat node"
    server.close()


async def test_a_server_that_says_nothing_times_out(host: Party):
    held = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    bob = party("bob", host.network)
    host.network.dial(peer_credential(host.who, bob.who), f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (await host.get(DialFailed)).reason == "timed out"
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize(
    "address", ["", "nonsense", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", ":1", "[::1:1", "0.0.0.0:1", "a/b:1"]
)
async def test_what_is_no_address_is_said_so(host: Party, address: str):
    bob = party("bob", host.network)
    host.network.dial(peer_credential(host.who, bob.who), address)
    assert (await host.get(DialFailed)).reason == "that is not an address"


async def test_a_link_whose_peer_sends_garbage_goes_down(host: Party):
    """A peer with the right keys, and a broken program behind them."""
    bob = party("bob", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await bob.start()
    await link(bob, host)
    [raw] = bob.network._life.links._links.values()
    raw.channel.write(b"\x09\x00\x00\x00")
    await host.until(lambda: any(type(arrived).__name__ == "LinkDown" for arrived in host.inputs))
    assert host.inputs[-1].reason == "it sent what no node sends"
    await bob.network.stop()
