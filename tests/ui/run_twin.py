"""Runs the screens on the scripted node, for tests in a real terminal. Actions are written to the file named by argument 1."""

import sys
from pathlib import Path

from twin import TwinLauncher, populated

from multichat_tui.ui import Preferences, run_tui
from multichat_tui.ui.composer import Composer
from multichat_tui.ui.main import MainScreen
from multichat_tui.ui.preferences import Look, Signs


def log_actions(path: Path) -> None:
    """Write down each action as it is performed."""
    perform, compose = MainScreen.perform, Composer.perform

    def main_perform(self: MainScreen, action: str) -> None:
        with path.open("a") as file:
            file.write(action + "\n")
        if action != "quit" or self.composer.text == "really":
            perform(self, action)

    def composer_perform(self: Composer, action: str) -> bool:
        done = compose(self, action)
        if done:
            with path.open("a") as file:
                file.write(f"composer {action}\n")
        return done

    MainScreen.perform, Composer.perform = main_perform, composer_perform


def main() -> int:
    if len(sys.argv) > 1:
        log_actions(Path(sys.argv[1]))
    signs = Signs.ASCII if "--ascii" in sys.argv else Signs.UNICODE
    look = Look.DARK if "--dark" in sys.argv else Look.AUTO
    return run_tui(TwinLauncher(populated()), preferences=Preferences(signs=signs, look=look))


if __name__ == "__main__":
    raise SystemExit(main())
