"""Profiles as the first version wrote them: this program opens them, shows what is in them, and goes on with them.

`tests/fixtures/schema-1` holds two people's, made with the first version: they had paired, and talked in a channel and between
themselves.
"""

import shutil
from pathlib import Path

import pytest

from multichat_tui.model.snapshots import RowKind
from tests.real_nodes import LOCAL, Homes, messages, say, until_delivered

pytestmark = pytest.mark.e2e

SCHEMA_1 = Path(__file__).parent.parent / "fixtures" / "schema-1"
TALK = [
    "the first message of an older version",
    "an answer with ünïcode and 漢字",
    *(f"apple number {number}" for number in range(1, 6)),
    "written while bob was away",
]


def old_profiles(tmp_path: Path) -> Homes:
    homes = Homes(tmp_path)
    for who in ("ann", "bob"):
        homes.profile(who).mkdir(parents=True, mode=0o700)
        for name in ("keys", "messages.db"):
            copied = homes.profile(who) / name
            shutil.copyfile(SCHEMA_1 / who / name, copied)
            copied.chmod(0o600)
    return homes


async def test_profiles_of_the_first_version_go_on_where_they_were(tmp_path: Path) -> None:
    homes = old_profiles(tmp_path)
    try:
        ann = homes.node("ann", *LOCAL)
        at_ann = await homes.attach("ann")
        garden = next(row for row in (await at_ann.channels()).rows if row.name == "garden")
        assert garden.topic == "what grows"
        assert [row.text for row in await messages(at_ann, garden.id)] == TALK
        direct = next(row for row in (await at_ann.channels()).rows if row.user is not None)
        assert [row.text for row in await messages(at_ann, direct.id)] == ["just between us"]
        homes.node("bob", "--connect", ann.listen[0], *LOCAL)
        at_bob = await homes.attach("bob")
        await until_delivered(at_bob, await say(at_bob, garden.id, "and on it goes"))
        await until_delivered(at_ann, await say(at_ann, garden.id, "it does"))
        expected = [*TALK, "and on it goes", "it does"]
        assert [row.text for row in await messages(at_ann, garden.id)] == expected
        assert [row.text for row in await messages(at_bob, garden.id)] == expected
        kinds = {row.kind for row in (await at_bob.timeline(garden.id, limit=100)).rows}
        assert RowKind.NEWER not in kinds
        await at_ann.close()
        await at_bob.close()
    finally:
        homes.end_all()


def test_opened_once_it_is_of_the_new_format_and_a_copy_of_the_old_one_stays(tmp_path: Path) -> None:
    homes = old_profiles(tmp_path)
    before = (homes.profile("ann") / "messages.db").read_bytes()
    assert homes.results("ann", "log", "garden", "-n", "1")[0]["text"] == TALK[-1]
    assert any(path.read_bytes() == before for path in homes.profile("ann").iterdir() if path.name != "messages.db")
