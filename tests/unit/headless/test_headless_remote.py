"""The contract of the node's face: what holds for the twin holds for the twin behind a control socket."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from api_twin import ApiTwin, named, user

from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.errors import IntentRefused, NewerVersion, NotFound, Refusal, Unreachable, UsageError
from multichat_tui.model.events import ChannelChanged, ContactChanged, MessageAdded, Resync
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import ChangeSetting, CreateChannel, InviteContact, OpenDirect, SendMessage
from multichat_tui.model.limits import SUBSCRIBER_EVENTS
from multichat_tui.model.searching import Phrase, Search
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.wire import to_line

PATIENCE_S = 20


@asynccontextmanager
async def served(twin, path):
    server = ControlServer(twin, path)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
def twin():
    return ApiTwin()


@pytest.fixture(params=["twin", "remote"])
async def api(request, twin, runtime):
    """The same node, held directly or over its socket."""
    if request.param == "twin":
        yield twin
        return
    async with served(twin, runtime / "s" / "c.sock"):
        node = await RemoteNode.attach(runtime / "s" / "c.sock")
        yield node
        await node.close()


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0)


# The contract


async def test_reads_answer_with_what_the_node_holds(api, twin):
    bob = twin.add_contact("bob", online=True)
    dev = twin.add_channel("dev", "bob")
    row = twin.arrive(dev.id, "bob", "h\u00e9llo \x1b[2J \U0001f600\n\u202e")
    assert (await api.me()).rows == twin.me_row
    assert (await api.contacts()).rows == (bob,)
    assert (await api.channels()).rows == (dev,)
    assert (await api.channel(dev.id)).rows == dev
    assert [member.name for member in (await api.members(dev.id)).rows] == ["me", "bob"]
    assert (await api.timeline(dev.id)).rows == (row,)
    assert (await api.message(row.id)).rows == row
    assert (await api.message(RecordId(bytes(32)))).rows is None
    assert (await api.delivery(row.id)).rows.record == row.id
    assert (await api.peers()).rows == ()
    assert await api.status() == await twin.status()
    assert (await api.settings()).as_of == twin.seq


async def test_pages_of_a_timeline(api, twin):
    dev = twin.add_channel("dev")
    rows = [twin.arrive(dev.id, "bob", str(n)) for n in range(9)]
    assert [r.text for r in (await api.timeline(dev.id, limit=3)).rows] == ["6", "7", "8"]
    assert [r.text for r in (await api.timeline(dev.id, before=rows[3].position, limit=2)).rows] == ["1", "2"]
    assert [r.text for r in (await api.timeline(dev.id, after=rows[3].position, limit=2)).rows] == ["4", "5"]


async def test_intents_are_submitted_and_answered(api, twin):
    channel = (await api.submit(CreateChannel(name="dev"))).channel
    assert channel in twin.rows
    sent = await api.submit(SendMessage(channel=channel, text="hi"))
    assert sent.record == twin.messages[-1].id
    assert (await api.submit(InviteContact())).link == "multichat:pair/abc"
    assert twin.intents[1] == SendMessage(channel=channel, text="hi")


async def test_refusals_arrive_as_they_were(api, twin):
    with pytest.raises(NotFound):
        await api.channel(ChannelId(named("nowhere")))
    twin.refuse = IntentRefused(Refusal.TOO_LONG, "Too long.", "Cut it.")
    with pytest.raises(IntentRefused) as caught:
        await api.submit(CreateChannel(name="x"))
    assert (caught.value.reason, caught.value.message, caught.value.advice) == (Refusal.TOO_LONG, "Too long.", "Cut it.")
    assert (await api.submit(CreateChannel(name="x"))).channel is not None


async def test_events_come_in_order_from_the_moment_of_entering(api, twin):
    twin.add_contact("early")
    async with api.events() as events:
        bob = twin.add_contact("bob")
        dev = twin.add_channel("dev")
        row = twin.arrive(dev.id, "bob", "hi")
        got = [await anext(events) for _ in range(3)]
    assert got == [
        ContactChanged(seq=2, row=bob),
        ChannelChanged(seq=3, row=dev),
        MessageAdded(seq=4, row=row),
    ]
    await until(lambda: twin.subscribers == 0)


async def test_two_subscribers_each_get_all_events(api, twin):
    async with api.events() as one, api.events() as two:
        twin.add_contact("bob")
        assert (await anext(one)) == (await anext(two))


async def test_the_event_iterator_ends_when_the_node_stops(api, twin):
    async with api.events() as events:
        twin.add_contact("bob")
        twin.stop()
        assert [type(event) async for event in events] == [ContactChanged]


async def test_requests_run_side_by_side_with_a_stream(api, twin):
    dev = twin.add_channel("dev")
    async with api.events() as events, asyncio.TaskGroup() as group:
        tasks = [group.create_task(api.submit(SendMessage(channel=dev.id, text=f"{n}"))) for n in range(100)]
        seen = [await anext(events) for _ in range(100)]
    assert {task.result().record for task in tasks} == {event.row.id for event in seen}
    assert len({event.row.id for event in seen}) == 100


async def test_slash_commands_work_over_either(api, twin):
    twin.add_contact("bob")
    outcome = await run_command(api, None, "/msg bob hi")
    assert twin.intents[0] == OpenDirect(user=user("bob"))
    assert outcome.open_channel == twin.messages[0].channel


async def test_settings_come_back(api):
    await api.submit(ChangeSetting(key="ui.clock", value="%H"))
    assert (await api.settings()).rows == (("ui.clock", "%H"),)


async def test_a_reader_that_is_too_slow_gets_one_resync(api, twin):
    dev = twin.add_channel("dev")
    async with api.events() as events:
        flood = 4 * SUBSCRIBER_EVENTS
        for _ in range(flood):
            twin.arrive(dev.id, "bob", "x" * 100)
            if twin.seq % 64 == 0:
                await asyncio.sleep(0)
        twin.stop()
        got = [event async for event in events]
    assert any(isinstance(event, Resync) for event in got)
    assert len(got) < flood
    assert [event.seq for event in got] == sorted(event.seq for event in got)
    assert got[-1].seq == twin.seq


# What only the socket has


async def test_nobody_listening_is_unreachable(runtime):
    with pytest.raises(Unreachable):
        await RemoteNode.attach(runtime / "none.sock")


async def test_a_socket_that_says_nothing_is_unreachable(runtime):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(silent, runtime / "x.sock"):
        with pytest.raises(Unreachable):
            await RemoteNode.attach(runtime / "x.sock", timeout_s=0.05)


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [
        (b"SSH-2.0-OpenSSH\r\n", Unreachable),
        (b"{}\n", Unreachable),
        (b'{"multichat":true}\n', Unreachable),
        (b'{"multichat":2}\n', NewerVersion),
        (b"", Unreachable),
        (to_line({"error": {"code": "refused", "message": "16 are attached", "reason": "limit"}}), IntentRefused),
    ],
)
async def test_a_strange_greeting_is_told(runtime, greeting, kind):
    async def greet(reader, writer):
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_unix_server(greet, runtime / "x.sock"):
        with pytest.raises(kind):
            await RemoteNode.attach(runtime / "x.sock")


@pytest.mark.parametrize("answer", [b"nonsense\n", b'{"id":1,"result":{"as_of":"x"}}\n', b'{"id":1}\n{"id":"1"}\n', b"[]\n"])
async def test_a_node_that_answers_nonsense_is_unreachable(runtime, answer):
    async def babble(reader, writer):
        writer.write(b'{"multichat":1}\n')
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(babble, runtime / "x.sock"):
        node = await RemoteNode.attach(runtime / "x.sock")
        with pytest.raises(Unreachable):
            await node.me()
        await node.close()


async def test_the_nodes_death_fails_waiting_and_later_requests_and_ends_streams(runtime):
    class Stuck(ApiTwin):
        async def me(self):
            self.asked = True
            await asyncio.Event().wait()

    twin = Stuck()
    twin.asked = False
    path = runtime / "s" / "c.sock"
    async with served(twin, path) as server:
        node = await RemoteNode.attach(path)
        async with node.events() as events:
            waiting = asyncio.create_task(node.me())
            await until(lambda: twin.asked)
            await server.stop()
            with pytest.raises(Unreachable):
                await waiting
            assert [event async for event in events] == []
        with pytest.raises(Unreachable):
            await node.channels()
        await node.close()
        await node.close()


async def test_a_detached_client_leaves_the_node_running(runtime, twin):
    path = runtime / "s" / "c.sock"
    async with served(twin, path):
        first = await RemoteNode.attach(path)
        await first.close()
        with pytest.raises(Unreachable):
            await first.me()
        second = await RemoteNode.attach(path)
        assert (await second.me()).rows.name == "me"
        await second.close()


async def test_searches_are_answered_in_pages(api, twin):
    bob = twin.add_contact("bob")
    dev = twin.add_channel("dev", "bob")
    for number in range(5):
        twin.arrive(dev.id, "bob", f"Boat {number}")
    asked = Search(phrases=(Phrase(text="boat"),), channels=(dev.id,), users=(bob.user,), since_ms=1, until_ms=6)
    page = (await api.search(asked, limit=2)).rows
    assert [found.row.text for found in page.rows] == ["Boat 4", "Boat 3"]
    assert page.rows[0].places == ((0, 4),)
    assert page.more == page.rows[-1].row.position
    rest = (await api.search(asked, before=page.more)).rows
    assert [found.row.text for found in rest.rows] == ["Boat 2", "Boat 1", "Boat 0"]
    assert rest.more is None
    with pytest.raises(UsageError, match="at most"):
        await api.search(Search(phrases=(Phrase(text="x"),) * 40))
