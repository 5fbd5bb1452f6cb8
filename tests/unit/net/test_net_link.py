"""Links of the real network as time goes by: pings, silence, the change of the day."""

import asyncio
import hashlib
import ssl

import pytest
from builders import person
from net_parties import PATIENCE_S, befriend, link, local_device, party, peer_credential

from multichat_tui.crypto.handshake import ClientHandshake, Proven, Step
from multichat_tui.model.errors import LinkFailed
from multichat_tui.model.limits import MAX_LINK_OUTBOX_BYTES, PING_INTERVAL_S, PING_TIMEOUT_S
from multichat_tui.model.ports import DialFailed, LinkDown, NetworkChanged
from multichat_tui.net.framing import PING, FrameReader, ping, pong
from multichat_tui.net.link import LinkEnd
from multichat_tui.net.network import TcpNetwork
from multichat_tui.net.virtual_time import run_virtual

DAY_S = 86_400
MIDNIGHT_S = 20_000 * DAY_S


class FakeChannel:
    """What a link stands on, in virtual time: keeps what is written; the test is the other end."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.paused = False
        self.heard_s = 0.0
        self.unsent_bytes = 0
        self.closed = False

    def write(self, plain: bytes) -> None:
        self.written.append(plain)

    def abort(self) -> None:
        self.closed = True

    close = abort


class Trusting(ClientHandshake):
    """Is content with any byte."""

    def receive(self, received: bytes) -> Step:
        ann, bob = person("ann"), person("bob")
        proven = Proven(credential=peer_credential(ann, bob), device=bob.device, version=1, incarnation=1, port=1)
        return Step(outcome=proven, rest=received[1:])


class Journal:
    """Attempt and owner of one link at once: what happened, in lists."""

    def __init__(self) -> None:
        self.rtts: list[float] = []
        self.downs: list[str] = []
        self.frames: list[bytes] = []
        self.failures: list[object] = []

    def connected(self, link: LinkEnd) -> bool:
        return True

    def make_handshake(self, link: LinkEnd) -> ClientHandshake:
        ann, bob = person("ann"), person("bob")
        return Trusting(local_device(ann), peer_credential(ann, bob), bytes(32), bytes)

    def succeeded(self, link: LinkEnd, proven: Proven) -> None: ...

    def failed(self, link: LinkEnd, why: object) -> None:
        self.failures.append(why)

    def link_frame(self, link: LinkEnd, frame: bytes) -> None:
        self.frames.append(frame)

    def link_rtt(self, link: LinkEnd, rtt_ms: float) -> None:
        self.rtts.append(rtt_ms)

    def link_down(self, link: LinkEnd, reason: str) -> None:
        self.downs.append(reason)


class Standing:
    """A link that is up, on a fake channel."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.link = LinkEnd(self.journal, self.journal)
        self.channel = FakeChannel()
        self.link.channel = self.channel
        self.link.established()
        self.hear(b"\0")

    def hear(self, plain: bytes) -> None:
        self.channel.heard_s = asyncio.get_running_loop().time()
        self.link.received(plain)

    def pings(self) -> list[bytes]:
        """The tokens of the pings since the last time."""
        pieces = list(FrameReader().read(b"".join(self.channel.written)))
        self.channel.written.clear()
        return [piece[1] for piece in pieces if isinstance(piece, tuple) and piece[0] == PING]


@pytest.mark.parametrize("size", [1, 100, 24_576])
def test_a_stranger_may_send_only_so_much_whatever_it_is(size: int):
    """TLS has messages that carry nothing, such as key updates: what counts is the bytes on the wire."""

    async def scenario() -> None:
        journal, channel = Journal(), FakeChannel()
        link = LinkEnd(journal, journal)
        link.channel = channel
        for _ in range(24_576 // size):
            link.took(size)
        link.took(24_576 % size)
        assert (journal.failures, channel.closed) == ([], False)
        link.took(1)
        assert (journal.failures, channel.closed) == ([None], True)

    run_virtual(scenario())


def test_whoever_has_proven_a_key_may_send_more():
    async def scenario() -> None:
        one = Standing()
        one.link.took(10_000_000)
        assert one.journal.failures == []

    run_virtual(scenario())


def test_a_link_pings_at_once_and_tells_the_round_trip():
    async def scenario() -> None:
        one = Standing()
        [token] = one.pings()
        await asyncio.sleep(0.040)
        one.hear(pong(token))
        assert one.journal.rtts == [pytest.approx(40, abs=1)]

    run_virtual(scenario())


def test_the_round_trip_is_smoothed_and_told_again_only_when_it_has_changed():
    async def scenario() -> None:
        one = Standing()
        for delay_s in (0.040, 0.041, 0.039, 0.040, 0.400, 0.400):
            [token] = one.pings()
            await asyncio.sleep(delay_s)
            one.hear(pong(token))
            await asyncio.sleep(PING_INTERVAL_S + 0.001)
        first, *later = one.journal.rtts
        assert first == pytest.approx(40, abs=1)
        assert 80 < later[0] < 100
        assert len(later) == 2

    run_virtual(scenario())


def test_a_link_that_answers_no_ping_goes_down():
    async def scenario() -> None:
        one = Standing()
        await asyncio.sleep(PING_TIMEOUT_S - 0.1)
        assert one.journal.downs == []
        await asyncio.sleep(0.2)
        assert one.journal.downs == ["no answer"]
        assert one.channel.closed

    run_virtual(scenario())


def test_an_answer_to_another_ping_is_none():
    async def scenario() -> None:
        one = Standing()
        await asyncio.sleep(1)
        one.link.received(pong(b"\xff" * 8))
        await asyncio.sleep(PING_TIMEOUT_S)
        assert one.journal.rtts == []
        assert one.journal.downs == ["no answer"]

    run_virtual(scenario())


def test_a_link_stands_as_long_as_anything_comes():
    async def scenario() -> None:
        one = Standing()
        for _ in range(10):
            await asyncio.sleep(PING_TIMEOUT_S - 1)
            one.hear(b"\x00\x00\x00\x01x")
        assert one.journal.downs == []
        assert one.journal.frames == [b"x"] * 10
        await asyncio.sleep(3 * PING_TIMEOUT_S)
        assert one.journal.downs == ["no answer"]

    run_virtual(scenario())


def test_a_link_that_is_not_read_from_does_not_time_out():
    async def scenario() -> None:
        one = Standing()
        one.channel.paused = True
        await asyncio.sleep(10 * PING_TIMEOUT_S)
        assert one.journal.downs == []

    run_virtual(scenario())


def test_a_ping_is_answered_with_its_own_token():
    async def scenario() -> None:
        one = Standing()
        one.pings()
        one.hear(ping(b"12345678"))
        assert one.channel.written == [pong(b"12345678")]

    run_virtual(scenario())


def test_whoever_pings_without_reading_the_answers_loses_the_link():
    async def scenario() -> None:
        one = Standing()
        one.channel.unsent_bytes = MAX_LINK_OUTBOX_BYTES + 1
        one.hear(ping(b"12345678"))
        assert one.journal.downs == ["it does not read what we send"]

    run_virtual(scenario())


def test_no_timer_outlives_a_link():
    async def scenario() -> None:
        one = Standing()
        one.link.close("enough")
        await asyncio.sleep(10 * PING_TIMEOUT_S)
        assert one.journal.downs == ["enough"]

    run_virtual(scenario())


class Clock:
    """The wall clock, a moment before midnight UTC, going on with the loop."""

    def __init__(self) -> None:
        self._offset_s = MIDNIGHT_S - 0.2 - asyncio.get_running_loop().time()

    def __call__(self) -> float:
        return self._offset_s + asyncio.get_running_loop().time()


async def certificate_of(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return hashlib.sha256(der).digest()


async def test_with_the_day_port_and_certificate_change_and_links_stay():
    ann = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False, wall_s=Clock()))
    bob = party("bob", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await ann.start()
    await bob.start()
    before = await certificate_of(ann.address)
    _, up_there = await link(bob, ann)
    [listen] = (await ann.get(NetworkChanged)).listen
    assert listen != ann.address
    assert await certificate_of(listen) != before
    ann.network.send(up_there.link, b"still here")
    await bob.until(bob.frames)
    assert ann.all(LinkDown) == []
    bob.network.dial(peer_credential(bob.who, ann.who), ann.address)
    assert (await bob.get(DialFailed)).reason == "connection refused"
    bob.network.dial(peer_credential(bob.who, ann.who), listen)
    await ann.until(lambda: len([1 for arrived in ann.inputs if type(arrived).__name__ == "LinkUp"]) == 2)
    await ann.network.stop()
    await bob.network.stop()


async def test_each_start_has_another_certificate():
    ann = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False))
    seen = set()
    for _ in range(2):
        await ann.start()
        seen.add(await certificate_of(ann.address))
        await ann.network.stop()
    assert len(seen) == 2


async def test_a_port_that_was_asked_for_is_kept():
    ann = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await ann.start()
    asked = ann.address
    await ann.network.stop()
    bob = party("bob", TcpNetwork(listen=asked, lan=False))
    await bob.start()
    assert bob.listen == (asked,)
    await bob.network.stop()


async def test_a_port_that_is_taken_is_said_so():
    ann = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await ann.start()
    bob = party("bob", TcpNetwork(listen=ann.address, lan=False))
    with pytest.raises(LinkFailed, match="another program does"):
        await bob.start()
    await ann.network.stop()


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "no such host:0"])
async def test_what_is_no_place_to_listen_is_said_so(listen: str):
    with pytest.raises(LinkFailed, match="cannot listen on"):
        await party("ann", TcpNetwork(listen=listen, lan=False)).start()


async def test_ipv6_works_like_ipv4(require):
    ann = party("ann", TcpNetwork(listen="[::1]:0", lan=False))
    bob = party("bob", TcpNetwork(listen="[::1]:0", lan=False))
    try:
        await ann.start()
    except LinkFailed:
        require(False, "there is no IPv6 here")
    await bob.start()
    up, _ = await link(ann, bob)
    assert up.address == bob.address
    assert up.address.startswith("[::1]:")
    await ann.network.stop()
    await bob.network.stop()


async def test_listening_everywhere_tells_addresses_that_lead_here():
    ann = party("ann", TcpNetwork(lan=False))
    bob = party("bob", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await ann.start()
    await bob.start()
    assert 1 <= len(ann.listen) <= 8
    befriend(ann, bob)
    port = ann.address.rpartition(":")[2]
    bob.network.dial(peer_credential(bob.who, ann.who), f"127.0.0.1:{port}")
    await bob.up(ann)
    await ann.network.stop()
    await bob.network.stop()


async def test_a_link_can_be_made_by_name():
    ann = party("ann", TcpNetwork(listen="127.0.0.1:0", lan=False))
    bob = party("bob", TcpNetwork(listen="127.0.0.1:0", lan=False))
    await ann.start()
    await bob.start()
    befriend(ann, bob)
    ann.network.dial(peer_credential(ann.who, bob.who), f"localhost:{bob.address.rpartition(':')[2]}")
    await ann.up(bob)
    await ann.network.stop()
    await bob.network.stop()


async def test_stopping_leaves_no_task_and_no_listener():
    async with asyncio.timeout(PATIENCE_S):
        before = asyncio.all_tasks()
        ann = party("ann", TcpNetwork(listen="127.0.0.1:0"))
        await ann.start()
        ann.network.dial(peer_credential(person("ann"), person("bob")), "192.0.2.1:9")
        await ann.network.stop()
        host, _, port = ann.address.rpartition(":")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))
        assert asyncio.all_tasks() - before == set()
