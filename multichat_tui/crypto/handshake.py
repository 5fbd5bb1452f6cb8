"""The identity handshake inside a TLS channel, without input or output: bytes in, bytes and an outcome out.

```
server                                          client
  nonce (32 bytes)                        ->
                                          <-    nonce, T_c, sealed(device, versions, incarnation, port[, certificate, J])
  T_s, S, device, versions, incarnation,
  port[, certificate]                     ->
                                          <-    C
```
`T_c` and `T_s` are MACs under the credential's key, `J` a signature by the invitation's join key, `S` and `C` signatures by the
devices. All of them cover the hash of the server's TLS certificate (tls-server-end-point, RFC 5929) and everything that was said
before, each under a name of its own: nothing can be replayed, reflected, or carried over to another channel.

A server says its nonce to anybody and the rest only to those who have proven a key. A client shows its device only sealed under
the key. What fails, fails silently: the other side is told nothing, whatever the reason. Each message has one size, for peers
and for invitations.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from typing import TypeAlias

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from multichat_tui.crypto.identity import certificate_holds
from multichat_tui.crypto.keys import equal, sign, verify
from multichat_tui.crypto.proofs import (
    CERTIFICATE_HASH_BYTES,
    CLIENT_HELLO_BYTES,
    CLIENT_PROOF_BYTES,
    MAC_BYTES,
    NONCE_BYTES,
    SERVER_BODY_BYTES,
    SERVER_PROOF_BYTES,
    Binding,
    ClientHello,
    ServerProof,
    Transcript,
    client_signed_bytes,
)
from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.identity import MAX_CERTIFICATE_BYTES, SIGNATURE_BYTES, Certificate, decode_certificate
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.limits import MAX_HANDSHAKE_BYTES, MAX_INTEGER
from multichat_tui.model.ports import ONLY_DIAL, Credential, CredentialKind, Entropy, LocalDevice
from multichat_tui.model.schema import Malformed, as_bytes, as_id, as_int, as_list, as_map, read
from multichat_tui.model.values import dataclass

VERSIONS = (1, 2, 3, 4, 5)
"""Of the link protocol, which this node speaks."""
MAX_VERSIONS = 16
_LENGTH_BYTES = 2
_SEALED_BYTES = CLIENT_HELLO_BYTES - NONCE_BYTES - MAC_BYTES
_CLIENT_BODY_BYTES = _SEALED_BYTES - sodium.crypto_aead_chacha20poly1305_ietf_ABYTES
_ONLY_ONCE = bytes(sodium.crypto_aead_chacha20poly1305_ietf_NPUBBYTES)
"""The AEAD's nonce: its key is used for one message."""

if max(CLIENT_HELLO_BYTES, SERVER_PROOF_BYTES) > MAX_HANDSHAKE_BYTES:
    raise AssertionError("a handshake message is longer than the limit")


class Failure(StrEnum):
    """Why a handshake ended; for this side alone."""

    UNKNOWN_KEY = "unknown-key"
    """The token fits none of our credentials."""
    MALFORMED = "malformed"
    WRONG_PROOF = "wrong-proof"
    """A signature or certificate is wrong, or proves another device."""
    NO_COMMON_VERSION = "no-common-version"
    OURSELVES = "ourselves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The other end holds the credential's key and is `device`. `certificate` is set for invitations: it holds, and is the
    device's; whose it may be is for the caller to judge. `port` is where the other end listens, 0 if it does not."""

    credential: Credential
    device: DeviceId
    version: int
    incarnation: int
    port: int
    certificate: Certificate | None = None
    binding: bytes = b""
    """A hash of the whole handshake, the same on both sides and on no other link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Say nothing and close."""

    reason: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What follows from the bytes received. After an outcome the handshake takes no more; `rest` belongs to the link."""

    send: bytes = b""
    outcome: Proven | Failed | None = None
    rest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """What a side says of itself, before it is proven."""

    device: DeviceId
    versions: tuple[int, ...]
    incarnation: int
    port: int
    certificate: Certificate | None = None
    join_signature: bytes = b""


CredentialSource: TypeAlias = Callable[[], Iterable[Credential]]


class ClientHandshake:
    """The dialling side, with the one credential that it wants to use: PEER, HELD_INVITATION or MAILBOX."""

    __slots__ = ("_buffer", "_certificate_hash", "_credential", "_local", "_nonce", "_over", "_port", "_said", "_versions")

    def __init__(
        self,
        local: LocalDevice,
        credential: Credential,
        certificate_hash: bytes,
        entropy: Entropy,
        *,
        port: int = 0,
        versions: tuple[int, ...] = VERSIONS,
    ) -> None:
        """`certificate_hash`: SHA-256 of the server's TLS certificate as seen here. `port`: where we listen ourselves."""
        self._local = credential.local or local
        self._credential = credential
        self._certificate_hash = _of_one_size(certificate_hash)
        # Whoever comes to a mailbox does not say where else they are found.
        self._port = 0 if credential.kind is CredentialKind.MAILBOX else port
        self._versions = versions
        self._nonce = entropy(NONCE_BYTES)
        self._said: Transcript | None = None
        self._buffer = b""
        self._over = False

    @property
    def greeted(self) -> bool:
        """Whether the server has sent its nonce."""
        return self._said is not None

    def receive(self, received: bytes) -> Step:
        """Take bytes as they come, in any pieces."""
        if self._over:
            return Step(rest=received)
        self._buffer += received
        if self._said is None:
            if len(self._buffer) < NONCE_BYTES:
                return Step()
            self._said = self._greet(self._buffer[:NONCE_BYTES])
            return Step(send=self._said.client_hello)
        if len(self._buffer) < NONCE_BYTES + SERVER_PROOF_BYTES:
            return Step()
        message = self._buffer[NONCE_BYTES : NONCE_BYTES + SERVER_PROOF_BYTES]
        rest = self._buffer[NONCE_BYTES + SERVER_PROOF_BYTES :]
        self._over, self._buffer = True, b""
        outcome = self._judge(self._said, ServerProof.split(message))
        if isinstance(outcome, Failed):
            return Step(outcome=outcome)
        heard = self._said.heard(message)
        outcome = replace(outcome, binding=heard)
        return Step(send=sign(self._local.signing_seed, client_signed_bytes(heard)), outcome=outcome, rest=rest)

    def _greet(self, server_nonce: bytes) -> Transcript:
        """Make the hello that answers the server's nonce."""
        binding = Binding(certificate_hash=self._certificate_hash, server_nonce=server_nonce, client_nonce=self._nonce)
        fields: dict[int, Value] = {
            0: self._local.device,
            1: self._versions,
            2: self._local.incarnation,
            3: self._port,
        }
        if self._credential.kind is CredentialKind.HELD_INVITATION:
            assert self._credential.join_seed is not None
            assert self._local.certificate is not None
            certificate = self._local.certificate.encoded
            fields[4] = certificate
            fields[5] = sign(self._credential.join_seed, binding.join_signed_bytes(certificate))
        key = self._credential.key
        sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
            _pad(encode(fields), _CLIENT_BODY_BYTES), None, _ONLY_ONCE, binding.sealing_key(key)
        )
        hello = self._nonce + binding.client_token(key) + sealed
        return Transcript(certificate_hash=self._certificate_hash, server_nonce=server_nonce, client_hello=hello)

    def _judge(self, said: Transcript, proof: ServerProof) -> Proven | Failed:
        credential = self._credential
        if not said.shows_key(credential.key, proof):
            return Failed(reason=Failure.UNKNOWN_KEY)
        claims = _read_claims(proof.body, SERVER_BODY_BYTES)
        if claims is None:
            return Failed(reason=Failure.MALFORMED)
        if claims.device == self._local.device:
            return Failed(reason=Failure.OURSELVES)
        if not said.signed_by(claims.device, proof):
            return Failed(reason=Failure.WRONG_PROOF)
        return _conclude(credential, claims, self._versions)


class ServerHandshake:
    """The listening side. `begin` gives its first bytes, the same for everybody."""

    __slots__ = (
        "_buffer",
        "_certificate_hash",
        "_credentials",
        "_heard",
        "_local",
        "_nonce",
        "_over",
        "_pending",
        "_port",
        "_versions",
    )

    def __init__(
        self,
        local: LocalDevice,
        credentials: CredentialSource,
        certificate_hash: bytes,
        entropy: Entropy,
        *,
        port: int = 0,
        versions: tuple[int, ...] = VERSIONS,
    ) -> None:
        """`credentials()` gives those that count at the moment; PEER, OPEN_INVITATION and MAILBOX_DOOR are tried."""
        self._local = local
        self._credentials = credentials
        self._certificate_hash = _of_one_size(certificate_hash)
        self._port = port
        self._versions = versions
        self._nonce = entropy(NONCE_BYTES)
        self._buffer = b""
        self._pending: Proven | None = None
        self._heard = b""
        self._over = False

    def begin(self) -> bytes:
        return self._nonce

    def receive(self, received: bytes) -> Step:
        """Take bytes as they come, in any pieces."""
        if self._over:
            return Step(rest=received)
        self._buffer += received
        if self._pending is not None:
            return self._finish()
        if len(self._buffer) < CLIENT_HELLO_BYTES:
            return Step()
        message, self._buffer = self._buffer[:CLIENT_HELLO_BYTES], self._buffer[CLIENT_HELLO_BYTES:]
        judged = self._judge(message)
        if isinstance(judged, Failed):
            self._over = True
            return Step(outcome=judged)
        if self._buffer:  # nobody can answer what was not yet said
            self._over = True
            return Step(outcome=Failed(reason=Failure.MALFORMED))
        self._pending = judged
        return Step(send=self._prove(message, judged))

    def _finish(self) -> Step:
        assert self._pending is not None
        if len(self._buffer) < CLIENT_PROOF_BYTES:
            return Step()
        self._over = True
        proof, rest = self._buffer[:CLIENT_PROOF_BYTES], self._buffer[CLIENT_PROOF_BYTES:]
        self._buffer = b""
        if not verify(self._pending.device, client_signed_bytes(self._heard), proof):
            return Step(outcome=Failed(reason=Failure.WRONG_PROOF))
        return Step(outcome=replace(self._pending, binding=self._heard), rest=rest)

    def _judge(self, message: bytes) -> Proven | Failed:
        hello = ClientHello.split(message)
        binding = Binding(certificate_hash=self._certificate_hash, server_nonce=self._nonce, client_nonce=hello.nonce)
        failed: Failed | None = None
        for credential in self._credentials():
            if credential.kind in ONLY_DIAL:
                continue
            if equal(hello.token, binding.client_token(credential.key)):
                judged = self._judge_claims(credential, hello.sealed, binding)
                if isinstance(judged, Proven):
                    return judged
                # Others choose keys too, of invitations and of returns, and may choose one that is not theirs: it must not stand
                # before the one that it was taken from.
                failed = failed or judged
        return failed or Failed(reason=Failure.UNKNOWN_KEY)

    def _judge_claims(self, credential: Credential, sealed: bytes, binding: Binding) -> Proven | Failed:
        try:
            body = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, None, _ONLY_ONCE, binding.sealing_key(credential.key))
        except CryptoError:
            return Failed(reason=Failure.WRONG_PROOF)
        claims = _read_claims(body, _CLIENT_BODY_BYTES)
        if claims is None:
            return Failed(reason=Failure.MALFORMED)
        if claims.device == (credential.local or self._local).device:
            return Failed(reason=Failure.OURSELVES)
        if credential.kind is CredentialKind.OPEN_INVITATION and (
            claims.certificate is None
            or credential.join_key is None
            or not verify(credential.join_key, binding.join_signed_bytes(claims.certificate.encoded), claims.join_signature)
        ):
            return Failed(reason=Failure.WRONG_PROOF)
        return _conclude(credential, claims, self._versions)

    def _prove(self, hello: bytes, client: Proven) -> bytes:
        local = client.credential.local or self._local
        fields: dict[int, Value] = {
            0: local.device,
            1: self._versions,
            2: local.incarnation,
            3: self._port,
        }
        if client.credential.kind is CredentialKind.OPEN_INVITATION:
            assert local.certificate is not None
            fields[4] = local.certificate.encoded
        body = _pad(encode(fields), SERVER_BODY_BYTES)
        said = Transcript(certificate_hash=self._certificate_hash, server_nonce=self._nonce, client_hello=hello)
        token = said.server_token(client.credential.key, body)
        message = token + sign(local.signing_seed, said.server_signed_bytes(body)) + body
        self._heard = said.heard(message)
        return message


def _conclude(credential: Credential, claims: _Claims, versions: tuple[int, ...]) -> Proven | Failed:
    """What both sides ask of the other's claims: the right device, and a version in common."""
    if credential.kind in (CredentialKind.PEER, CredentialKind.MAILBOX):
        if claims.device != credential.device:
            return Failed(reason=Failure.WRONG_PROOF)
        certificate = None
    elif credential.kind is CredentialKind.MAILBOX_DOOR:
        certificate = None
    else:
        certificate = claims.certificate
        if certificate is None or certificate.device != claims.device or not certificate_holds(certificate):
            return Failed(reason=Failure.WRONG_PROOF)
    common = set(versions).intersection(claims.versions)
    if not common:
        return Failed(reason=Failure.NO_COMMON_VERSION)
    return Proven(
        credential=credential,
        device=claims.device,
        version=max(common),
        incarnation=claims.incarnation,
        port=claims.port,
        certificate=certificate,
    )


def _of_one_size(certificate_hash: bytes) -> bytes:
    """What the proofs cover is not framed, so each part has one size."""
    if len(certificate_hash) != CERTIFICATE_HASH_BYTES:
        raise ValueError("the hash of a certificate has 32 bytes")
    return certificate_hash


def _pad(body: bytes, size: int) -> bytes:
    """Length (2 bytes, big-endian), body, zeroes: `size` bytes in all."""
    assert len(body) <= size - _LENGTH_BYTES
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body + bytes(size - _LENGTH_BYTES - len(body))


def _read_claims(padded: bytes, size: int) -> _Claims | None:
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    body, padding = padded[_LENGTH_BYTES : _LENGTH_BYTES + length], padded[_LENGTH_BYTES + length :]
    if length > size - _LENGTH_BYTES or any(padding):
        return None
    claims = read(body, size, _claims)
    return None if isinstance(claims, Rejected) else claims


def _claims(value: Value) -> _Claims:
    fields = as_map(value, "claims")
    if any(key not in fields for key in range(4)):
        raise Malformed("claims: a field is missing")
    certificate = None
    if 4 in fields:
        decoded = decode_certificate(as_bytes(fields[4], "certificate", MAX_CERTIFICATE_BYTES))
        if isinstance(decoded, Rejected):
            raise Malformed(decoded.detail, decoded.reason)
        certificate = decoded
    return _Claims(
        device=DeviceId(as_id(fields[0], "device")),
        versions=tuple(as_int(v, "version", 2**16, 1) for v in as_list(fields[1], "versions", MAX_VERSIONS, 1)),
        incarnation=as_int(fields[2], "incarnation", MAX_INTEGER),
        port=as_int(fields[3], "port", 65535),
        certificate=certificate,
        join_signature=as_bytes(fields[5], "signature", SIGNATURE_BYTES, SIGNATURE_BYTES) if 5 in fields else b"",
    )
