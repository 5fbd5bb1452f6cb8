"""Who works with which node: attach to the one that runs, else run one; and the launcher of the screens on top of it."""

import asyncio

import pytest
from api_twin import ApiTwin

from multichat_tui.headless.control import ControlServer
from multichat_tui.headless.host import Whereabouts
from multichat_tui.headless.launch import ProfileLauncher, node_answers
from multichat_tui.headless.quiet import QuietNetwork
from multichat_tui.headless.remote import RemoteNode
from multichat_tui.headless.session import LEAVING, LEFT_OVER, session, wait_for
from multichat_tui.model.errors import ProfileAbsent, ProfileBusy, StorageFailed, Unreachable, WrongPassphrase
from multichat_tui.model.events import Resync, StatusChanged
from multichat_tui.model.ids import UserId, user_id
from multichat_tui.model.ports import Credential, CredentialKind, DialFailed
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.node.api.subscription import Subscription

PATIENCE_S = 20


class Running:
    def __init__(self, host):
        self.host = host
        self.api = host.twin
        self.leaving = False

    async def close(self):
        if self.host.leaves is not None:
            self.leaving = True
            await self.host.leaves.wait()
            self.leaving = self.host.left_over
        self.host.locked = False
        self.host.twin.stop()


class HostTwin:
    """A profile whose lock, passphrase and node are played in memory."""

    def __init__(self, runtime, *, passphrase=None, known=None):
        self.paths = Whereabouts(
            config_file=runtime / "c", profile=runtime / "p", log_file=runtime / "l", socket=runtime / "s" / "c.sock"
        )
        self.right = passphrase
        self.passphrase = known
        self.there = True
        self.locked = False
        self.twin = ApiTwin()
        self.opened = []
        self.busy_times = 0
        self.leaves = None
        self.left_over = False

    def state(self):
        if not self.there:
            return ProfileState.NEW
        return ProfileState.OPEN if self.right is None else ProfileState.LOCKED

    def new_account(self):
        return bytes(32), "word " * 24

    async def create(self, *, name, passphrase, account_entropy) -> UserId:
        self.there, self.right = True, passphrase
        self.twin.name = name
        return user_id(account_entropy)

    async def open(self, *, passphrase, network):
        if self.locked or self.busy_times:
            self.busy_times = max(0, self.busy_times - 1)
            raise ProfileBusy("Somebody has it.")
        if passphrase != self.right:
            raise WrongPassphrase("Wrong.")
        self.locked = True
        self.opened.append(network)
        return Running(self)

    async def wipe(self):
        self.there = False


@pytest.fixture
def host(runtime):
    return HostTwin(runtime)


async def test_alone_a_command_opens_the_profile_and_gives_it_back(host):
    async with session(host, network=False) as opened:
        assert not opened.attached
        assert host.locked
        assert not host.paths.socket.exists()
    assert not host.locked


async def test_a_node_with_network_serves_others_while_it_lasts(host):
    async with session(host, network=True) as first, session(host, network=True) as second:
        assert (first.attached, second.attached) == (False, True)
        assert (await second.api.me()).rows == host.twin.me_row
    assert host.opened == [True]
    assert not host.paths.socket.exists()


async def test_a_stale_socket_is_passed_over(host):
    server = ControlServer(host.twin, host.paths.socket)
    await server.start()
    server._inode = None
    await server.stop()
    assert host.paths.socket.exists()
    async with session(host, network=True) as opened:
        assert not opened.attached


async def test_who_just_ends_or_just_begins_is_waited_for(host, monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.session.BUSY_RETRY_S", 0)
    host.busy_times = 3
    async with session(host, network=False) as opened:
        assert not opened.attached
    host.busy_times = 10**9

    async def serve_soon():
        while host.busy_times > 10**9 - 3:  # noqa: ASYNC110  # played by a count
            await asyncio.sleep(0)
        server = ControlServer(host.twin, host.paths.socket)
        await server.start()
        return server

    serving = asyncio.create_task(serve_soon())
    async with session(host, network=False) as opened:
        assert opened.attached
    await (await serving).stop()


async def test_a_held_lock_and_a_silent_socket_are_busy(host, monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.session.BUSY_PATIENCE_S", 0.0)
    host.locked = True
    with pytest.raises(ProfileBusy):
        async with session(host, network=False):
            pass


async def test_a_node_of_ones_own_never_attaches(host, monkeypatch):
    monkeypatch.setattr("multichat_tui.headless.session.BUSY_PATIENCE_S", 0.0)
    async with session(host, network=True):
        with pytest.raises(ProfileBusy):
            async with session(host, network=True, attach=False):
                pass


async def test_no_profile_is_told(host):
    host.there = False
    with pytest.raises(ProfileAbsent, match="init"):
        async with session(host, network=False):
            pass


# Waiting


async def test_a_wait_ends_with_what_the_check_finds(host):
    async def contact():
        rows = (await host.twin.contacts()).rows
        return rows[0] if rows else None

    waiting = asyncio.create_task(wait_for(host.twin, contact, PATIENCE_S))
    while not host.twin.subscribers:  # noqa: ASYNC110  # the twin sets no event
        await asyncio.sleep(0)
    bob = host.twin.add_contact("bob")
    assert await waiting == bob
    assert await wait_for(host.twin, contact, 0.01) == bob


async def test_a_wait_ends_with_the_time_or_with_the_node(host):
    async def never():
        return None

    assert await wait_for(host.twin, never, 0.01) is None
    waiting = asyncio.create_task(wait_for(host.twin, never, PATIENCE_S))
    while not host.twin.subscribers:  # noqa: ASYNC110  # the twin sets no event
        await asyncio.sleep(0)
    host.twin.stop()
    with pytest.raises(Unreachable):
        await waiting


async def test_a_full_subscription_becomes_one_resync_with_the_newest_number():
    queue = Subscription(3)
    for seq in range(1, 6):
        queue.put(StatusChanged(seq=seq))
    queue.end()
    queue.put(StatusChanged(seq=6))
    assert [event async for event in queue] == [Resync(seq=4), StatusChanged(seq=5)]


# The launcher


async def test_the_launcher_creates_starts_and_stops(runtime):
    host = HostTwin(runtime)
    host.there = False
    launcher = ProfileLauncher(host)
    assert launcher.state is ProfileState.NEW
    assert len((await launcher.create(name="ann", passphrase="pw")).split()) == 24
    assert launcher.state is ProfileState.LOCKED
    api = await launcher.start()
    assert (await api.me()).rows.name == "ann"
    await launcher.stop()
    await launcher.stop()
    assert not host.locked


@pytest.mark.parametrize("left_over", [False, True])
async def test_a_stop_that_leaves_things_at_mailboxes_says_so_while_it_does_and_what_became_of_it(runtime, left_over):
    host = HostTwin(runtime)
    launcher = ProfileLauncher(host)
    await launcher.start()
    host.leaves, host.left_over, said = asyncio.Event(), left_over, []

    def say(text):
        said.append(text)
        host.leaves.set()

    async with asyncio.timeout(PATIENCE_S):
        await launcher.stop(say)
    assert said == ([LEAVING, LEFT_OVER] if left_over else [LEAVING])


async def test_a_stop_that_nobody_notices_is_not_explained_and_one_whose_reader_has_hung_up_goes_on(runtime):
    host = HostTwin(runtime)
    host.leaves, said = asyncio.Event(), []
    host.leaves.set()
    launcher = ProfileLauncher(host)
    await launcher.start()
    await launcher.stop(said.append)
    assert said == []

    def hung_up(text):
        host.leaves.set()
        raise OSError(5, "no terminal")

    await launcher.start()
    host.leaves.clear()
    async with asyncio.timeout(PATIENCE_S):
        await launcher.stop(hung_up)
    assert not host.locked


async def test_a_wrong_passphrase_can_be_followed_by_the_right_one(runtime):
    launcher = ProfileLauncher(HostTwin(runtime, passphrase="pw"))
    assert launcher.state is ProfileState.LOCKED
    for wrong in ("no", None):
        with pytest.raises(WrongPassphrase):
            await launcher.start(wrong)
    await launcher.start("pw")
    await launcher.stop()


async def test_a_passphrase_from_the_settings_opens_without_asking(runtime):
    launcher = ProfileLauncher(HostTwin(runtime, passphrase="pw", known="pw"))
    assert launcher.state is ProfileState.OPEN
    await launcher.start()
    await launcher.stop()


async def test_a_second_terminal_attaches_without_a_passphrase(runtime):
    host = HostTwin(runtime, passphrase="pw")
    first, second = ProfileLauncher(host), ProfileLauncher(host)
    await first.start("pw")
    assert node_answers(host)
    assert second.state is ProfileState.OPEN
    api = await second.start()
    assert isinstance(api, RemoteNode)
    await second.stop()
    assert host.locked
    await first.stop()
    assert not node_answers(host)


async def test_a_node_that_cannot_serve_its_socket_gives_the_profile_back(host):
    host.paths.socket.parent.mkdir(mode=0o755)
    host.paths.socket.parent.chmod(0o755)
    with pytest.raises(StorageFailed):
        async with session(host, network=True, attach=False):
            pass
    assert not host.locked


async def test_a_command_that_cannot_serve_a_socket_does_its_work(host):
    host.paths.socket.parent.mkdir(mode=0o755)
    host.paths.socket.parent.chmod(0o755)
    async with session(host, network=True) as opened:
        assert (await opened.api.me()).rows.name == "me"
    assert not host.locked


# The network that is off


async def test_the_quiet_network_answers_dials_and_nothing_else():
    heard = []
    network = QuietNetwork()
    assert await network.start(None, heard.append) == ()
    network.publish([])
    network.dial(Credential(kind=CredentialKind.PEER, key=bytes(32)), "h:1")
    network.send(1, b"x")
    network.close_link(1, "x")
    network.pause(True)
    (failed,) = heard
    assert isinstance(failed, DialFailed)
    await network.stop()
    network.dial(Credential(kind=CredentialKind.PEER, key=bytes(32)), "h:1")
    assert len(heard) == 1


def test_the_end_of_the_log_is_shown_the_newest_line_first_and_not_more_than_that(runtime):
    host = HostTwin(runtime)
    launcher = ProfileLauncher(host)
    assert launcher.log() == (str(runtime / "l"), ())
    (runtime / "l").write_bytes(b"".join(b"line %d \xff\n" % number for number in range(20_000)))
    where, lines = launcher.log()
    assert where == str(runtime / "l")
    assert lines[0].startswith("line 19999 ")
    assert len(lines) == 200


async def test_the_log_is_followed_also_when_it_is_made_later_or_begun_anew(tmp_path):
    host = HostTwin(tmp_path)
    launcher = ProfileLauncher(host)
    following = launcher.follow_log()
    try:
        host.paths.log_file.write_text("time=1\n")
        assert await asyncio.wait_for(anext(following), PATIENCE_S) == (str(host.paths.log_file), ("time=1",))
        with host.paths.log_file.open("a") as file:
            file.write("time=2\n")
        assert (await asyncio.wait_for(anext(following), PATIENCE_S))[1] == ("time=2", "time=1")
        host.paths.log_file.rename(tmp_path / "l.1")
        host.paths.log_file.write_text("time=3\n")
        assert (await asyncio.wait_for(anext(following), PATIENCE_S))[1] == ("time=3",)
    finally:
        await following.aclose()
