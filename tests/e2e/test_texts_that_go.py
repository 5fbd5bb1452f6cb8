"""Texts that go, between real processes: what was taken away, and what has expired, is in no file of anybody."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from deciphered import deciphered
from real_nodes import Homes, two_in_a_channel, until, until_delivered

from multichat_tui.headless.remote import RemoteNode
from multichat_tui.model.ids import ChannelId, RecordId
from multichat_tui.model.intents import RedactMessages, SendMessage
from multichat_tui.model.snapshots import RowKind
from multichat_tui.store.keyfile import read_keys
from multichat_tui.store.wrapping import DATABASE_KEY, open_secret, wrapping_key

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

STAYS, REDACTED, EXPIRED = "quicksilver that stays", "quicksand that is redacted", "quicklime that expires"
WHO = ("ann", "bob")


def database_of(root: Path) -> bytes:
    """All pages of a profile's database, as its owner's key opens them; its node does not run."""
    keys = read_keys(root / "keys")
    assert keys is not None
    return deciphered(root / "messages.db", open_secret(wrapping_key(keys, None), DATABASE_KEY, keys, root / "keys"))


async def send(api: RemoteNode, channel: ChannelId, text: str, lives_ms: int = 0) -> RecordId:
    accepted = await api.submit(SendMessage(channel=channel, text=text, lives_ms=lives_ms))
    assert accepted.record is not None
    return accepted.record


async def test_what_was_taken_away_or_has_expired_is_in_no_file_of_anybody() -> None:
    base = Path(tempfile.mkdtemp(prefix="mc-gone-"))
    homes = Homes(base)
    try:
        nodes, (ann, bob), channel = await two_in_a_channel(homes, WHO, "dev", contacts=True)
        stays, redacted = await send(ann, channel, STAYS), await send(bob, channel, REDACTED)
        expired = await send(ann, channel, EXPIRED, lives_ms=10_000)
        await until_delivered(ann, stays)
        await until_delivered(bob, redacted)
        await until_delivered(ann, expired)

        async def shown(api: RemoteNode) -> list[tuple[RowKind, str]]:
            kinds = (RowKind.MESSAGE, RowKind.REDACTED, RowKind.EXPIRED)
            return [(row.kind, row.text) for row in (await api.timeline(channel)).rows if row.kind in kinds]

        assert sorted(text for _, text in await shown(ann)) == sorted((STAYS, REDACTED, EXPIRED))
        # What is looked for is there to be found.
        await ann.submit(RedactMessages(channel=channel, targets=(redacted,), reason="spam"))
        left = sorted([(RowKind.MESSAGE, STAYS), (RowKind.REDACTED, "redacted by ann: spam")])

        async def gone(api: RemoteNode) -> bool | None:
            return sorted(await shown(api)) == left or None

        for api in (ann, bob):
            await until(api, lambda api=api: gone(api), "both texts are gone")
        for api in (ann, bob):
            await api.close()
        for who, node in zip(WHO, nodes, strict=True):
            assert node.stop() == 0
            pages = database_of(homes.profile(who))
            words = {text: text.split()[0].encode() in pages for text in (STAYS, REDACTED, EXPIRED)}
            assert words == {STAYS: True, REDACTED: False, EXPIRED: False}, who
    finally:
        homes.end_all()
        shutil.rmtree(base, ignore_errors=True)


async def test_what_one_person_no_longer_keeps_is_in_no_file_of_theirs_and_in_those_of_others() -> None:
    base = Path(tempfile.mkdtemp(prefix="mc-kept-"))
    homes = Homes(base)
    try:
        nodes, (ann, bob), channel = await two_in_a_channel(homes, WHO, "dev", contacts=True)
        await until_delivered(ann, await send(ann, channel, EXPIRED))
        await until_delivered(ann, await send(ann, channel, STAYS))
        (said,) = await asyncio.to_thread(homes.results, "bob", "channel", "keep", "dev", "1")
        assert said["keep"] == "1"

        async def one_left() -> bool | None:
            return [row.text for row in (await bob.timeline(channel)).rows if row.kind is RowKind.MESSAGE] == [STAYS] or None

        await until(bob, one_left, "bob keeps the newest message")
        for api in (ann, bob):
            await api.close()
        for who, node, kept in zip(WHO, nodes, (True, False), strict=True):
            assert node.stop() == 0
            pages = database_of(homes.profile(who))
            words = {text: text.split()[0].encode() in pages for text in (STAYS, EXPIRED)}
            assert words == {STAYS: True, EXPIRED: kept}, who
    finally:
        homes.end_all()
        shutil.rmtree(base, ignore_errors=True)
