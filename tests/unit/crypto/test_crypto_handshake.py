"""The handshake without a network: two ends wired in memory, and everybody who might stand between or before them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from builders import person, seeded_entropy
from hypothesis import given, settings
from hypothesis import strategies as st
from net_parties import held_invitation, local_device, open_invitation, peer_credential

from multichat_tui.crypto.handshake import ClientHandshake, Failed, Failure, Proven, ServerHandshake, Step
from multichat_tui.crypto.proofs import CLIENT_HELLO_BYTES, CLIENT_PROOF_BYTES, NONCE_BYTES, SERVER_PROOF_BYTES
from multichat_tui.model.limits import MAX_HANDSHAKE_BYTES
from multichat_tui.model.ports import Credential, LocalDevice

ANN, BOB, EVE = person("ann"), person("bob"), person("eve")
HERE, THERE, STRANGER = local_device(ANN), local_device(BOB), local_device(EVE)
BINDING = bytes(range(32))
SEED = bytes(range(16))


@dataclass
class Pair:
    client: ClientHandshake
    server: ServerHandshake


def pair(
    *,
    dial: Credential | None = None,
    accept: tuple[Credential, ...] | None = None,
    seed: str = "one",
    client_binding: bytes = BINDING,
    server_binding: bytes = BINDING,
    client_local: LocalDevice = HERE,
    server_local: LocalDevice = THERE,
    client_versions: tuple[int, ...] = (1,),
    server_versions: tuple[int, ...] = (1,),
) -> Pair:
    """Ann dials Bob under their peer key, unless told otherwise."""
    dial = dial or peer_credential(ANN, BOB)
    credentials = (peer_credential(BOB, EVE), peer_credential(BOB, ANN)) if accept is None else accept
    return Pair(
        ClientHandshake(
            client_local, dial, client_binding, seeded_entropy(f"client {seed}"), port=1111, versions=client_versions
        ),
        ServerHandshake(
            server_local,
            lambda: credentials,
            server_binding,
            seeded_entropy(f"server {seed}"),
            port=2222,
            versions=server_versions,
        ),
    )


def invited(**changes: object) -> Pair:
    return pair(dial=held_invitation(SEED), accept=(peer_credential(BOB, EVE), open_invitation(SEED)), **changes)


BOTH = pytest.mark.parametrize("make", [pair, invited], ids=["peer", "invitation"])
Make = Callable[..., Pair]


def run(both: Pair) -> tuple[Step, Step, list[bytes]]:
    """The whole conversation: the last step of client and server, and the four messages."""
    nonce = both.server.begin()
    hello = both.client.receive(nonce)
    proof = both.server.receive(hello.send)
    if proof.outcome is not None:
        return hello, proof, [nonce, hello.send]
    done = both.client.receive(proof.send)
    if isinstance(done.outcome, Failed):
        return done, proof, [nonce, hello.send, proof.send]
    return done, both.server.receive(done.send), [nonce, hello.send, proof.send, done.send]


def is_silence(step: Step) -> bool:
    return step.send == b"" and (step.outcome is None or isinstance(step.outcome, Failed)) and step.rest == b""


def test_peers_prove_each_other():
    done, finished, _ = run(pair())
    assert isinstance(done.outcome, Proven)
    assert isinstance(finished.outcome, Proven)
    assert (done.outcome.device, done.outcome.incarnation, done.outcome.port) == (BOB.device, THERE.incarnation, 2222)
    assert (finished.outcome.device, finished.outcome.incarnation, finished.outcome.port) == (
        ANN.device,
        HERE.incarnation,
        1111,
    )
    assert done.outcome.certificate is None
    assert finished.outcome.certificate is None
    assert finished.outcome.credential == peer_credential(BOB, ANN)


def test_an_invitation_shows_both_certificates():
    done, finished, _ = run(invited())
    assert isinstance(done.outcome, Proven)
    assert isinstance(finished.outcome, Proven)
    assert done.outcome.certificate == BOB.certificate
    assert finished.outcome.certificate == ANN.certificate
    assert finished.outcome.credential.join_key == open_invitation(SEED).join_key


@BOTH
def test_a_stranger_hears_32_random_bytes(make: Make):
    first, second = make(seed="one").server.begin(), make(seed="two").server.begin()
    assert len(first) == NONCE_BYTES == 32
    assert first != second


def test_peer_and_invitation_handshakes_have_the_same_sizes():
    sizes = [[len(message) for message in run(make())[2]] for make in (pair, invited)]
    assert sizes[0] == sizes[1] == [NONCE_BYTES, CLIENT_HELLO_BYTES, SERVER_PROOF_BYTES, CLIENT_PROOF_BYTES]
    assert max(sizes[0]) <= MAX_HANDSHAKE_BYTES


@BOTH
def test_the_first_messages_show_no_device_user_or_key(make: Make):
    _, _, messages = run(make())
    for secret in (ANN.device, ANN.user, BOB.device, BOB.user, ANN.certificate.account_key, peer_credential(ANN, BOB).key):
        assert secret not in messages[0]
        assert secret not in messages[1]


@BOTH
def test_messages_may_come_in_any_pieces(make: Make):
    both = make()
    sent = [both.client.receive(both.server.begin()[i : i + 1]) for i in range(32)]
    hello = b"".join(step.send for step in sent)
    proof = b"".join(both.server.receive(hello[i : i + 1]).send for i in range(len(hello)))
    steps = [both.client.receive(proof[i : i + 1]) for i in range(len(proof))]
    assert isinstance(steps[-1].outcome, Proven)
    last = [both.server.receive(steps[-1].send[i : i + 1]) for i in range(CLIENT_PROOF_BYTES)]
    assert isinstance(last[-1].outcome, Proven)


@BOTH
def test_what_follows_the_last_message_belongs_to_the_link(make: Make):
    both = make()
    proof = both.server.receive(both.client.receive(both.server.begin()).send)
    done = both.client.receive(proof.send + b"from the server")
    assert done.rest == b"from the server"
    assert both.server.receive(done.send + b"from the client").rest == b"from the client"


@BOTH
def test_another_certificate_in_the_middle_fails(make: Make):
    """Whoever ends TLS on both sides and passes all messages on: the two ends see two certificates."""
    both = make(client_binding=bytes(32), server_binding=bytes([1]) * 32)
    hello = both.client.receive(both.server.begin())
    answer = both.server.receive(hello.send)
    assert is_silence(answer)
    assert answer.outcome == Failed(reason=Failure.UNKNOWN_KEY)


@BOTH
@pytest.mark.parametrize("at", [0, 1, 31])
def test_every_byte_of_the_certificate_hash_binds(make: Make, at: int):
    other = bytearray(BINDING)
    other[at] ^= 1
    both = make(server_binding=bytes(other))
    assert is_silence(both.server.receive(both.client.receive(both.server.begin()).send))


@BOTH
@settings(max_examples=150, deadline=None)
@given(step=st.integers(0, 3), at=st.integers(0, CLIENT_HELLO_BYTES - 1), flip=st.integers(1, 255))
def test_a_changed_byte_anywhere_ends_in_silence(make: Make, step: int, at: int, flip: int):
    both = make()
    messages: list[bytes] = []

    def maybe(message: bytes) -> bytes:
        if len(messages) == step:
            changed = bytearray(message)
            changed[at % len(message)] ^= flip
            message = bytes(changed)
        messages.append(message)
        return message

    hello = both.client.receive(maybe(both.server.begin()))
    proof = both.server.receive(maybe(hello.send))
    if step < 2:
        assert is_silence(proof)
        assert isinstance(proof.outcome, Failed)
        return
    done = both.client.receive(maybe(proof.send))
    if step == 2:
        assert is_silence(done)
        assert isinstance(done.outcome, Failed)
        return
    finished = both.server.receive(maybe(done.send))
    assert is_silence(finished)
    assert finished.outcome == Failed(reason=Failure.WRONG_PROOF)


@BOTH
@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_truncated_message_gets_no_answer(make: Make, step: int):
    both = make()
    message = both.server.begin()
    ends: list[Callable[[bytes], Step]] = [
        both.client.receive,
        both.server.receive,
        both.client.receive,
        both.server.receive,
    ]
    for end in ends[:step]:
        message = end(message).send
    assert ends[step](message[:-1]) == Step()


@BOTH
def test_messages_of_another_run_are_not_taken(make: Make):
    _, _, recorded = run(make(seed="recorded"))
    fresh = make(seed="fresh")
    fresh.server.begin()
    assert is_silence(fresh.server.receive(recorded[1]))
    client = make(seed="fresh").client
    hello = client.receive(recorded[0])
    assert hello.send != recorded[1]
    answer = client.receive(recorded[2])
    assert is_silence(answer)
    assert answer.outcome == Failed(reason=Failure.UNKNOWN_KEY)
    server = make(seed="third").server
    opened = make(seed="third").client.receive(server.begin())
    assert server.receive(opened.send).send
    assert is_silence(server.receive(recorded[3]))


@BOTH
def test_messages_thrown_back_at_their_sender_are_not_taken(make: Make):
    both = make()
    hello = both.client.receive(both.server.begin())
    back = both.client.receive(hello.send)
    assert is_silence(back)
    assert isinstance(back.outcome, Failed)
    other = make(seed="two")
    proof = other.server.receive(other.client.receive(other.server.begin()).send)
    assert is_silence(other.server.receive(proof.send))


def test_a_dialler_led_back_to_its_own_door_finds_nobody():
    """Bob's address is answered by someone who passes everything on to Ann's own listener: the pair key fits there."""
    both = pair(server_local=HERE, accept=(peer_credential(ANN, BOB),))
    answer = both.server.receive(both.client.receive(both.server.begin()).send)
    assert is_silence(answer)
    assert answer.outcome == Failed(reason=Failure.OURSELVES)


def test_a_server_that_does_not_hold_the_key_learns_nothing_and_proves_nothing():
    both = pair(accept=())
    hello = both.client.receive(both.server.begin())
    assert both.server.receive(hello.send).outcome == Failed(reason=Failure.UNKNOWN_KEY)
    forged = both.client.receive(bytes(SERVER_PROOF_BYTES))
    assert is_silence(forged)
    assert forged.outcome == Failed(reason=Failure.UNKNOWN_KEY)


def test_a_stolen_pair_key_does_not_make_another_device_into_the_peer():
    client = pair(client_local=STRANGER)
    assert run(client)[1].outcome == Failed(reason=Failure.WRONG_PROOF)
    server = pair(server_local=STRANGER)
    assert run(server)[0].outcome == Failed(reason=Failure.WRONG_PROOF)


def test_a_stolen_pair_key_and_a_claimed_name_do_not_replace_the_device_key():
    """Eve says that she is Ann, under Ann's pair key, but has only her own signing key."""
    liar = replace(HERE, signing_seed=EVE.secrets.signing_seed)
    assert run(pair(client_local=liar))[1].outcome == Failed(reason=Failure.WRONG_PROOF)
    liar = replace(THERE, signing_seed=EVE.secrets.signing_seed)
    assert run(pair(server_local=liar))[0].outcome == Failed(reason=Failure.WRONG_PROOF)


def test_the_token_key_without_the_links_seed_opens_nothing():
    forged = replace(held_invitation(SEED), join_seed=bytes(32))
    both = pair(dial=forged, accept=(open_invitation(SEED),))
    assert run(both)[1].outcome == Failed(reason=Failure.WRONG_PROOF)


def test_somebody_elses_certificate_is_not_taken_under_an_invitation():
    thief = replace(STRANGER, certificate=ANN.certificate)
    assert run(invited(client_local=thief))[1].outcome == Failed(reason=Failure.WRONG_PROOF)
    assert run(invited(server_local=thief))[0].outcome == Failed(reason=Failure.WRONG_PROOF)


def test_a_certificate_that_does_not_hold_is_not_taken():
    broken = replace(ANN.certificate, signature=bytes(64))
    assert run(invited(client_local=replace(HERE, certificate=broken)))[1].outcome == Failed(reason=Failure.WRONG_PROOF)
    broken = replace(BOB.certificate, signature=bytes(64))
    assert run(invited(server_local=replace(THERE, certificate=broken)))[0].outcome == Failed(reason=Failure.WRONG_PROOF)


def test_a_key_that_somebody_gave_out_as_his_own_does_not_stand_before_its_owner():
    honest = open_invitation(SEED)
    copied = replace(honest, join_key=open_invitation(bytes(16)).join_key)
    for accept in ((copied, honest), (honest, copied), (replace(peer_credential(BOB, EVE), key=honest.key), copied, honest)):
        done, finished, _ = run(pair(dial=held_invitation(SEED), accept=accept))
        assert isinstance(done.outcome, Proven)
        assert isinstance(finished.outcome, Proven)
        assert finished.outcome.credential == honest
    _, refused, _ = run(pair(dial=held_invitation(SEED), accept=(copied,)))
    assert refused.outcome == Failed(reason=Failure.WRONG_PROOF)


def test_a_held_invitation_accepts_nobody():
    assert run(pair(dial=held_invitation(SEED), accept=(held_invitation(SEED),)))[1].outcome == Failed(reason=Failure.UNKNOWN_KEY)


def test_the_highest_common_version_is_chosen():
    done, finished, _ = run(pair(client_versions=(1, 2, 3), server_versions=(2, 3, 4)))
    assert isinstance(done.outcome, Proven)
    assert isinstance(finished.outcome, Proven)
    assert done.outcome.version == finished.outcome.version == 3


def test_no_common_version_ends_in_silence_with_the_reason_known_here():
    _, refused, messages = run(pair(client_versions=(1,), server_versions=(2,)))
    assert is_silence(refused)
    assert refused.outcome == Failed(reason=Failure.NO_COMMON_VERSION)
    assert len(messages) == 2


def test_a_client_that_says_more_than_its_turn_is_turned_away():
    both = pair()
    hello = both.client.receive(both.server.begin())
    answer = both.server.receive(hello.send + b"more")
    assert is_silence(answer)
    assert answer.outcome == Failed(reason=Failure.MALFORMED)


def test_after_the_end_a_handshake_takes_nothing():
    both = pair(accept=())
    hello = both.client.receive(both.server.begin())
    both.server.receive(hello.send)
    assert both.server.receive(hello.send) == Step(rest=hello.send)


@BOTH
@settings(max_examples=200, deadline=None)
@given(garbage=st.lists(st.binary(max_size=1500), max_size=4))
def test_garbage_at_the_door_gets_no_byte(make: Make, garbage: list[bytes]):
    server = make().server
    server.begin()
    for piece in garbage:
        step = server.receive(piece)
        assert step.send == b""
        assert not isinstance(step.outcome, Proven)


@BOTH
@settings(max_examples=200, deadline=None)
@given(garbage=st.lists(st.binary(max_size=1500), max_size=4))
def test_garbage_from_a_server_never_proves_anything(make: Make, garbage: list[bytes]):
    client = make().client
    for piece in garbage:
        assert not isinstance(client.receive(piece).outcome, Proven)


def test_nothing_secret_shows_in_a_repr():
    both = pair()
    key = peer_credential(ANN, BOB).key
    for shown in (repr(both.client), repr(both.server), repr(run(both)[0]), repr(HERE)):
        assert key.hex() not in shown
        assert repr(key) not in shown
        assert repr(ANN.secrets.signing_seed) not in shown
