"""`python -m multichat_tui` is the same program as `multichat`."""

from multichat_tui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
