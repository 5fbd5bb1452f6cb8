"""Messages in files, between people who are never online together."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from carried import counter, within
from parted import parted, states, user_of
from simulated_world import Person, SimulatedWorld

from multichat_tui.model.errors import IntentRefused, MultichatError, NotFound, Refusal, StorageFailed
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.intents import BundleReport, ExportBundle, ImportBundle
from multichat_tui.model.limits import MAX_BUNDLE_BYTES
from multichat_tui.model.snapshots import Delivery
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.bundles import MAGIC


def size_of(path: Path) -> int:
    return path.stat().st_size


def names_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]


async def write(person: Person, path: Path, channel: ChannelId | None = None, user: UserId | None = None) -> BundleReport:
    report = (await person.api.submit(ExportBundle(path=str(path), channel=channel, user=user))).bundle
    assert report is not None
    assert size_of(path) == report.size
    return report


async def read(person: Person, path: Path) -> BundleReport:
    report = (await person.api.submit(ImportBundle(path=str(path)))).bundle
    assert report is not None
    return report


async def refusal(person: Person, path: Path) -> MultichatError:
    with pytest.raises(MultichatError) as refused:
        await read(person, path)
    return refused.value


def test_a_file_carries_messages_there_and_the_word_that_they_have_come_back(tmp_path: Path) -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(51, "ann", "bob")
        for number in range(300):
            await ann.say(channel, f"message {number} {'x' * 900}")
        report = await write(ann, tmp_path / "there")
        assert report.devices == 1
        assert report.parcels > 1
        found = await read(bob, tmp_path / "there")
        assert (found.parcels, found.refused, found.foreign) == (report.parcels, 0, 0)
        assert [text.split(" x")[0] for text in await bob.texts(channel)] == [f"message {n}" for n in range(300)]
        await bob.say(channel, "thanks")
        await write(bob, tmp_path / "back", user=await user_of(ann))
        await read(ann, tmp_path / "back")
        assert (await ann.texts(channel))[-1] == "thanks"
        assert set(await states(ann, channel)) == {Delivery.ALL}

    run_virtual(story())


def test_a_bundle_names_nobody_and_nothing_in_clear(tmp_path: Path) -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(52, "ann", "bob")
        await ann.say(channel, "the secret place")
        await write(ann, tmp_path / "there")
        await write(ann, tmp_path / "again")
        one, other = (tmp_path / "there").read_bytes(), (tmp_path / "again").read_bytes()
        users = [await user_of(person) for person in (ann, bob)]
        devices = within(ann, lambda engine: [engine.world.identity.device, *engine.world.certificates()])
        for name in (*users, *devices, channel):
            assert name[:8] not in one
        assert b"secret" not in one
        assert b"ann" not in one
        head = len(MAGIC) + 32
        assert one[head : head + 12] != other[head : head + 12], "not even the same reader shows twice"

    run_virtual(story())


def test_bundles_that_are_bad_foreign_or_read_before_are_refused_each_in_its_own_words(tmp_path: Path) -> None:
    async def story() -> None:
        world, (ann, bob), channel = await parted(53, "ann", "bob")
        (eve,) = await world.add("eve")
        await ann.say(channel, "one")
        path = tmp_path / "bundle"
        await write(ann, path)
        whole = path.read_bytes()

        def made(name: str, encoded: bytes) -> Path:
            (tmp_path / name).write_bytes(encoded)
            return tmp_path / name

        assert "damaged" in (await refusal(bob, made("cut", whole[:-1]))).message
        assert "damaged" in (await refusal(bob, made("more", whole + b"\0"))).message
        assert "no bundle" in (await refusal(bob, made("other", b"something else"))).message
        assert "no bundle" in (await refusal(bob, made("empty", b""))).message
        assert "larger" in (await refusal(bob, made("huge", whole + bytes(MAX_BUNDLE_BYTES)))).message
        assert isinstance(await refusal(bob, tmp_path / "absent"), NotFound)
        foreign = await refusal(eve, path)
        assert "for this device" in foreign.message
        assert isinstance(foreign, IntentRefused)
        assert foreign.reason is Refusal.NOT_ALLOWED
        flipped = bytearray(whole)
        flipped[-1] ^= 1
        assert "cannot be opened" in (await refusal(bob, made("flipped", bytes(flipped)))).message
        assert counter(bob, "bundle-undecryptable") == 1
        assert await bob.texts(channel) == []
        await read(bob, path)
        again = await refusal(bob, path)
        assert "read before" in again.message
        assert await bob.texts(channel) == ["one"]
        own = await refusal(ann, path)
        assert "for this device" in own.message

    run_virtual(story())


def test_nothing_is_overwritten_and_nothing_is_written_for_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        world, (ann, bob), channel = await parted(54, "ann", "bob")
        (eve,) = await world.add("eve")
        await ann.say(channel, "one")
        path = tmp_path / "bundle"
        path.write_bytes(b"mine")
        for person, where in ((ann, path), (ann, tmp_path / "no" / "where"), (eve, tmp_path / "alone"), (ann, Path("relative"))):
            with pytest.raises(IntentRefused):
                await write(person, where)
        assert path.read_bytes() == b"mine"
        assert names_in(tmp_path) == ["bundle"]
        await write(ann, tmp_path / "one")
        await read(bob, tmp_path / "one")
        await write(bob, tmp_path / "two")
        await read(ann, tmp_path / "two")
        with pytest.raises(IntentRefused) as refused:
            await write(ann, tmp_path / "three")
        assert refused.value.reason is Refusal.EMPTY

    run_virtual(story())


def test_that_it_has_come_is_told_again_where_the_first_answer_may_be_lost(tmp_path: Path) -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(58, "ann", "bob")
        await ann.say(channel, "one")
        await write(ann, tmp_path / "there")
        await read(bob, tmp_path / "there")
        await write(bob, tmp_path / "lost")
        assert await states(ann, channel) == [Delivery.QUEUED]
        await write(bob, tmp_path / "second")
        await bob.stop()
        await bob.start()
        await write(bob, tmp_path / "third", user=await user_of(ann))
        with pytest.raises(IntentRefused):
            await write(bob, tmp_path / "fourth")
        for name in ("second", "third"):
            await read(ann, tmp_path / name)
            assert await states(ann, channel) == [Delivery.ALL]
        # She answers what else was told in them, and that is the end of it.
        await write(ann, tmp_path / "answer")
        await read(bob, tmp_path / "answer")
        with pytest.raises(IntentRefused):
            await write(bob, tmp_path / "nothing")

    run_virtual(story())


def fails_with(number: int) -> Callable[..., object]:
    def fail(*_words: object, **_more: object) -> object:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("failing", "number"),
    [
        ((os, "fsync"), errno.ENOSPC),
        ((os, "open"), errno.EROFS),
        ((Path, "exists"), errno.EACCES),
        ((Path, "exists"), errno.ENAMETOOLONG),
    ],
)
def test_what_the_disk_refuses_is_said_and_nothing_is_left_behind(
    tmp_path: Path, failing: tuple[object, str], number: int
) -> None:
    async def story() -> None:
        _, (ann, bob), channel = await parted(59, "ann", "bob")
        await ann.say(channel, "one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(*failing, fails_with(number))
            if number == errno.EROFS:
                # There nothing can be taken away either.
                patch.setattr(Path, "unlink", fails_with(number))
            with pytest.raises(StorageFailed, match=os.strerror(number)):
                await write(ann, tmp_path / "there")
        assert names_in(tmp_path) == []
        await write(ann, tmp_path / "there")
        await read(bob, tmp_path / "there")
        assert await bob.texts(channel) == ["one"]

    run_virtual(story())


def test_a_bundle_for_a_channel_holds_what_is_in_that_channel_alone(tmp_path: Path) -> None:
    async def story() -> None:
        world = SimulatedWorld(55)
        ann, bob = await world.add("ann", "bob")
        await world.pair(ann, bob)
        one = await world.channel_of(ann, bob, name="one")
        other = await world.channel_of(ann, bob, name="other")
        world.hub.partition(["ann"], ["bob"])
        await ann.say(one, "in one")
        await ann.say(other, "in the other")
        await write(ann, tmp_path / "bundle", channel=one)
        await read(bob, tmp_path / "bundle")
        assert await bob.texts(one) == ["in one"]
        assert await bob.texts(other) == []

    run_virtual(story())
