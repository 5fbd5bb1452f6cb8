"""Both sides of the handshake: nobody is proven by anything but the very bytes that an honest other end sends."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from builders import person, seeded_entropy
from net_parties import held_invitation, local_device, open_invitation, peer_credential

from multichat_tui.crypto import handshake
from multichat_tui.crypto.handshake import ClientHandshake, Failed, Proven, ServerHandshake, Step

BINDING = bytes(range(32))
SEED = bytes(range(16))


class HandshakeTarget:
    """The first byte says who hears the rest: the server (hello, proof) or the client (nonce, proof), as contacts or by a link."""

    name = "handshake"

    def __init__(self) -> None:
        ann, bob, eve = person("ann"), person("bob"), person("eve")
        self._here, self._there = local_device(ann), local_device(bob)
        self._dials = (peer_credential(ann, bob), held_invitation(SEED))
        self._accepts = ((peer_credential(bob, eve), peer_credential(bob, ann)), (open_invitation(SEED),))
        self._honest: list[tuple[bytes, bytes, bytes, bytes]] = []
        for invited in (0, 1):
            client, server = self._client(invited), self._server(invited)
            nonce = server.begin()
            hello = client.receive(nonce).send
            answer = server.receive(hello).send
            done = client.receive(answer)
            assert isinstance(done.outcome, Proven)
            self._honest.append((nonce, hello, answer, done.send))

    def _client(self, invited: int) -> ClientHandshake:
        return ClientHandshake(self._here, self._dials[invited], BINDING, seeded_entropy("client"), port=1111)

    def _server(self, invited: int) -> ServerHandshake:
        return ServerHandshake(self._there, lambda: self._accepts[invited], BINDING, seeded_entropy("server"), port=2222)

    def seeds(self) -> Sequence[bytes]:
        found = []
        for invited, (nonce, hello, answer, proof) in enumerate(self._honest):
            for number, message in enumerate((hello, proof, nonce, answer)):
                found.append(bytes([invited * 4 + number]) + message)
        body = b"\xa4\0\x58\x20" + bytes(32) + b"\x01\x81\x01\x02\0\x03\0"
        padded = len(body).to_bytes(2, "big") + body
        return [*found, b"\x08" + padded + bytes(handshake._CLIENT_BODY_BYTES - len(padded))]

    def words(self) -> Sequence[bytes]:
        return [bytes([number]) for number in range(9)] + [
            b"\x58\x20" + bytes(32),
            b"\x81\x01",
            b"\0\0",
            b"\xff\xff",
            b"\x04",
            b"\x05",
        ]

    def play(self, case: bytes) -> str:
        where, said = (case[0] % 9 if case else 0), case[1:]
        if where == 8:
            claims = handshake._read_claims(said, len(said)) if len(said) > 1 else None
            return f"claims {claims is not None and (len(claims.versions), claims.certificate is not None)}"
        invited, number = divmod(where, 4)
        nonce, hello, answer, proof = self._honest[invited]
        to_server = number < 2
        honest = (hello, proof, nonce, answer)[number]
        end: ServerHandshake | ClientHandshake = self._server(invited) if to_server else self._client(invited)
        if isinstance(end, ServerHandshake):
            assert end.begin() == nonce
        if number == 1:
            end.receive(hello)
        elif number == 3:
            end.receive(nonce)
        step = _in_pieces(end.receive, said)
        sent = step.send
        assert len(sent) <= 2048
        if isinstance(step.outcome, Proven):
            assert number in (1, 3), "proven too early"
            assert said[: len(honest)] == honest, "proven by bytes that nobody honest has sent"
            assert step.rest == said[len(honest) :]
            return f"{where} proven"
        if isinstance(step.outcome, Failed):
            assert not sent, "an answer to one who has failed"
            assert said[: len(honest)] != honest or (number == 0 and len(said) > len(honest)), "an honest end has failed"
            assert not end.receive(honest).send, "goes on after failing"
            return f"{where} {step.outcome.reason}"
        if number == 0 and sent:
            assert said[: len(honest)] == honest, "an answer to one who has not shown the key"
        return f"{where} {'answers' if sent else 'waits'}"

    def close(self) -> None: ...


def _in_pieces(receive: Callable[[bytes], Step], said: bytes) -> Step:
    """All at once, or split where the first byte says."""
    at = said[0] if said and said[0] % 3 == 0 else 0
    if not at or at >= len(said):
        return receive(said)
    first = receive(said[:at])
    if first.outcome is not None or first.send:
        # What comes after the end belongs to whoever goes on with the connection.
        return replace(first, rest=first.rest + said[at:])
    return receive(said[at:])
