"""Commands about the profile itself: making it, telling who one is and where things are, deleting it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multichat_tui.headless.host import Context
from multichat_tui.headless.launch import RESTORED_NAME
from multichat_tui.headless.output import plain
from multichat_tui.headless.session import session, wait_for
from multichat_tui.model.errors import ProfileAbsent, ProfileExists, StorageFailed, TimedOut, UsageError
from multichat_tui.model.ids import fingerprint
from multichat_tui.model.snapshots import StatusRow
from multichat_tui.node.api.launch import ProfileState
from multichat_tui.node.api.lookup import id_text, one_line

SETTLE_S = 3.0
"""Once the account is back, its channels follow; what has not come by then comes whenever a node runs."""
WAITING = "Waiting for a contact to bring your account back: on this network by itself, elsewhere with --connect HOST:PORT."


async def init(context: Context) -> int:
    """Make the profile. Its passphrase was asked for, or comes from the settings; None: by `--no-passphrase`."""
    args, out, host = context.args, context.out, context.host
    if host.state() is not ProfileState.NEW:
        raise ProfileExists(f"There is a profile already in {host.paths.profile}.", "Name another with --profile.")
    if args.restore:
        return await _restore(context)
    entropy, phrase = host.new_account()
    with recovery_file_of(args.recovery_file, phrase) as recovery_file:
        user = await host.create(name=args.name, passphrase=host.passphrase, account_entropy=entropy)
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
            *phrase_lines(phrase),
        )
    else:
        out.result(fields | {"recovery_file": str(recovery_file)}, *lines, f"The recovery phrase is in {recovery_file}")
    return 0


async def _restore(context: Context) -> int:
    """A new device of an account that was used before; waits a while for a contact to bring it back."""
    args, out, host = context.args, context.out, context.host
    entropy = host.read_phrase(args.phrase)
    user = await host.create(
        name=args.name or RESTORED_NAME,
        passphrase=host.passphrase,
        account_entropy=entropy,
        restored=not args.alone,
        lost=not args.keep_devices,
    )
    if host.passphrase is None:
        out.note("Without a passphrase the profile is protected by the permissions of its files only.")
    if args.timeout and not args.alone:
        out.note(WAITING)
    async with session(host, network=bool(args.timeout) and not args.alone, attach=False) as opened:
        api = opened.api

        async def back() -> StatusRow | None:
            row = (await api.status()).rows
            return None if row.waiting else row

        async def nothing_more() -> None:
            return None

        status = await wait_for(api, back, args.timeout) if args.timeout else await back()
        if status is not None and args.timeout:
            await wait_for(api, nothing_more, SETTLE_S)
        me = (await api.me()).rows
        devices = (await api.devices()).rows
    lost = [row.device for row in devices if row.revoked]
    fields = {"user": id_text(user), "device": id_text(me.device), "name": me.name, "back": status is not None}
    lines = [f"You are {one_line(me.name)}, {fingerprint(user)}"] if status is not None else [f"Restoring {fingerprint(user)}"]
    if lost:
        lines.append(f"Revoked as lost: {', '.join(id_text(device)[:8] for device in lost)}")
    out.result(fields | {"revoked": [id_text(device) for device in lost]}, *lines)
    if status is None and args.timeout:
        raise TimedOut("No contact was reached yet.", "It goes on whenever a node of yours runs: the screens, or multichat node.")
    return 0


@contextmanager
def recovery_file_of(name: str | None, phrase: str) -> Iterator[Path | None]:
    """The phrase in a new file of this name, if there is one; it goes again where the account is not made after all."""
    path = Path(os.path.expanduser(name)) if name else None
    if path is not None:
        _write_secret(path, phrase)
    try:
        yield path
    except BaseException:
        if path is not None:
            path.unlink(missing_ok=True)
        raise


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


def phrase_lines(phrase: str) -> list[str]:
    """A new account's phrase, for whoever sits there."""
    words = phrase.split()
    rows = ["  " + " ".join(f"{n + 1:>2} {words[n]:<10}" for n in range(row, row + 4)).rstrip() for row in range(0, 24, 4)]
    return ["Recovery phrase, shown this once. Write it down; whoever has it is you:", *rows]


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
