"""The control socket against clients that misbehave. That another user's process is turned away cannot be tried as one user; the
directory's and the socket's modes are, and the check itself with a uid that is not ours."""

import asyncio
import json
import logging
import os
import socket
import stat

import pytest
from api_twin import ApiTwin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multichat_tui.headless import control
from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.protocol import MAX_IN_FLIGHT, MAX_STREAMS
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.headless.socket_path import MAX_PATH_BYTES, make_private, peer_uid, socket_path
from multichat_tui.model.errors import IntentRefused, StorageFailed
from multichat_tui.model.limits import MAX_ATTACHED, MAX_REQUEST_LINE_BYTES

PATIENCE_S = 20


@pytest.fixture
def twin():
    return ApiTwin()


@pytest.fixture
async def path(twin, runtime):
    where = runtime / "s" / "c.sock"
    server = ControlServer(twin, where)
    await server.start()
    yield where
    await server.stop()


class Raw:
    """A client that sends what it likes."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def hear(self):
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await self.reader.readline()
        except ConnectionResetError:  # cut off while we were still sending
            return None
        return json.loads(line) if line else None

    async def ask(self, line):
        self.writer.write(line + b"\n")
        return await self.hear()

    def close(self):
        self.writer.close()


async def connect(path):
    raw = Raw(*await asyncio.open_unix_connection(path))
    greeting = await raw.hear()
    assert greeting.get("multichat") == 1, greeting
    return raw


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0)


# Files


async def test_the_socket_is_the_users_alone(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_stale_socket_file_is_replaced_and_ours_removed_at_the_end(runtime, twin):
    where = runtime / "s" / "c.sock"
    make_private(where.parent)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(where))
    stale.close()
    server = ControlServer(twin, where)
    await server.start()
    (await connect(where)).close()
    await server.stop()
    assert not where.exists()
    await server.stop()


async def test_a_successors_socket_is_left_alone(runtime, twin):
    where = runtime / "s" / "c.sock"
    old, new = ControlServer(twin, where), ControlServer(twin, where)
    await old.start()
    await new.start()
    await old.stop()
    (await connect(where)).close()
    await new.stop()


async def test_a_directory_that_is_open_to_others_is_refused(runtime, twin):
    (runtime / "open").mkdir()
    (runtime / "open").chmod(0o755)
    with pytest.raises(StorageFailed, match="open to others"):
        await ControlServer(twin, runtime / "open" / "c.sock").start()
    (runtime / "link").symlink_to(runtime)
    with pytest.raises(StorageFailed):
        await ControlServer(twin, runtime / "link" / "c.sock").start()


async def test_a_path_that_cannot_be_bound_is_a_storage_failure(runtime, twin):
    with pytest.raises(StorageFailed):
        await ControlServer(twin, runtime / ("x" * 200)).start()
    (runtime / "dir").mkdir(mode=0o700)
    (runtime / "dir" / "c.sock").mkdir()
    with pytest.raises(StorageFailed):
        await ControlServer(twin, runtime / "dir" / "c.sock").start()


@given(st.text(alphabet="abcdefé/", min_size=1, max_size=300))
def test_socket_paths_are_short_and_one_per_profile(name):
    from pathlib import Path

    deep = Path("/home/somebody") / name.strip("/")
    for environment in ({}, {"XDG_RUNTIME_DIR": "/run/user/1000"}, {"XDG_RUNTIME_DIR": "relative"}):
        found = socket_path(deep, environment)
        assert len(os.fsencode(found)) <= MAX_PATH_BYTES
        assert found == socket_path(deep, environment)
        assert found != socket_path(deep / "other", environment)


def test_the_runtime_directory_is_used_while_its_path_is_short(runtime):
    assert socket_path(runtime / "p", {"XDG_RUNTIME_DIR": str(runtime)}).parent == runtime / "multichat"
    long = runtime / ("x" * 80)
    long.mkdir()
    assert runtime not in socket_path(runtime / "p", {"XDG_RUNTIME_DIR": str(long)}).parents


def test_a_profile_reached_by_a_link_has_the_same_socket(runtime):
    (runtime / "real").mkdir()
    (runtime / "alias").symlink_to(runtime / "real")
    assert socket_path(runtime / "real", {}) == socket_path(runtime / "alias", {})


def test_the_peers_user_is_told_by_the_system():
    one, two = socket.socketpair(socket.AF_UNIX)
    with one, two:
        assert peer_uid(one) == os.getuid()


@pytest.mark.parametrize("uid", [os.getuid() + 1, None])
async def test_another_user_hears_nothing(path, monkeypatch, uid):
    monkeypatch.setattr(control, "peer_uid", lambda connection: uid)
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()


# Requests


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "one JSON object"),
        (b"hello", "one JSON object"),
        (b"[1]", "one JSON object"),
        (b"\xff\xfe", "one JSON object"),
        (b"{}", "id needs"),
        (b'{"id":-1}', "id needs"),
        (b'{"id":true,"method":"me"}', "id needs"),
        (b'{"id":1e99,"method":"me"}', "id needs"),
        (b'{"id":1}', "no such method"),
        (b'{"id":1,"method":"die"}', "no such method"),
        (b'{"id":1,"method":"__class__"}', "no such method"),
        (b'{"id":1,"method":"stop"}', "no such method"),
        (b'{"id":1,"method":["me"]}', "no such method"),
        (b'{"id":1,"method":"me","params":[]}', "params needs"),
        (b'{"id":1,"method":"submit"}', "intent: it is missing"),
        (b'{"id":1,"method":"submit","params":{"intent":{"type":"shutdown"}}}', "type: it is unknown"),
        (b'{"id":1,"method":"timeline","params":{"channel":"x"}}', "52 base32"),
        (b'{"id":1,"method":"cancel","params":{}}', "id needs"),
    ],
)
async def test_malformed_requests_get_a_usage_error_and_the_connection_goes_on(path, line, message):
    raw = await connect(path)
    answer = await raw.ask(line)
    assert answer["error"]["code"] == "usage"
    assert message in answer["error"]["message"]
    assert (await raw.ask(b'{"id":7,"method":"me"}'))["id"] == 7
    raw.close()


async def test_unknown_parameters_are_ignored(path):
    raw = await connect(path)
    assert "result" in await raw.ask(b'{"id":1,"method":"me","params":{"later":1},"more":2}')
    raw.close()


async def test_an_oversized_line_is_told_and_ends_the_connection_only(path):
    raw = await connect(path)
    raw.writer.write(b'{"id":1,"method":"' + b"x" * (MAX_REQUEST_LINE_BYTES * 2))
    answer = await raw.hear()
    assert str(MAX_REQUEST_LINE_BYTES) in answer["error"]["message"]
    assert await raw.hear() is None
    raw.close()
    (await connect(path)).close()


async def test_a_cut_off_line_is_no_request(path, twin):
    raw = await connect(path)
    raw.writer.write(b'{"id":1,"method":"submit","params":{"intent":{"type":"create_channel","name":"x"}}}')
    raw.writer.write_eof()
    assert await raw.hear() is None
    assert twin.intents == []
    raw.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=120), max_size=8), cut=st.binary(max_size=40))
def test_any_bytes_leave_the_node_serving(runtime, lines, cut):
    async def attack():
        twin = ApiTwin()
        where = runtime / "f" / "c.sock"
        server = ControlServer(twin, where)
        await server.start()
        raw = await connect(where)
        raw.writer.write(b"".join(line.replace(b"\n", b"") + b"\n" for line in lines) + cut.replace(b"\n", b""))
        raw.writer.write_eof()
        while (answer := await raw.hear()) is not None:
            assert "error" in answer or "result" in answer
        raw.close()
        node = await RemoteNode.attach(where)
        assert (await node.me()).rows == twin.me_row
        await node.close()
        await server.stop()

    asyncio.run(attack())


async def test_a_bug_in_the_node_is_an_internal_error_and_no_more(path, twin, monkeypatch):
    async def broken():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(twin, "me", broken)
    raw = await connect(path)
    answer = await raw.ask(b'{"id":1,"method":"me"}')
    assert answer["error"]["code"] == "internal"
    assert "secret" not in json.dumps(answer)
    assert "result" in await raw.ask(b'{"id":2,"method":"status"}')
    raw.close()


# Bounds


async def test_the_seventeenth_client_is_refused_and_a_place_frees_itself(path):
    attached = [await RemoteNode.attach(path) for _ in range(MAX_ATTACHED)]
    with pytest.raises(IntentRefused, match=str(MAX_ATTACHED)):
        await RemoteNode.attach(path)
    await attached.pop().close()

    async def attach_again():
        while True:
            try:
                return await RemoteNode.attach(path)
            except IntentRefused:
                await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE_S):
        attached.append(await attach_again())
    for node in attached:
        assert (await node.me()).rows.name == "me"
        await node.close()


async def test_requests_in_flight_are_bounded(path, twin, monkeypatch):
    running = 0
    most = 0
    gate = asyncio.Event()
    status = await twin.status()

    async def slow():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        return status

    monkeypatch.setattr(twin, "status", slow)
    raw = await connect(path)
    for number in range(5 * MAX_IN_FLIGHT):
        raw.writer.write(b'{"id":%d,"method":"status"}\n' % number)
    await until(lambda: running == MAX_IN_FLIGHT)
    other = await connect(path)
    assert "result" in await other.ask(b'{"id":1,"method":"me"}')
    assert running == MAX_IN_FLIGHT
    gate.set()
    answers = [(await raw.hear())["id"] for _ in range(5 * MAX_IN_FLIGHT)]
    assert sorted(answers) == list(range(5 * MAX_IN_FLIGHT))
    assert most == MAX_IN_FLIGHT
    raw.close()
    other.close()


async def test_streams_of_one_client_are_bounded_and_can_be_cancelled(path, twin):
    raw = await connect(path)
    for number in range(MAX_STREAMS):
        assert "result" in await raw.ask(b'{"id":%d,"method":"events"}' % number)
    assert (await raw.ask(b'{"id":99,"method":"events"}'))["error"]["reason"] == "limit"
    assert (await raw.ask(b'{"id":0,"method":"events"}'))["error"]["code"] == "usage"
    assert "result" in await raw.ask(b'{"id":100,"method":"cancel","params":{"id":0}}')
    assert "result" in await raw.ask(b'{"id":101,"method":"cancel","params":{"id":12345}}')
    assert twin.subscribers == MAX_STREAMS - 1
    assert "result" in await raw.ask(b'{"id":99,"method":"events"}')
    raw.close()
    await until(lambda: twin.subscribers == 0)


async def test_a_client_that_does_not_read_gets_resync_and_costs_no_memory(path, twin):
    twin.queue = 100
    dev = twin.add_channel("dev")
    raw = await connect(path)
    assert "result" in await raw.ask(b'{"id":1,"method":"events"}')
    for _ in range(1000):
        twin.arrive(dev.id, "bob", "x" * 4000)
        await asyncio.sleep(0)
    (reader,) = twin._readers
    assert len(reader._queue) <= 100
    other = await RemoteNode.attach(path)
    assert (await other.me()).rows.name == "me"
    await other.close()
    twin.stop()
    names = []
    while "end" not in (message := await raw.hear()):
        names.append(message["event"]["type"])
    assert "resync" in names
    assert len(names) < 1000
    raw.close()


async def test_the_end_of_the_node_leaves_no_fault_in_the_log(runtime, twin, caplog):
    where = runtime / "s" / "c.sock"
    server = ControlServer(twin, where)
    await server.start()
    raw = await connect(where)
    assert "result" in await raw.ask(b'{"id":1,"method":"events"}')
    await server.stop()
    while await raw.hear() is not None:
        pass
    raw.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_client_that_vanishes_takes_nothing_along(path, twin):
    raw = await connect(path)
    assert "result" in await raw.ask(b'{"id":1,"method":"events"}')
    raw.writer.transport.abort()
    await until(lambda: twin.subscribers == 0)
    twin.add_contact("bob")
    (await connect(path)).close()
