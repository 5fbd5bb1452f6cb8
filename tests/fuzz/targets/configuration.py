"""The configuration file: settings, or an error that names the file; never anything else."""

from collections.abc import Sequence
from pathlib import Path

from multichat_tui import config
from multichat_tui.model.errors import UsageError


class ConfigurationTarget:
    name = "configuration"

    def seeds(self) -> Sequence[bytes]:
        return [
            b"", b'profile = "work"\nlan = false\nverbose = true\nline = true\n', b'listen = "[::1]:4000"\nconnect = ["a:1", "b:2"]\n',
            b'log_file = "/tmp/x"\npassphrase_file = "p"\n', b"# nothing\n[keys]\nsend = 'f2'\n", b"lan = 3\n", b"lisen = 'x'\n",
        ]  # fmt: skip

    def words(self) -> Sequence[bytes]:
        known = [f"{name} = ".encode() for name in config._FILE_KEYS]
        return [*known, b"[", b"]", b"[[", b'"', b"'''", b'"""', b"\n", b"true", b"1979-05-27", b"nan", b"1e999", b"{a=1}", b"\\u0000", b"\\UFFFFFFFF", b"\xff", b"." * 3, b"=" * 2, b"[" * 200]  # fmt: skip

    def play(self, case: bytes) -> str:
        try:
            found = config.parse_file(Path("/somewhere/config.toml"), case)
        except UsageError as error:
            assert "/somewhere/config.toml" in error.message, "the file is not named"
            return f"refused {error.message.partition(':')[2][:24]}"
        assert set(found) <= set(config._FILE_KEYS)
        return f"taken {sorted(found)}"

    def close(self) -> None: ...
