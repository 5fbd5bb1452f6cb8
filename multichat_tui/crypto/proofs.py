"""What the proofs of the identity handshake are made of: the bytes that its tokens and signatures cover (docs/protocol/links.md).

The parts are not framed, so each has one size; who makes them sees to that (crypto.handshake).
"""

from multichat_tui.crypto.keys import equal, mac, verify
from multichat_tui.model.identity import SIGNATURE_BYTES
from multichat_tui.model.ids import DeviceId, digest
from multichat_tui.model.values import dataclass

CERTIFICATE_HASH_BYTES = 32
NONCE_BYTES = 32
MAC_BYTES = 32
CLIENT_HELLO_BYTES = 1024
SERVER_PROOF_BYTES = 1024
CLIENT_PROOF_BYTES = SIGNATURE_BYTES
SERVER_BODY_BYTES = SERVER_PROOF_BYTES - MAC_BYTES - SIGNATURE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The one connection that a proof is good for: the server's TLS certificate (SHA-256), and both nonces."""

    certificate_hash: bytes
    server_nonce: bytes
    client_nonce: bytes

    def client_token(self, key: bytes) -> bytes:
        return mac(key, "mc.hs.client", self.certificate_hash, self.server_nonce, self.client_nonce)

    def sealing_key(self, key: bytes) -> bytes:
        """For the one message that the client seals."""
        return mac(key, "mc.hs.seal", self.certificate_hash, self.server_nonce, self.client_nonce)

    def join_signed_bytes(self, certificate: bytes) -> bytes:
        """What an invitation's join key signs for the device of this certificate."""
        return b"multichat link join 1\0" + self.certificate_hash + self.server_nonce + self.client_nonce + certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """The client's first message, taken apart."""

    nonce: bytes
    token: bytes
    sealed: bytes

    @classmethod
    def split(cls, message: bytes) -> "ClientHello":
        token_end = NONCE_BYTES + MAC_BYTES
        return cls(nonce=message[:NONCE_BYTES], token=message[NONCE_BYTES:token_end], sealed=message[token_end:])


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProof:
    """The server's second message, taken apart; `body` holds its claims."""

    token: bytes
    signature: bytes
    body: bytes

    @classmethod
    def split(cls, message: bytes) -> "ServerProof":
        body_begin = MAC_BYTES + SIGNATURE_BYTES
        return cls(token=message[:MAC_BYTES], signature=message[MAC_BYTES:body_begin], body=message[body_begin:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said up to the client's hello, over a connection with this TLS certificate."""

    certificate_hash: bytes
    server_nonce: bytes
    client_hello: bytes

    def server_token(self, key: bytes, body: bytes) -> bytes:
        return mac(key, "mc.hs.server", self._said(body))

    def server_signed_bytes(self, body: bytes) -> bytes:
        return b"multichat link server 1\0" + self._said(body)

    def shows_key(self, key: bytes, proof: ServerProof) -> bool:
        """Whether the server holds the credential's key."""
        return equal(proof.token, self.server_token(key, proof.body))

    def signed_by(self, device: DeviceId, proof: ServerProof) -> bool:
        return verify(device, self.server_signed_bytes(proof.body), proof.signature)

    def heard(self, server_proof: bytes) -> bytes:
        """A hash of the whole handshake up to the server's proof, which the client signs; no other link has the same."""
        return digest("mc.hs.heard", self.certificate_hash, self.server_nonce, self.client_hello, server_proof)

    def _said(self, body: bytes) -> bytes:
        return digest("mc.hs.said", self.certificate_hash, self.server_nonce, self.client_hello, body)


def client_signed_bytes(heard: bytes) -> bytes:
    return b"multichat link client 1\0" + heard
