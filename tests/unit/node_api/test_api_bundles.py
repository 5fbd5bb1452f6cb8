"""Bundles typed as commands: names of files as people write them, and what is said about those that are not understood."""

from pathlib import Path

import pytest
from api_twin import ApiTwin

from multichat_tui.model.errors import NotFound, UsageError
from multichat_tui.model.intents import ExportBundle, ImportBundle
from multichat_tui.node.api.commands import run_command


@pytest.fixture
def api() -> ApiTwin:
    made = ApiTwin()
    made.add_contact("bob")
    return made


HERE = Path.cwd()
HOME_FILE = str(Path("~/my stick/for ann").expanduser())


@pytest.mark.parametrize(
    "typed", ["~/my stick/for ann", '"~/my stick/for ann"', "'~/my stick/for ann'", "~/my\\ stick/for\\ ann"]
)
async def test_a_file_to_be_read_may_have_spaces_in_its_name(api: ApiTwin, typed: str) -> None:
    await run_command(api, None, f"/bundle import {typed}")
    assert api.intents == [ImportBundle(path=HOME_FILE)]


@pytest.mark.parametrize("typed", ['"/my stick/for bob"', "'/my stick/for bob'", "/my\\ stick/for\\ bob"])
async def test_a_file_to_be_written_stands_in_quotes_if_it_has_spaces_and_a_name_behind_it(api: ApiTwin, typed: str) -> None:
    bob = (await api.contacts()).rows[0]
    await run_command(api, None, f"/bundle export {typed}")
    await run_command(api, None, f"/bundle export {typed} {bob.name}")
    path = "/my stick/for bob"
    assert api.intents == [ExportBundle(path=path), ExportBundle(path=path, user=bob.user)]


async def test_the_home_of_nobody_is_a_name_as_any_other(api: ApiTwin) -> None:
    await run_command(api, None, "/bundle import ~nobody-of-that-name/x")
    assert api.intents == [ImportBundle(path=str(HERE / "~nobody-of-that-name" / "x"))]


async def test_a_name_with_spaces_that_is_not_quoted_is_said_to_need_that(api: ApiTwin) -> None:
    with pytest.raises(NotFound) as refused:
        await run_command(api, None, "/bundle export ~/my stick/for ann")
    assert "double quotes" in refused.value.advice
    assert not api.intents


@pytest.mark.parametrize("line", ["/bundle", "/bundle export", "/bundle import", '/bundle export ""', "/bundle frob x"])
async def test_what_is_not_understood_is_said_with_an_example(api: ApiTwin, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        await run_command(api, None, line)
    assert '/bundle export "my file" bob' in refused.value.advice
