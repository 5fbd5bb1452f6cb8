"""Documents that are made from the program: `python -m tests.documents` writes them; a test fails when one is behind."""

from pathlib import Path

from multichat_tui import __version__
from multichat_tui.config import FILE_SETTINGS
from multichat_tui.headless.manual import command_list, manual_page
from multichat_tui.headless.parser import grammar
from multichat_tui.node.api.settings import SETTINGS

DOCS = Path(__file__).parent.parent / "docs"


def configuration() -> str:
    """docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Made from the program by `python -m tests.documents`; a test fails when it is behind.",
        "",
        "Nothing has to be configured. What is said holds in this order: arguments, environment variables, the file, defaults.",
        "",
        "## The file",
        "",
        "TOML, `config.toml` in the user's configuration directory, or directly below `--home`. `multichat config path` says",
        "where, `multichat config show` what is in force and where it was said, `multichat config check` whether the file is in",
        "order. A key that is not known is an error that names the file, the key and the nearest key there is; so is a value of",
        "another type or out of range.",
        "",
        "```toml",
        *(f"{setting.key} = {setting.example}" for setting in FILE_SETTINGS),
        "```",
        "",
        "| key | is | default | environment | argument |",
        "|---|---|---|---|---|",
    ]
    for setting in FILE_SETTINGS:
        environment = f"`{setting.environment}`" if setting.environment else ""
        lines.append(f"| `{setting.key}` | {setting.help} | {setting.default} | {environment} | `{setting.argument}` |")
    lines += [
        "",
        "`MULTICHAT_PASSPHRASE` holds the passphrase itself; other programs of the same user can see it. `MULTICHAT_HOME` is",
        "`--home`. Several addresses in `MULTICHAT_CONNECT` are separated by commas or spaces.",
        "",
        "`theme`, `[themes.NAME]` and `[keys]` are the screens' own: [themes and keys](themes-and-keys.md).",
        "",
        "## Settings of a profile",
        "",
        "Kept with the profile and changed with `/set KEY VALUE`, at once; `/set` lists them.",
        "",
        "| key | is | may be | default |",
        "|---|---|---|---|",
    ]
    for kept in SETTINGS:
        lines.append(f"| `{kept.key}` | {kept.help} | {kept.choice} | `{kept.default}` |")
    return "\n".join(lines) + "\n"


def documents() -> dict[str, str]:
    """By name below docs/."""
    found = grammar()
    return {
        "multichat.1": manual_page(found, __version__),
        "commands.md": command_list(found),
        "configuration.md": configuration(),
    }


if __name__ == "__main__":
    for name, text in documents().items():
        (DOCS / name).write_text(text, encoding="utf-8")
