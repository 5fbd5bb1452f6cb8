"""Two people at two terminals on two machines, from empty homes; and somebody who hears the cable between them."""

import os
import re
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cable import Cable, Ear, Packet, heard, laid_cable, streams
from real_nodes import Homes, found_in, id_bytes
from seated import Seat
from terminal import Terminal
from zeroconf import DNSAddress, DNSIncoming, DNSNsec, DNSPointer, DNSService, DNSText

from multichat_tui.model.limits import ANNOUNCED_TOKENS, SHORT_TOKENS
from multichat_tui.net.announcement import SERVICE_TYPE, parse

pytestmark = [pytest.mark.e2e, pytest.mark.lan, pytest.mark.tmux, pytest.mark.timeout(300)]

ANN, BOB = "annegret", "barnabas"
CHANNEL = "smugglers-cove"
PASSPHRASE = "seven dry towels"
MDNS = 5353
RANDOM_NAME = re.compile(rf"[0-9a-f]{{16}}\.({re.escape(SERVICE_TYPE)}|local\.)")
WINDOW_BYTES = 8
"""So many bytes of an id would do to recognise it."""


@pytest.fixture
def cable(require: Callable[[bool, str], None]) -> Iterator[Cable]:
    require(shutil.which("tmux") is not None, "tmux is needed")
    with laid_cable(require) as one:
        yield one


@pytest.fixture
def base() -> Iterator[Path]:
    """Short, because sockets lie in it."""
    made = Path(tempfile.mkdtemp(prefix="mc-two-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def seats(cable: Cable, base: Path) -> Iterator[tuple[Seat, Seat]]:
    homes = Homes(base)
    made = [
        Seat(name, address, homes, Terminal(name, base, inside=("ip", "netns", "exec", namespace)))
        for name, namespace, address in ((ANN, cable.left, cable.LEFT), (BOB, cable.right, cable.RIGHT))
    ]
    yield made[0], made[1]
    for seat in made:
        seat.screen.close()


@pytest.fixture
def ear(cable: Cable, base: Path) -> Iterator[Ear]:
    one = Ear(cable.right, base / "wire")
    yield one
    one.stop()


def test_two_people_meet_talk_and_come_back_and_the_cable_tells_nothing_of_it(seats: tuple[Seat, Seat], ear: Ear):
    ann, bob = seats
    secrets: dict[str, bytes] = {}

    # Two empty homes.
    for seat in seats:
        seat.start()
    ann.introduce(PASSPHRASE)
    bob.introduce("")

    # Contacts by a link without any address: only multicast can bring them together.
    pairing = ann.link("/pair")
    assert pairing.addresses
    bob.screen.enter(f"/pair {replace(pairing, addresses=()).link}")
    bob.screen.until_shows("Pairing: the other side is being looked for")
    bob.dismiss()
    for seat, other in ((ann, bob), (bob, ann)):
        seat.until_linked(other)

    # A channel, an invitation, a conversation.
    ann.screen.enter(f"/create {CHANNEL}")
    ann.screen.until_shows(f"# ?{CHANNEL} is made")
    joining = ann.link("/invite")
    bob.screen.enter(f"/join {joining.link}")
    bob.screen.until_shows("Joining: waiting|The beginning of")
    bob.screen.until_shows(f"The beginning of #{CHANNEL}")
    said: list[str] = []

    def say(seat: Seat, text: str, listener: Seat | None) -> None:
        seat.screen.enter(text)
        said.append(text)
        seat.until_told(said)
        if listener is not None:
            listener.until_told(said)

    say(bob, "the tide turns at four", ann)
    say(ann, "then we row at three", bob)
    # Bob looks at it, and says so.
    ann.screen.until_shows(r"then we row at three +◉")
    say(bob, "who brings the lantern?", ann)

    # Bob's machine loses power between two messages, and Ann goes on writing.
    bob.die()
    for number in ("one", "two", "three", "four"):
        say(ann, f"while you were gone, {number}", None)
    bob.start()
    bob.until_told(said)
    assert ann.told() == bob.told()
    ann.until_linked(bob)
    say(bob, "back again, nothing lost", ann)
    say(ann, "bring the spare oars", bob)
    assert ann.told() == bob.told()
    assert len(set(said)) == len(said) == len(bob.told())

    for seat in seats:
        (me,) = seat.homes.results(seat.name, "whoami")
        secrets[f"user {seat.name}"] = id_bytes(me["user"])
        secrets[f"device {seat.name}"] = id_bytes(me["device"])
    for row in ann.homes.results(ANN, "log", CHANNEL):
        secrets[f"record {row['id']}"] = id_bytes(row["id"])
        secrets["channel"] = id_bytes(row["channel"])

    secrets |= {f"first bytes of {name}": value[:WINDOW_BYTES] for name, value in secrets.items()}

    # Both start anew, elsewhere on the same network: what they remember of each other's ports is of no use.
    for seat in seats:
        seat.quit()
    first_life = ear.mark()
    for seat in seats:
        seat.start()
    ann.unlock(PASSPHRASE)
    bob.until_open()
    for seat, other in ((ann, bob), (bob, ann)):
        seat.until_linked(other)
        seat.until_told(said)
    say(ann, "same cove, same hour", bob)
    say(bob, "the lamp is lit", ann)
    assert ann.told() == bob.told()
    for seat in seats:
        seat.quit()
    ear.stop()

    before, after = heard(ear.file, 0, first_life), heard(ear.file, first_life)
    secrets |= {text: text.encode() for text in said}
    secrets |= {"channel name": CHANNEL.encode(), "passphrase": PASSPHRASE.encode()}
    host = os.uname().nodename.encode()
    secrets |= {"host": host} if len(host) >= WINDOW_BYTES else {}
    secrets |= {seat.name: seat.name.encode() for seat in seats}
    secrets |= {f"words {seat.name}": " ".join(seat.phrase).encode() for seat in seats}
    secrets |= {"pairing seed": pairing.seed, "joining seed": joining.seed}
    secrets |= {"pairing key": pairing.token_key, "joining key": joining.token_key}
    assert_tells_nothing(before + after, secrets)
    assert_nothing_stays(before, after)


def assert_tells_nothing(packets: list[Packet], secrets: dict[str, bytes]) -> None:
    """No secret in any packet, nor across the packets of a connection; and the connections are TLS 1.3."""
    wire = b"\0\0\0\0".join([*(packet.raw for packet in packets), *streams(packets)])
    assert found_in(wire, secrets | {"what is public": b"_multichat"}) == ["what is public"]
    carried = [stream for stream in streams(packets) if stream]
    assert carried
    for stream in carried:
        assert stream[:2] == b"\x16\x03", stream[:32]
    hellos = [stream for stream in carried if stream[5] == 1]
    assert hellos
    for hello in hellos:
        assert_names_nobody(hello)
    assert len({hello[11:43] for hello in hellos}) == len(hellos)


def assert_names_nobody(hello: bytes) -> None:
    """A ClientHello without a server name (RFC 6066, section 3) or a session to resume (RFC 8446, section 4.2.11)."""
    at = 43
    at += 1 + hello[at]  # the session id, which TLS 1.3 only keeps for old middleboxes
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    extensions = {}
    while at < end:
        kind, size = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        extensions[kind] = hello[at + 4 : at + 4 + size]
        at += 4 + size
    server_name, supported_versions, pre_shared_key = 0, 43, 41
    assert server_name not in extensions
    assert pre_shared_key not in extensions
    assert ssl.TLSVersion.TLSv1_3.to_bytes(2, "big") in extensions[supported_versions]


@dataclass
class Shown:
    """What one machine showed of itself by multicast in one life. `names`: all that it spoke of."""

    instances: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    tokens: set[bytes] = field(default_factory=set)
    short: set[bytes] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def shown(packets: list[Packet], machine: str) -> Shown:
    """The announcements of one machine. Fails where there is more in them than is known to be harmless."""
    found = Shown()
    for packet in packets:
        if packet.source != machine or MDNS not in (packet.source_port, packet.target_port):
            continue
        message = DNSIncoming(packet.payload)
        assert message.valid
        found.names |= {question.name for question in message.questions}
        texts: dict[str, dict[bytes, bytes | None]] = {}
        ports: dict[str, int] = {}
        for record in message.answers():
            found.names.add(record.name)
            match record:
                case DNSPointer():
                    found.names.add(record.alias)
                case DNSService():
                    ports[record.name] = record.port
                    found.hosts.add(record.server)
                case DNSText():
                    texts[record.name] = properties(record.text)
                    assert set(texts[record.name]) == {b"v", b"a", b"t", b"u", b"w", b"x", b"y", b"z"}
                case DNSNsec():
                    found.names.add(record.next_name)
                case _:
                    assert isinstance(record, DNSAddress)
        for name, port in ports.items():
            announcement = parse(name, port, texts.get(name, {}))
            if announcement is not None:
                found.instances.add(announcement.instance)
                found.ports.add(port)
                found.tokens |= announcement.tokens
                found.short |= announcement.short
    return found


def properties(text: bytes) -> dict[bytes, bytes | None]:
    """A TXT record (RFC 6763, section 6)."""
    found: dict[bytes, bytes | None] = {}
    at = 0
    while at < len(text):
        key, _, value = text[at + 1 : at + 1 + text[at]].partition(b"=")
        found[key] = value
        at += 1 + text[at]
    return found


CHANCE = 1
"""Two of some thousand tokens of 4 bytes may be the same."""


def assert_nothing_stays(before: list[Packet], after: list[Packet]) -> None:
    """Whoever heard a machine's first life cannot recognise it in its second, but for the addresses that the machine has."""
    lives = [shown(packets, machine) for machine in (Cable.LEFT, Cable.RIGHT) for packets in (before, after)]
    for at, one in enumerate(lives):
        assert one.instances
        assert len(one.tokens) == ANNOUNCED_TOKENS * len(one.instances)
        assert len(one.short) >= SHORT_TOKENS * len(one.instances) - CHANCE
        for other in lives[:at]:
            assert not one.instances & other.instances
            assert not one.ports & other.ports
            assert not one.tokens & other.tokens
            assert len(one.short & other.short) <= CHANCE
            assert not one.hosts & other.hosts
    names = [set().union(*(life.names for life in lives[start::2])) - {SERVICE_TYPE} for start in (0, 1)]
    assert not names[0] & names[1]
    assert all(RANDOM_NAME.fullmatch(name) for name in names[0] | names[1])
