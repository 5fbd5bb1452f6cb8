"""A mailbox as a process of its own: from one command, through kill -9 and a full disk, and what its files say of its users."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deciphered import deciphered
from mailbox_calls import Caller, come, granted, id_of, seed_of, verifier_of
from real_nodes import LOCAL, Homes, RealNode
from requirements import Require

from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.mailboxes import deposit_holds, take_queue
from multichat_tui.model.frame_bytes import encode_frame
from multichat_tui.model.ids import fingerprint
from multichat_tui.model.limits import MAX_FETCHED_AT_ONCE, MIN_FREE_BYTES
from multichat_tui.model.mailbox_frames import (
    CloseQueue,
    DeleteEnvelopes,
    Deposited,
    Envelopes,
    FetchEnvelopes,
    ListEnvelopes,
    Listing,
    MailboxAnswer,
    PutEnvelope,
    Word,
)
from multichat_tui.model.mailboxes import MailboxGrant, envelope_hash
from multichat_tui.net.network import TcpNetwork
from multichat_tui.store.keyfile import read_keys
from multichat_tui.store.sqlite import SqliteStore
from multichat_tui.store.wrapping import DATABASE_KEY, open_secret, wrapping_key

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
DAY_MS = 24 * 60 * 60 * 1000
Come = Callable[[MailboxGrant], Awaitable[Caller]]


@pytest.fixture
def homes() -> Iterator[Homes]:
    base = Path(tempfile.mkdtemp(prefix="mc-box-"))
    made = Homes(base)
    yield made
    made.end_all()
    shutil.rmtree(base, ignore_errors=True)


def run_mailbox(homes: Homes, who: str = "box", *words: str) -> tuple[RealNode, dict[str, Any]]:
    """One command from an empty home, or again; its first line."""
    node = homes.start([*homes.command(who, "--json", "mailbox", "run", *LOCAL), *words])
    return node, node.ready


@asynccontextmanager
async def callers() -> AsyncIterator[Come]:
    """A function that comes to a mailbox; all links are closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(grant: MailboxGrant) -> Caller:
            network = TcpNetwork(listen="127.0.0.1:0", lan=False)
            stack.push_async_callback(network.stop)
            return await come(network, grant.address, os.urandom(32))

        yield make


def at(grant: MailboxGrant, ready: dict[str, Any]) -> MailboxGrant:
    """The same place, where the mailbox listens now."""
    return replace(grant, address=replace(grant.address, addresses=tuple(ready["listen"])))


def tomorrow() -> int:
    """In the time that the mailbox has too."""
    return time.time_ns() // 1_000_000 + DAY_MS


async def test_the_recovery_phrase_of_a_mailbox_made_by_one_command_is_written_or_it_is_said_how(homes: Homes) -> None:
    phrase = homes.base / "phrase"
    node, ready = run_mailbox(homes, "box", "--recovery-file", str(phrase))
    assert len(phrase.read_text(encoding="ascii").split()) == 24
    assert phrase.stat().st_mode & 0o077 == 0
    assert "recovery_phrase" not in ready
    node.kill()
    with pytest.raises(AssertionError, match="It was made with its profile"):
        homes.results("box", "mailbox", "run", *LOCAL, "--recovery-file", str(homes.base / "other"))
    assert not (homes.base / "other").exists()


async def test_a_mailbox_runs_from_one_command_and_is_killed_in_the_middle_of_puts(homes: Homes) -> None:
    node, ready = run_mailbox(homes)
    grant = granted(ready["link"])
    assert ready["on"]
    acknowledged: list[bytes] = []
    async with callers() as make:
        owner, writer = await make(at(grant, ready)), await make(at(grant, ready))
        await owner.own(grant, "queue")
        await owner.allow("queue", "ben", quota=10**8)
        await writer.write("queue", "ben")
        expires_ms = tomorrow()
        for round_ in range(3):
            there_before = len(acknowledged)
            acknowledged += await put_until_killed(writer, node, expires_ms)
            assert len(acknowledged) - there_before >= 100
            node, ready = run_mailbox(homes)
            assert ready["link"] is None, "the place is there already"
            owner, writer = await make(at(grant, ready)), await make(at(grant, ready))
            assert await owner.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE
            await writer.write("queue", "ben")
            there = {envelope_hash(envelope) for envelope in await fetch_all(owner)}
            lost = [envelope for envelope in acknowledged if envelope_hash(envelope) not in there]
            assert not lost, f"round {round_}: {len(lost)} acknowledged envelopes are gone"
        fetched = await fetch_all(owner)
        assert set(acknowledged) <= set(fetched)
        again = await writer.put("queue", "ben", acknowledged[0], expires_ms)
        assert isinstance(again, Deposited)
        assert deposit_holds(grant.address.mailbox, id_of("queue"), again.receipts[0])
    (row,) = homes.results("box", "mailbox", "kept")
    assert row["places"][0]["envelopes"] == len(fetched)


async def put_until_killed(writer: Caller, node: RealNode, expires_ms: int) -> list[bytes]:
    """Four hundred envelopes at once, and kill -9 after the hundredth receipt. Those for which there was one."""
    sent = [os.urandom(600) for _ in range(400)]
    by_hash = {envelope_hash(envelope): envelope for envelope in sent}
    for number, envelope in enumerate(sent):
        writer.send(put(1000 + number, envelope, expires_ms))

    def receipts() -> list[bytes]:
        found = [reply for reply in writer.replies if isinstance(reply, Deposited)]
        return [receipt.envelope for reply in found for receipt in reply.receipts if receipt.envelope in by_hash]

    await writer.until(lambda: len(receipts()) >= 100)
    os.kill(node.pid, signal.SIGKILL)
    await writer.until(lambda: writer.down)
    node.kill()
    return [by_hash[name] for name in receipts()]


def put(number: int, envelope: bytes, expires_ms: int) -> bytes:
    request = PutEnvelope(
        number=number, queue=id_of("queue"), writer=verifier_of("ben")[:8], envelope=envelope, expires_ms=expires_ms
    )
    return encode_frame(request)


async def fetch_all(owner: Caller) -> list[bytes]:
    """In as many questions as it takes."""
    serials: list[int] = []
    while True:
        after = serials[-1] if serials else 0
        listing = await owner.ask(
            lambda n, _, after=after: ListEnvelopes(number=n, queue=id_of("queue"), after=after, limit=1024)
        )
        assert isinstance(listing, Listing)
        serials += [each.serial for each in listing.envelopes]
        if not listing.more:
            break
    found: dict[int, bytes] = {}
    while len(found) < len(serials):
        wanted = tuple(serial for serial in serials if serial not in found)[:MAX_FETCHED_AT_ONCE]
        answers = await owner.ask_all(lambda n, _, w=wanted: FetchEnvelopes(number=n, queue=id_of("queue"), serials=w))
        found |= {e.serial: e.envelope for answer in answers if isinstance(answer, Envelopes) for e in answer.envelopes}
    return [found[serial] for serial in serials]


async def test_what_a_mailbox_has_on_its_disk_names_nobody_and_what_was_taken_is_gone(homes: Homes) -> None:
    """Raw files, and the pages as the operator's own key opens them."""
    node, ready = run_mailbox(homes)
    grant = granted(ready["link"])
    envelopes = [b"quicksilver%04x " % number * 40 for number in range(30)]
    async with callers() as make:
        owner, writer = await make(at(grant, ready)), await make(at(grant, ready))
        await owner.own(grant, "queue", "closed")
        await owner.allow("queue", "ben")
        await writer.write("queue", "ben")
        for envelope in envelopes:
            assert isinstance(await writer.put("queue", "ben", envelope, tomorrow()), Deposited)
        serials = [each.serial for each in (await owner.listing("queue")).envelopes]
        taken = tuple(serials[:20])
        assert await owner.word(lambda n, _: DeleteEnvelopes(number=n, queue=id_of("queue"), serials=taken)) is Word.DONE
        assert await owner.word(lambda n, _: CloseQueue(number=n, queue=id_of("closed"))) is Word.DONE
        secrets = {
            "the place's seed": grant.seed,
            "the queue's public key": public_key(seed_of("queue")),
            "the owner's device": owner.up.local or b"",
            "the writer's device": writer.up.local or b"",
            "a link's binding": owner.up.binding,
        }
    assert node.stop() == 0
    root = homes.profile("box")
    files = b"".join(file.read_bytes() for file in root.iterdir() if file.is_file())
    for envelope in envelopes:
        assert envelope[:16] not in files
    wrapped = read_keys(root / "keys")
    assert wrapped is not None
    key = open_secret(wrapping_key(wrapped, None), DATABASE_KEY, wrapped, root / "keys")
    store = SqliteStore(root / "messages.db", key, create=False)
    with store.transaction() as txn:
        txn.mailbox.forget_traces()
    pages = deciphered(root / "messages.db", key)
    store.close()
    assert [name for name, secret in secrets.items() if secret in pages or secret in files] == []
    assert [number for number, envelope in enumerate(envelopes) if envelope[:16] in pages] == list(range(20, 30))


@pytest.fixture
def disk(require: Require) -> Iterator[Path]:
    """A disk of its own, a little larger than what a mailbox leaves free."""
    require(sys.platform == "linux" and os.geteuid() == 0, "mounting a small disk needs root on Linux")
    place = Path(tempfile.mkdtemp(prefix="mc-disk-"))
    size = f"size={MIN_FREE_BYTES + 8 * 1024 * 1024}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=False, capture_output=True)
    require(mounted.returncode == 0, "mounting is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
    place.rmdir()


def fill(disk: Path) -> Path:
    """Take all space."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            pass
    return filler


async def test_on_a_full_disk_nothing_new_is_taken_and_what_was_acknowledged_stays(disk: Path) -> None:
    homes = Homes(disk)
    try:
        node, ready = run_mailbox(homes)
        grant = granted(ready["link"])
        async with callers() as make:
            owner, writer = await make(at(grant, ready)), await make(at(grant, ready))
            await owner.own(grant, "queue")
            await owner.allow("queue", "ben", quota=10**8)
            await writer.write("queue", "ben")
            expires_ms = tomorrow()
            kept: list[bytes] = []
            while True:
                envelope = os.urandom(200_000)
                answer = await writer.put("queue", "ben", envelope, expires_ms)
                if not isinstance(answer, Deposited):
                    break
                kept.append(envelope)
            assert isinstance(answer, MailboxAnswer)
            assert answer.word is Word.BUSY
            assert answer.retry_after_ms
            assert len(kept) > 3
            filler = fill(disk)
            answer = await writer.put("queue", "ben", b"not a byte is free", expires_ms)
            assert isinstance(answer, MailboxAnswer)
            assert answer.word is Word.BUSY
            assert await fetch_all(owner) == kept
            filler.unlink()
        assert node.stop() == 0
        node, ready = run_mailbox(homes)
        async with callers() as make:
            owner = await make(at(grant, ready))
            assert await owner.word(lambda n, b: take_queue(n, seed_of("queue"), b)) is Word.DONE
            assert await fetch_all(owner) == kept
    finally:
        homes.end_all()


def test_the_link_of_a_place_is_given_to_people_and_programs_alike(homes: Homes) -> None:
    _, ready = run_mailbox(homes)
    (bob,) = homes.results("box", "mailbox", "grant", "bob", "--quota", "5M", "--queues", "3")
    grant = granted(bob["link"])
    assert fingerprint(grant.address.mailbox).replace(" ", "") == ready["mailbox"]
    assert list(grant.address.addresses) == ready["listen"]
    names = [row["name"] for row in homes.results("box", "mailbox", "grants")]
    assert names == ["bob", "first"]
    homes.results("box", "mailbox", "revoke", "bob")
    (kept,) = homes.results("box", "mailbox", "kept")
    assert [place["name"] for place in kept["places"]] == ["first"]
    (status,) = homes.results("box", "mailbox", "host")
    assert status["on"]
