"""Where what is logged goes: the file of the profile, or the screen of a command that was asked to tell more."""

import contextlib
import logging
import logging.handlers
import sys
import time
import traceback
import types

from multichat_tui import config

LOG_BYTES = 1024 * 1024
LOG_FILES = 3
log = logging.getLogger("multichat_tui.logs")

LOGGED = ("multichat_tui", "asyncio", "zeroconf")
"""Whose records are kept; without a handler of ours they would be drawn into the terminal."""


class KeyValueFormatter(logging.Formatter):
    """`time=... level=... room=... key=value ...`, in UTC. Of an exception its type and where it came from, never its words: they
    may quote what people wrote."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("time=%(asctime)s level=%(levelname)s room=%(name)s pid=%(process)d %(message)s")

    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, types.TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _, trace = ei
        frames = "".join(traceback.format_tb(trace)).rstrip()
        return f"{frames}\n{kind.__name__ if kind is not None else ''}"


def log_to_screen(wanted: bool) -> None:
    handler: logging.Handler = logging.NullHandler()
    if wanted:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(KeyValueFormatter())
    for name in LOGGED:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(handler)
    if wanted:
        logging.getLogger("multichat_tui").setLevel(logging.DEBUG)


def log_to_file(settings: config.Settings) -> None:
    """Only the process that holds the profile writes its log, so that two never rotate one file."""
    root = logging.getLogger("multichat_tui")
    if any(isinstance(handler, logging.handlers.RotatingFileHandler) for handler in root.handlers):
        return
    path = settings.paths.log_file
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8")
    except OSError as error:
        log.warning("log file=unwritable reason=%s", error.strerror)
        return
    handler.setFormatter(KeyValueFormatter())
    for name in LOGGED:
        logging.getLogger(name).addHandler(handler)
    if root.level == logging.NOTSET:
        root.setLevel(logging.INFO)


def wipe_log(paths: config.Paths) -> None:
    """The log of a profile that is deleted, and the directories that were made for both, if nothing else is in them."""
    for name in LOGGED:
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if isinstance(each, logging.handlers.RotatingFileHandler)]:
            logger.removeHandler(handler)
            handler.close()
    with contextlib.suppress(OSError):
        for suffix in ("", *(f".{number}" for number in range(1, LOG_FILES))):
            paths.log_file.with_name(paths.log_file.name + suffix).unlink(missing_ok=True)
    for directory in (paths.logs, paths.profile.parent):
        with contextlib.suppress(OSError):
            directory.rmdir()
