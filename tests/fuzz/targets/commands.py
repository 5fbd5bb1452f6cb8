"""Slash commands against a live node: done, or refused with words; what is printed can be drawn anywhere."""

import json
from collections.abc import Sequence

from multichat_tui.model.errors import MultichatError
from multichat_tui.model.text import visible
from multichat_tui.node.api.commands import COMMANDS, is_command, run_command
from tests.fuzz.targets.living import Living

RENEW_AFTER = 3000


class CommandTarget:
    """The first byte is odd where a channel is open."""

    name = "commands"

    def __init__(self) -> None:
        self._living = Living()
        self._count = 0

    def seeds(self) -> Sequence[bytes]:
        lines = ["/help", "/help join", "/set ui.look mono", "/set line.hold", "/pair expires=2h", "/invite dev uses=2 expires=7d", '/msg "bob" hello', "/whois bob", "/last 5", "/switch #dev", "/connect 127.0.0.1:9", "/topic x", "/nick ann"]  # fmt: skip
        lines += [command.usage for command in COMMANDS]
        return [prefix + line.encode() for line in lines for prefix in (b"\0", b"\1")]

    def words(self) -> Sequence[bytes]:
        names = [f"/{name} ".encode() for command in COMMANDS for name in (command.name, *command.aliases)]
        return [
            *names, b"\0", b"\1", b'"', b" ", b"  ", b"=", b"uses=", b"expires=", b"7d", b"9" * 40, b"#dev", b"@bob", b"bob", b"ui.", b"line.hold ", b"//", b"/",
            "\u202e".encode(), "\u0130".encode(), "\u00df".encode(), b"\x1b[2J", b"\x85", b"\n", b"\t", "\u2028".encode(), "\U0001f468\u200d".encode(), b"multichat:pair/", b"multichat:join/",
        ]  # fmt: skip

    def play(self, case: bytes) -> str:
        self._count += 1
        if self._count % RENEW_AFTER == 0:
            self._living.renew()
        text = case[1:].decode("utf-8", "replace")
        channel = self._living.channel if case[:1] and case[0] % 2 else None
        try:
            outcome = self._living.run(run_command(self._living.ann.api, channel, text))
        except MultichatError as error:
            self._living.check()
            assert error.code != "internal", error
            assert error.message
            return f"{error.code} {error.message[:20]}"
        self._living.check()
        assert is_command(text)
        for line in outcome.lines:
            assert visible(line) == line, "cannot be drawn"
            assert "\n" not in line, "two lines in one"
        json.dumps(dict(outcome.fields), allow_nan=False)
        return f"done {sorted(outcome.fields)} {outcome.open_channel is not None}"

    def close(self) -> None:
        self._living.close()
