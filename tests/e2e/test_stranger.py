"""Strangers at the door of a real node: what they hear, what they get, and what they cost."""

import contextlib
import hashlib
import os
import select
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import person
from net_parties import held_invitation, local_device
from real_nodes import LOCAL, Homes, RealNode, found_in, id_bytes, resident_bytes

from multichat_tui.crypto.handshake import ClientHandshake
from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.proofs import CLIENT_HELLO_BYTES, NONCE_BYTES
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.invitations import Invitation, join_seed, parse_link
from multichat_tui.model.limits import MAX_UNAUTHENTICATED, MAX_UNAUTHENTICATED_PER_ADDRESS
from multichat_tui.model.ports import Credential, CredentialKind
from multichat_tui.net.reasons import Turned

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PATIENCE_S = 30.0
GROWTH_BYTES = 10 * 1024 * 1024
ADDRESSES = [f"127.0.77.{n}" for n in range(1, MAX_UNAUTHENTICATED // MAX_UNAUTHENTICATED_PER_ADDRESS + 1)]
MALLORY = person("mallory")


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-door-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def ann(homes: Homes) -> RealNode:
    homes.results("ann", "init", "--name", "annegret", "--no-passphrase")
    return homes.node("ann", *LOCAL)


@contextlib.contextmanager
def connected(node: RealNode, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE_S, (host, 0)) as one:
        yield one


@contextlib.contextmanager
def encrypted(node: RealNode) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connected(node) as plain, context.wrap_socket(plain) as one:
        yield one


def heard_until_cut(one: socket.socket) -> bytes:
    """All that comes until the other end closes, as it must in time."""
    pieces = []
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while piece := one.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def receive(one: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = one.recv(count - len(received))
        assert piece
        received += piece
    return received


def until_counted(homes: Homes, least: dict[Turned, int]) -> dict[str, int]:
    """The counters of a node's status once they have got so far."""

    def counted(rows: list[dict[str, Any]]) -> bool:
        return all(rows[0]["counters"].get(reason.value, 0) >= count for reason, count in least.items())

    counters: dict[str, int] = homes.until_results("ann", ("status",), counted)[0]["counters"]
    return counters


def test_a_stranger_hears_only_a_tls_server_and_random_bytes(homes: Homes, ann: RealNode):
    (me,) = homes.results("ann", "whoami")
    nonces, certificates = [], []
    with encrypted(ann) as one, encrypted(ann) as other:
        for stranger in (one, other):
            assert stranger.version() == "TLSv1.3"
            certificates.append(stranger.getpeercert(True) or b"")
            nonces.append(receive(stranger, NONCE_BYTES))
        for stranger in (one, other):
            assert heard_until_cut(stranger) == b""
    assert nonces[0] != nonces[1]
    secrets = {"user": id_bytes(me["user"]), "device": id_bytes(me["device"]), "name": b"annegret"}
    host = os.uname().nodename.encode()
    secrets |= {"host": host} if len(host) > 6 else {}  # a shorter one may stand there by chance
    assert certificates[0]
    assert found_in(b"\0".join([*certificates, *nonces]), secrets) == []


def test_garbage_unknown_keys_and_forged_invitations_get_no_byte_and_are_counted(homes: Homes, ann: RealNode):
    homes.results("ann", "channel", "create", "garden")
    link = homes.results("ann", "channel", "invite", "garden")[0]["link"]
    invitation = parse_link(link)
    assert isinstance(invitation, Invitation)
    device = DeviceId(id_bytes(homes.results("ann", "whoami")[0]["device"]))
    true = held_invitation(invitation.seed)
    guessed = held_invitation(os.urandom(len(invitation.seed)))
    secret = join_seed(os.urandom(16))
    # Who was a member once knows the key of the token, but not the one that signs a joining.
    former_member = Credential(kind=CredentialKind.HELD_INVITATION, key=true.key, join_key=public_key(secret), join_seed=secret)
    no_peer = Credential(kind=CredentialKind.PEER, key=os.urandom(32), device=device)

    for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(64), os.urandom(256)):
        with connected(ann) as stranger:
            stranger.sendall(garbage)
            assert heard_until_cut(stranger) == b""
    with encrypted(ann) as stranger:
        receive(stranger, NONCE_BYTES)
        stranger.sendall(os.urandom(CLIENT_HELLO_BYTES))
        assert heard_until_cut(stranger) == b""
    for forged in (guessed, former_member, no_peer):
        with encrypted(ann) as stranger:
            shake = handshake(stranger, forged)
            stranger.sendall(shake.receive(receive(stranger, NONCE_BYTES)).send)
            assert heard_until_cut(stranger) == b""
    # The same hand with the true key gets an answer: it was the key that was missing.
    with encrypted(ann) as guest:
        shake = handshake(guest, true)
        guest.sendall(shake.receive(receive(guest, NONCE_BYTES)).send)
        assert guest.recv(1)

    counters = until_counted(homes, {Turned.GARBAGE: 3, Turned.UNKNOWN: 4})
    assert counters[Turned.GARBAGE.value] == 3
    assert counters[Turned.UNKNOWN.value] == 4
    members = homes.results("ann", "channel", "members", "garden")
    assert [row["name"] for row in members] == ["annegret"]


def handshake(one: ssl.SSLSocket, credential: Credential) -> ClientHandshake:
    certificate = one.getpeercert(True)
    assert certificate is not None
    return ClientHandshake(local_device(MALLORY), credential, hashlib.sha256(certificate).digest(), os.urandom)


class Siege:
    """Silent strangers in every place at the door: whoever is turned out comes again at once."""

    def __init__(self, node: RealNode) -> None:
        self._node = node
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stand)
        self.came = 0

    def __enter__(self) -> "Siege":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_S)

    def _stand(self) -> None:
        standing: dict[socket.socket, str] = {}
        absent = [host for host in ADDRESSES for _ in range(MAX_UNAUTHENTICATED_PER_ADDRESS)]
        while not self._over.is_set():
            while absent:
                host = absent.pop()
                one = socket.create_connection(("127.0.0.1", self._node.port), PATIENCE_S, (host, 0))
                standing[one] = host
                self.came += 1
            turned_out, _, _ = select.select(list(standing), [], [], 0.1)
            for one in turned_out:
                absent.append(standing.pop(one))
                one.close()
        for one in standing:
            one.close()


def test_silent_strangers_cost_little_go_in_time_and_keep_no_friend_out(homes: Homes, ann: RealNode):
    homes.results("bob", "init", "--name", "bob", "--no-passphrase")
    bob = homes.node("bob", *LOCAL, "--connect", ann.listen[0])
    homes.pair("ann", "bob")
    homes.results("bob", "send", "--wait", "delivered", "@annegret", "we have met")
    bob.stop()
    until_offline(homes)
    before = resident_bytes(ann.pid)

    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(connected(ann, host)) for host in ADDRESSES[:1] for _ in range(MAX_UNAUTHENTICATED_PER_ADDRESS)
        ]
        with connected(ann, ADDRESSES[0]) as fifth:
            assert heard_until_cut(fifth) == b""
        assert not select.select(silent, [], [], 0)[0]  # it went before those who came first had to
        silent += [
            stack.enter_context(connected(ann, host)) for host in ADDRESSES[1:] for _ in range(MAX_UNAUTHENTICATED_PER_ADDRESS)
        ]
        assert len(silent) == MAX_UNAUTHENTICATED
        with connected(ann, "127.0.78.1") as one_too_many:
            assert heard_until_cut(one_too_many) == b""
        assert resident_bytes(ann.pid) - before < GROWTH_BYTES
        for one in silent:
            assert heard_until_cut(one) == b""
    counters = until_counted(homes, {Turned.TIMED_OUT: MAX_UNAUTHENTICATED})
    assert counters[Turned.TIMED_OUT.value] == MAX_UNAUTHENTICATED
    assert counters[Turned.TOO_MANY_FROM_ADDRESS.value] == 1
    assert counters[Turned.TOO_MANY.value] == 1

    with Siege(ann) as siege:
        homes.node("bob", "--no-lan", "--listen", bob.listen[0], "--connect", ann.listen[0])
        homes.results("bob", "send", "--wait", "delivered", "--timeout", "45", "@annegret", "through the crowd")
    assert siege.came >= MAX_UNAUTHENTICATED
    texts = [row["text"] for row in homes.results("ann", "log", "@bob") if row["kind"] == "message"]
    assert texts == ["we have met", "through the crowd"]
    assert resident_bytes(ann.pid) - before < GROWTH_BYTES


def until_offline(homes: Homes) -> None:
    """Wait until ann has noticed that nobody is linked."""
    homes.until_results("ann", ("status",), lambda rows: not rows[0]["links"])
