"""Bundles as files: read and written by the shell, made and taken by the engine, a slice in each batch, so that nothing waits."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from multichat_tui.model.codec import Reason, Rejected
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, StorageFailed
from multichat_tui.model.intents import Accepted, BundleReport, ExportBundle, ImportBundle
from multichat_tui.model.limits import MAX_BUNDLE_BYTES
from multichat_tui.node.bundles import MAGIC, Packed, Unpacked, decode_bundle
from multichat_tui.node.engine import Engine

T = TypeVar("T")
SLICE = 4
"""Envelopes made or opened in one batch: some 50 ms."""
WRITING, READING = "bundle-export", "bundle-import"
"""Names of their progress."""


class Do(Protocol):
    """Has the engine do something in a batch of its own."""

    def __call__(self, act: Callable[[Engine], T], /) -> Awaitable[T]: ...


class BundleFiles:
    def __init__(self, do: Do, *, inline: bool) -> None:
        """`inline`: everything happens on this thread (in simulations)."""
        self._do = do
        self._inline = inline

    async def carry(self, intent: ExportBundle | ImportBundle) -> Accepted:
        """`errors.IntentRefused`, `errors.NotFound`, `errors.StorageFailed`."""
        if isinstance(intent, ExportBundle):
            return await self._export(intent, Path(intent.path))
        return await self._import(Path(intent.path))

    async def _aside(self, act: Callable[[], T]) -> T:
        return act() if self._inline else await asyncio.to_thread(act)

    async def _export(self, intent: ExportBundle, path: Path) -> Accepted:
        if not path.is_absolute():
            raise IntentRefused(Refusal.NOT_ALLOWED, "A bundle needs the whole path of its file.")
        await self._aside(lambda: _check_free(path))
        packed = await self._do(lambda engine: engine.bundles.begin(intent.channel, intent.user))
        try:
            while packed.devices:
                await self._do(lambda engine: _pack(engine, packed))
        finally:
            await self._do(lambda engine: engine.world.tell_progress(WRITING, "", 1, 1))
        if not packed.entries:
            raise IntentRefused(Refusal.EMPTY, "There is nothing to write: they have all that you have.", _unready_words(packed))
        encoded = packed.encoded()
        await self._aside(lambda: _write(path, encoded))
        report = BundleReport(
            parcels=len(packed.entries),
            size=len(encoded),
            devices=len(packed.written),
            unready=packed.unready,
            full=packed.full,
        )
        return Accepted(bundle=report)

    async def _import(self, path: Path) -> Accepted:
        encoded = await self._aside(lambda: _read(path))
        unpacked = await self._aside(lambda: decode_bundle(encoded))
        if isinstance(unpacked, Rejected):
            raise _bad(unpacked, encoded)
        try:
            while unpacked.at < len(unpacked.entries):
                await self._do(lambda engine: _unpack(engine, unpacked))
        finally:
            await self._do(lambda engine: engine.world.tell_progress(READING, "", 1, 1))
        if not unpacked.opened:
            raise _useless(unpacked)
        report = BundleReport(
            parcels=unpacked.opened,
            size=len(encoded),
            repeated=unpacked.repeated,
            refused=unpacked.refused,
            foreign=unpacked.foreign,
        )
        return Accepted(bundle=report)


def _pack(engine: Engine, packed: Packed) -> None:
    for _ in range(SLICE):
        engine.bundles.pack(packed)
    engine.world.tell_progress(WRITING, "writing the bundle", packed.done, packed.total)


def _unpack(engine: Engine, unpacked: Unpacked) -> None:
    for _ in range(min(SLICE, len(unpacked.entries) - unpacked.at)):
        engine.bundles.unpack(unpacked)
    engine.world.tell_progress(READING, "reading the bundle", unpacked.at, len(unpacked.entries))


def _unready_words(packed: Packed) -> str:
    if not packed.unready:
        return ""
    many = "1 device has" if packed.unready == 1 else f"{packed.unready} devices have"
    return f"{many} told no key yet by which it could be written to: that comes with the first link to each."


def _check_free(path: Path) -> None:
    try:
        taken, has_place = path.exists() or path.is_symlink(), path.parent.is_dir()
    except OSError as error:
        raise _unwritten(error) from None
    if taken:
        raise IntentRefused(Refusal.ALREADY, f"{path} exists already.", "Name a new file: nothing is overwritten.")
    if not has_place:
        raise NotFound(f"There is no directory {path.parent}.")


def _write(path: Path, encoded: bytes) -> None:
    """Whole or not at all: under another name first."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        _place(beside, path)
    except OSError as error:
        raise _unwritten(error) from None
    finally:
        # Where nothing could be written there may be nothing to take away either.
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _place(beside: Path, path: Path) -> None:
    try:
        # Fails where somebody has made the file meanwhile, other than a rename.
        os.link(beside, path)
    except OSError:
        # Most sticks have no hard links.
        if path.exists():
            raise IntentRefused(Refusal.ALREADY, f"{path} exists already.", "Name a new file: nothing is overwritten.") from None
        beside.rename(path)


def _unwritten(error: OSError) -> StorageFailed:
    return StorageFailed(f"The bundle could not be written: {error.strerror or error}.", "Nothing was written.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BUNDLE_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read: {error.strerror or error}.") from None


def _bad(found: Rejected, encoded: bytes) -> IntentRefused:
    if found.reason is Reason.TOO_LARGE:
        most = MAX_BUNDLE_BYTES // (1024 * 1024)
        return IntentRefused(Refusal.TOO_LONG, f"The file is larger than any bundle: at most {most} MiB.")
    if not encoded.startswith(MAGIC):
        return IntentRefused(Refusal.UNKNOWN, "The file is no bundle.", "A bundle is made by /bundle export.")
    return IntentRefused(
        Refusal.UNKNOWN, "The bundle is damaged: it cannot be read to its end.", "Nothing of it was taken. Copy it once more."
    )


def _useless(unpacked: Unpacked) -> IntentRefused:
    if unpacked.repeated and not unpacked.refused:
        return IntentRefused(Refusal.ALREADY, "All that this bundle has for this device was read before.")
    if unpacked.refused:
        return IntentRefused(
            Refusal.EXPIRED,
            "What this bundle has for this device cannot be opened any more.",
            "It may be older than what both sides keep for it. Ask for a new one.",
        )
    return IntentRefused(
        Refusal.NOT_ALLOWED, "Nothing in this bundle is for this device.", "It was made by somebody else, or for others."
    )
