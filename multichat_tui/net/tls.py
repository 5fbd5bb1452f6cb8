"""TLS 1.3 between memory and memory: ephemeral certificates, and a pump from bytes of the wire to bytes of the link and back.

asyncio's own TLS keeps 256 KiB for every connection from its first moment, also for those who never say a word; the pump keeps
nothing until a whole ClientHello has come. Certificates prove nothing by themselves: the handshake inside binds to their hash.
"""

import base64
import contextlib
import hashlib
import os
import secrets
import ssl
import tempfile
from collections.abc import Iterator

from multichat_tui.model.limits import MAX_CLIENT_HELLO_BYTES
from multichat_tui.model.values import dataclass
from multichat_tui.net.certificate import Certificate, make_certificate

RECORD_HEADER_BYTES = 5
HANDSHAKE_RECORD = 0x16
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIdentity:
    """One listener's certificate: its TLS context and the SHA-256 of the DER form (tls-server-end-point, RFC 5929)."""

    context: ssl.SSLContext
    certificate_hash: bytes

    def __repr__(self) -> str:
        return "ServerIdentity(…)"


def make_server_identity() -> ServerIdentity:
    """A new certificate, in a context that serves with it."""
    made = make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    password = secrets.token_hex(16)
    with _key_file(made, password) as path:
        context.load_cert_chain(path, password=password)
    return ServerIdentity(context=context, certificate_hash=hashlib.sha256(made.certificate).digest())


@contextlib.contextmanager
def _key_file(made: Certificate, password: str) -> Iterator[str]:
    """A path for `load_cert_chain`, which reads nothing else: in memory where the system can, else an encrypted file."""
    certificate = ssl.DER_cert_to_PEM_cert(made.certificate).encode()
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(certificate + _pem(made.key))
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    encrypted = _encrypted(made.key, password)
    descriptor, path = tempfile.mkstemp()  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(certificate + encrypted)
        yield path
    finally:
        os.unlink(path)


def _pem(key: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(key) + b"-----END PRIVATE KEY-----\n"


def _encrypted(key: bytes, password: str) -> bytes:
    """The key in PEM, as it may touch a disk. The library costs 11 MB and 80 ms, so it is loaded only where this is needed."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_der_private_key,
    )

    encryption = BestAvailableEncryption(password.encode("ascii"))
    return load_der_private_key(key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def make_client_context() -> ssl.SSLContext:
    """Takes any certificate: whom it belongs to shows inside."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Broken:
    """The other end does not speak TLS as it should, or is a stranger to it."""

    detail: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out of the pump: plain bytes (in pieces), and whether the other end has said goodbye."""

    plain: tuple[bytes, ...] = ()
    ended: bool = False


class TlsPump:
    """One end of a TLS channel. `feed` what came over the wire, then send what `drain` gives, in this order."""

    __slots__ = ("_context", "_hello", "_incoming", "_outgoing", "_tls", "established")

    def __init__(self, context: ssl.SSLContext, *, server: bool) -> None:
        self._context = context
        self._hello = bytearray()
        self._tls: ssl.SSLObject | None = None
        self.established = False
        if not server:
            self._begin(server=False)
            self._shake()

    def _begin(self, *, server: bool) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=server)

    def feed(self, received: bytes | memoryview) -> Opened | Broken:
        """Take bytes from the wire. After `Broken` the pump is of no more use."""
        if self._tls is None:
            return self._await_hello(received)
        self._incoming.write(received)
        return self._pump()

    def _await_hello(self, received: bytes | memoryview) -> Opened | Broken:
        """Hold back until the first record, which must be a handshake's (RFC 8446, section 5.1), is whole."""
        self._hello += received
        hello = self._hello
        if hello[0] != HANDSHAKE_RECORD or (len(hello) > 1 and hello[1] != 3):
            return Broken("no ClientHello")
        if len(hello) < RECORD_HEADER_BYTES:
            return Opened()
        size = RECORD_HEADER_BYTES + int.from_bytes(hello[3:5], "big")
        if size > MAX_CLIENT_HELLO_BYTES:
            return Broken("a ClientHello beyond the limit")
        if len(hello) < size:
            return Opened()
        self._begin(server=True)
        self._incoming.write(hello)
        self._hello = bytearray()
        return self._pump()

    def _pump(self) -> Opened | Broken:
        if not self.established:
            broken = self._shake()
            if broken is not None or not self.established:
                return broken or Opened()
        assert self._tls is not None
        pieces = []
        try:
            while piece := self._tls.read(READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return Opened(tuple(pieces))
        except ssl.SSLZeroReturnError:
            return Opened(tuple(pieces), ended=True)
        except ssl.SSLError as error:
            return Broken(error.reason or "")
        return Opened(tuple(pieces), ended=True)

    def _shake(self) -> Broken | None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as error:
            return Broken(error.reason or "")
        self.established = True
        return None

    def seal(self, plain: bytes) -> None:
        """Encrypt; `drain` gives the outcome. Only after the channel is established."""
        assert self._tls is not None
        self._tls.write(plain)

    def drain(self) -> bytes:
        """Bytes for the wire."""
        return self._outgoing.read() if self._tls is not None else b""

    def say_goodbye(self) -> None:
        """close_notify, without waiting for the other end's."""
        if self._tls is not None and self.established:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()

    def certificate_hash(self) -> bytes:
        """SHA-256 of the server's certificate, as the client has received it."""
        assert self._tls is not None
        der = self._tls.getpeercert(True)
        return hashlib.sha256(der or b"").digest()
