"""A workspace of three people in real processes, from the command line: its list, who comes in by it, and what it decides."""

from pathlib import Path

import pytest
from real_nodes import LOCAL, Homes

pytestmark = [pytest.mark.e2e]


def roles(homes: Homes, who: str, channel: str, expected: dict[str, str]) -> None:
    homes.until_results(who, ("channel", "members", channel), lambda rows: {row["name"]: row["role"] for row in rows} == expected)


def test_a_workspace_its_list_and_what_it_decides_between_processes(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    try:
        for name in ("ann", "bob", "kim"):
            homes.results(name, "init", "--name", name, "--no-passphrase")
        ann = homes.node("ann", *LOCAL)
        for name in ("bob", "kim"):
            homes.node(name, "--connect", ann.listen[0], *LOCAL)
        homes.results("ann", "workspace", "create", "acme")
        for name in ("bob", "kim"):
            link = homes.results("ann", "channel", "invite", "acme")[0]["link"]
            homes.results(name, "channel", "join", link)
        homes.results("ann", "workspace", "make", "acme", "dev")
        homes.results("ann", "workspace", "make", "acme", "board", "--private")
        for name in ("bob", "kim"):
            homes.until_results(name, ("workspace", "directory", "acme"), lambda rows: len(rows) == 2)
            homes.results(name, "workspace", "join", "acme", "#dev")
        rows = homes.results("bob", "workspace", "directory", "acme")
        assert [(row["name"], row["joined"], row["open"]) for row in rows] == [("board", False, False), ("dev", True, True)]
        roles(homes, "bob", "dev", {"ann": "founder", "bob": "member", "kim": "member"})

        homes.results("ann", "channel", "role", "acme", "bob", "moderator")
        roles(homes, "kim", "dev", {"ann": "founder", "bob": "moderator", "kim": "member"})
        homes.until_results("bob", ("channel", "members", "acme"), lambda rows: any(row["role"] == "moderator" for row in rows))
        homes.results("bob", "channel", "ban", "acme", "kim", "--reason", "spam")
        roles(homes, "ann", "dev", {"ann": "founder", "bob": "moderator"})
        assert [row["name"] for row in homes.results("ann", "channel", "bans", "dev")] == ["kim"]
        homes.until_results(
            "kim", ("channel", "list"), lambda rows: any((r["name"], r["membership"]) == ("dev", "removed") for r in rows)
        )
        # A channel for moderators: bob comes in without anybody's agreement, and is out when he is none any more.
        homes.results("ann", "workspace", "make", "acme", "helm", "--role", "moderator")
        homes.until_results("bob", ("workspace", "directory", "acme"), lambda rows: len(rows) == 3)
        homes.results("bob", "workspace", "join", "acme", "#helm")
        roles(homes, "ann", "helm", {"ann": "founder", "bob": "moderator"})
        homes.results("ann", "channel", "role", "acme", "bob", "member")
        roles(homes, "ann", "helm", {"ann": "founder"})
        roles(homes, "ann", "dev", {"ann": "founder", "bob": "member"})
        refused = homes.run("bob", "workspace", "join", "acme", "#helm")
        assert (refused.returncode, b"for moderators and above" in refused.stderr) == (1, True)
    finally:
        homes.end_all()
