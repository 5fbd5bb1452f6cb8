"""The control socket of a live node: whatever lines come, each gets one answer that is JSON, and nothing fails inside."""

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, cast

from multichat_tui.headless.control import _Client
from multichat_tui.headless.protocol import METHODS
from tests.fuzz.targets.living import Living

RENEW_AFTER = 3000
"""Inputs to one node: what they make stays in it."""


class Sink:
    """Takes the place of a stream writer."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    async def drain(self) -> None: ...

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...


class SocketTarget:
    name = "socket"

    def __init__(self) -> None:
        self._living = Living()
        self._count = 0
        self._requests = self._honest()

    def seeds(self) -> Sequence[bytes]:
        """Honest requests, and such as are twisted: after the byte ff."""
        return [*(json.dumps(line).encode() for line in self._requests), *(b"\xff" + bytes([number]) for number in range(40))]

    def _honest(self) -> list[dict[str, Any]]:
        channel = _text(self._living.channel)
        record = _text(self._living.ann.acknowledged[0][1])
        user = _text(self._living.run(self._living.bob.api.me()).rows.user)
        intents = [
            {"type": "send_message", "channel": channel, "text": "hi", "reply_to": record}, {"type": "create_channel", "name": "x"},
            {"type": "invite_to_channel", "channel": channel, "uses": 2, "expires_in_ms": 100000}, {"type": "join_channel", "link": "multichat:join/x"},
            {"type": "leave_channel", "channel": channel}, {"type": "open_direct", "user": user}, {"type": "set_topic", "channel": channel, "topic": "t"},
            {"type": "rename_channel", "channel": channel, "name": "n"}, {"type": "set_name", "name": "ann"}, {"type": "invite_contact"},
            {"type": "accept_contact", "link": "multichat:pair/x"}, {"type": "mark_read", "channel": channel, "arrival": 3},
            {"type": "set_draft", "channel": channel, "text": "d"}, {"type": "change_setting", "key": "ui.look", "value": "mono"}, {"type": "connect_to", "address": "127.0.0.1:4"},
        ]  # fmt: skip
        params: dict[str, Any] = {
            "channel": channel,
            "record": record,
            "limit": 5,
            "user": user,
            "id": 1,
            "before": {"ets": 5, "id": record},
        }
        lines: list[dict[str, Any]] = [
            {"id": n, "method": "submit", "params": {"intent": intent}} for n, intent in enumerate(intents)
        ]
        lines += [{"id": 1, "method": name, "params": params} for name in METHODS if name != "submit"]
        lines += [{"id": 1, "method": "events"}, {"id": 2, "method": "cancel", "params": {"id": 1}}]
        return lines

    def words(self) -> Sequence[bytes]:
        return [
            b"null", b"true", b"-1", b"1e999", b"NaN", b"Infinity", b"9" * 30, b'"\\ud800"', b'""', b"[]", b"{}", b'"id":', b'"method":', b'"params":', b'"type":', b"[" * 60,
            b'{"a":' * 60, b"\n", b"\xff", b"\\u0000", b"0" * 52, b"\xc2\x85", *(f'"{name}"'.encode() for name in METHODS), b'"events"', b'"cancel"', b'"intent"',
        ]  # fmt: skip

    def play(self, case: bytes) -> str:
        self._count += 1
        if self._count % RENEW_AFTER == 0:
            self._living.renew()
        outcome = self._living.run(self._play(case))
        self._living.check()
        return outcome

    async def _play(self, case: bytes) -> str:
        sink = Sink()
        client = _Client(self._living.ann.api, asyncio.StreamReader(), cast(asyncio.StreamWriter, sink))
        lines = case.split(b"\n")[:4]
        if case[:1] == b"\xff":
            lines = [json.dumps(_twisted(Random(case), self._requests)).encode()]
        told = []
        try:
            for line in lines:
                before = len(sink.lines)
                await client._room.acquire()
                await client._answer(line + b"\n")
                if not client._streams:
                    assert len(sink.lines) == before + 1, "not one answer"
                for answer in sink.lines[before:]:
                    told.append(_outcome(answer))
        finally:
            tasks = list(client._streams.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return " ".join(told)[:160]

    def close(self) -> None:
        self._living.close()


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**53, 2**63, 2**64, 10**40, 1.5, 1e308, "", " ", "a" * 9000, "\0", "\x1b[2J", "\u202e", "a" * 52, "7" * 52, [], {}, [[]], {"type": "send_message"},
    "127.0.0.1:0", "multichat:join/", "events", "ui.look", "#", [None], {"": None},
)  # fmt: skip


def _twisted(rng: Random, requests: list[dict[str, Any]]) -> Any:
    """A request with one to three places changed: another value, a missing or a strange field."""
    request = json.loads(json.dumps(rng.choice(requests)))
    for _ in range(rng.randrange(1, 4)):
        places = list(_places(request))
        parent, key = rng.choice(places)
        match rng.randrange(5):
            case 0:
                del parent[key]
                if not list(_places(request)):
                    return request
            case 1:
                parent["_" if isinstance(key, str) else key] = json.loads(json.dumps(rng.choice(ODD)))
            case 2:
                other, theirs = rng.choice(places)
                parent[key] = json.loads(json.dumps(other.get(theirs)))
            case _:
                parent[key] = json.loads(json.dumps(rng.choice(ODD)))
    return request


def _places(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield value, key
            yield from _places(entry)


def _text(identifier: bytes) -> str:
    return base64.b32encode(identifier).decode().rstrip("=").lower()


def _outcome(line: bytes) -> str:
    assert line.endswith(b"\n")
    answer = json.loads(line)
    assert isinstance(answer, dict)
    if "error" in answer:
        error = answer["error"]
        assert error["code"] != "internal", error
        return f"{error['code']} {error.get('reason', '')} {error['message'][:24]}"
    return f"result {answer['result'].get('type', '') if isinstance(answer.get('result'), dict) else sorted(answer)}"
