"""The floor: asyncio, TCP, TLS 1.3, cbor2, one AEAD, SQLite with synchronous=FULL and group commit on both sides, and an
acknowledgement after the receiver's commit. No identity, no signatures, no history, no state that survives a restart's doubts.

It commits on the event loop, which a program with a screen could not afford: a thread hop costs more than it does.
"""

import asyncio
import sqlite3
import ssl
import struct
import sys
import time
from pathlib import Path
from typing import Any

import cbor2
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt as open_box,
)
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_encrypt as seal_box,
)

from benchmarks import sending
from benchmarks.workers import Answer, serve

KEY = bytes(range(32))
ACK = 0xFFFFFFFF
_HEAD = struct.Struct(">I")


def database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table if not exists message (number integer primary key, sealed blob not null)")
    return connection


def nonce(number: int) -> bytes:
    return number.to_bytes(24, "big")


class Link(asyncio.Protocol):
    """Frames: a length and a sealed message, or ACK and the number up to which everything is committed."""

    def __init__(self, party: "Party") -> None:
        self.party = party
        self.rest = b""
        self.received = 0
        """Numbers on a link ascend from 0."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.party.link_up(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.party.links.discard(self)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        at, sealed = 0, []
        while len(data) - at >= 4:
            (length,) = _HEAD.unpack_from(data, at)
            if length == ACK:
                if len(data) - at < 8:
                    break
                self.party.acknowledged(self, *_HEAD.unpack_from(data, at + 4))
                at += 8
                continue
            if len(data) - at < 4 + length:
                break
            sealed.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        self.rest = data[at:]
        if sealed:
            self.party.received(self, sealed)


class Party:
    def __init__(self, directory: Path) -> None:
        self.database = database(directory / "floor.db")
        self.links: set[Link] = set()
        self.held: dict[Link, int] = {}
        self.seen = sending.Seen()
        self.pending: list[tuple[int, str, asyncio.Future[None]]] = []
        self.names: dict[int, str] = {}
        self.told = -1
        self.next = self.database.execute("select ifnull(max(number), -1) + 1 from message").fetchone()[0]
        self.due = False
        self.changed = asyncio.Event()
        self.link_ups: list[int] = []
        self.incoming = self.next

    # Sending

    def link_up(self, link: Link) -> None:
        self.link_ups.append(time.monotonic_ns())
        self.links.add(link)
        self.held[link] = -1
        waiting = self.database.execute("select sealed from message order by number").fetchall() if self.names else ()
        for start in range(0, len(waiting), 128):
            link.transport.write(b"".join(_HEAD.pack(len(sealed)) + sealed for (sealed,) in waiting[start : start + 128]))

    def submit(self, text: str) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self.pending.append((self.next, text, future))
        self.names[self.next] = text.split(" ", 1)[0]
        self.next += 1
        if not self.due:
            self.due = True
            loop.call_soon(self.commit)
        return future

    def commit(self) -> None:
        self.due = False
        batch, self.pending = self.pending, []
        rows = [(n, seal_box(cbor2.dumps([n, time.time_ns() // 1_000_000, text]), b"", nonce(n), KEY)) for n, text, _ in batch]
        self.database.execute("begin")
        self.database.executemany("insert into message values (?, ?)", rows)
        self.database.execute("commit")
        frames = b"".join(_HEAD.pack(len(sealed)) + sealed for _, sealed in rows)
        for link in self.links:
            link.transport.write(frames)
        for _, _, future in batch:
            future.set_result(None)

    def acknowledged(self, link: Link, number: int) -> None:
        now = time.monotonic_ns()
        self.held[link] = number
        everywhere = min(self.held[each] for each in self.links)
        for each in range(self.told + 1, everywhere + 1):
            self.seen.acked[self.names[each]] = now
        self.told = max(self.told, everywhere)
        self.changed.set()

    async def acked(self, name: str) -> int:
        while name not in self.seen.acked:
            self.changed.clear()
            await self.changed.wait()
        return self.seen.acked[name]

    # Receiving

    def received(self, link: Link, sealed: list[bytes]) -> None:
        texts = []
        self.database.execute("begin")
        for box in sealed:
            number, _, text = cbor2.loads(open_box(box, b"", nonce(link.received), KEY))
            link.received = number + 1
            texts.append(text)
            self.database.execute("insert into message values (?, ?)", (self.incoming, box))
            self.incoming += 1
        self.database.execute("commit")
        now = time.monotonic_ns()
        for text in texts:
            self.seen.arrivals[text.split(" ", 1)[0]] = now
        link.transport.write(_HEAD.pack(ACK) + _HEAD.pack(link.received - 1))


class Commands:
    """What the parent may ask for."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.server: asyncio.Server | None = None

    async def listen(self) -> Answer:
        from multichat_tui.net.tls import make_server_identity

        context = make_server_identity().context
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Link(self.party), "127.0.0.1", 0, ssl=context)
        return {"listen": self.server.sockets[0].getsockname()[1]}

    async def connect(self, port: int) -> Answer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Link(self.party), "127.0.0.1", port, ssl=context)
        return {}

    async def one_by_one(self, label: str, count: int, pause_ms: float) -> Answer:
        return await sending.one_by_one(self.party.submit, self.party.acked, label, count, pause_ms)

    async def stream(self, label: str, count: int) -> Answer:
        return await sending.stream(self.party.submit, self.party.acked, label, count)

    async def keep(self, label: str, count: int) -> Answer:
        """Messages for somebody who is not here."""
        await asyncio.gather(*(self.party.submit(sending.text_of(label, number)) for number in range(count)))
        return {}

    async def acked(self, label: str, number: int) -> Answer:
        """When everything was acknowledged, and when the link for it came up."""
        name = sending.text_of(label, number).split()[0]
        return {"acknowledged": await self.party.acked(name), "link_up": self.party.link_ups[-1]}

    async def arrivals(self) -> Answer:
        seen, self.party.seen.arrivals = self.party.seen.arrivals, {}
        return {"arrivals": seen, "cpu_s": time.process_time()}

    async def cpu(self) -> Answer:
        return {"cpu_s": time.process_time()}

    async def end(self) -> None:
        for link in list(self.party.links):
            link.transport.close()
        self.party.database.close()

    def table(self) -> dict[str, Any]:
        names = ("listen", "connect", "one_by_one", "stream", "keep", "acked", "arrivals", "cpu")
        return {name: getattr(self, name) for name in names}


async def main(directory: Path) -> None:
    commands = Commands(Party(directory))
    await serve(commands.table(), commands.end)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
