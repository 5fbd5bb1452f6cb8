"""Commands about the profile itself: making it, telling who one is and where things are, deleting it."""

import os
from pathlib import Path

from multichat_tui.headless.host import Context
from multichat_tui.headless.output import plain
from multichat_tui.headless.session import session
from multichat_tui.model.errors import ProfileAbsent, ProfileExists, StorageFailed, UsageError
from multichat_tui.model.ids import fingerprint
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.node.api.lookup import id_text, one_line


async def init(context: Context) -> int:
    """Make the profile. Its passphrase was asked for, or comes from the settings; None: by `--no-passphrase`."""
    args, out, host = context.args, context.out, context.host
    if host.state() is not ProfileState.NEW:
        raise ProfileExists(f"There is a profile already in {host.paths.profile}.", "Name another with --profile.")
    entropy, phrase = host.new_account()
    recovery_file = Path(os.path.expanduser(args.recovery_file)) if args.recovery_file else None  # noqa: ASYNC240  # at once
    if recovery_file is not None:
        _write_secret(recovery_file, phrase)
    try:
        user = await host.create(name=args.name, passphrase=host.passphrase, account_entropy=entropy)
    except BaseException:
        if recovery_file is not None:
            recovery_file.unlink(missing_ok=True)
        raise
    async with session(host, network=False, attach=False) as opened:
        me = (await opened.api.me()).rows
    if host.passphrase is None:
        out.note("Without a passphrase the profile is protected by the permissions of its files only.")
    fields = {"user": id_text(user), "device": id_text(me.device), "name": me.name}
    lines = [f"You are {one_line(me.name)}, {fingerprint(user)}"]
    if recovery_file is None:
        out.result(
            fields | {"recovery_phrase": phrase},
            *lines,
            "",
            "Recovery phrase, shown this once. Write it down; whoever has it is you:",
            *_in_rows(phrase),
        )
    else:
        out.result(fields | {"recovery_file": str(recovery_file)}, *lines, f"The recovery phrase is in {recovery_file}")
    return 0


def _write_secret(path: Path, text: str) -> None:
    """A new file that nobody else can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already.", "Name a new file: nothing is overwritten.") from None
    except OSError as error:
        raise StorageFailed(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageFailed(f"{path} cannot be written: {error.strerror}.") from None


def _in_rows(phrase: str) -> list[str]:
    words = phrase.split()
    return ["  " + " ".join(f"{n + 1:>2} {words[n]:<10}" for n in range(row, row + 6)).rstrip() for row in range(0, 24, 6)]


async def whoami(context: Context) -> int:
    async with session(context.host, network=False) as opened:
        me = (await opened.api.me()).rows
    context.out.result(
        plain(me), f"name         {one_line(me.name)}", f"fingerprint  {me.fingerprint}", f"device       {id_text(me.device)}"
    )
    return 0


async def paths(context: Context) -> int:
    found = context.host.paths
    fields = {
        "config": str(found.config_file),
        "profile": str(found.profile),
        "log": str(found.log_file),
        "socket": str(found.socket),
    }
    context.out.result(fields, *(f"{name:<8} {path}" for name, path in fields.items()))
    return 0


async def wipe(context: Context) -> int:
    """Delete the profile; whether the user is sure was asked before."""
    if context.host.state() is ProfileState.NEW:
        raise ProfileAbsent(f"There is no profile in {context.host.paths.profile}.", "There is nothing to delete.")
    await context.host.wipe()
    context.out.result({"wiped": str(context.host.paths.profile)}, f"{context.host.paths.profile} is deleted.")
    return 0
