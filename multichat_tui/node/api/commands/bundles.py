"""Bundles: what others lack, in a file; and what such a file has for this device. For slash commands and the command line."""

import os
import re
from pathlib import Path

from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import BundleReport, ExportBundle, ImportBundle
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import find_channel, find_person

QUOTES = ('"', "'")
SPACES = 'A name with spaces stands in double quotes: /bundle export "my file" bob'
_ESCAPED = re.compile(r"\\([ '\"\\])")
_UNQUOTED = re.compile(r"(?:\\.|[^\\\s])+")


def whole_path(text: str) -> str:
    """As the user of this terminal means it: below the directory that they are in."""
    return str(Path(os.path.expanduser(text)).absolute())


async def export_bundle(api: NodeApi, path: str, channel: ChannelId | None, person: str) -> Outcome:
    """For a channel, a person (by name), or, with neither, for everybody."""
    user = (await find_person(api, person, channel)).user if person else None
    accepted = await api.submit(ExportBundle(path=whole_path(path), channel=None if person else channel, user=user))
    report = accepted.bundle or BundleReport(parcels=0, size=0)
    devices = _many(report.devices, "device")
    lines = [f"Written: {whole_path(path)} ({_size(report.size)}), for {devices}. Only they can read it: /bundle import there."]
    if report.unready:
        lines.append(f"{_many(report.unready, 'device')} left out: no key to write to them is known before a first link.")
    if report.full:
        lines.append("It did not take all: make another one when this one has been read.")
    return Outcome(lines=tuple(lines), fields={"path": whole_path(path), **_fields(report)})


async def import_bundle(api: NodeApi, path: str) -> Outcome:
    report = (await api.submit(ImportBundle(path=whole_path(path)))).bundle or BundleReport(parcels=0, size=0)
    lines = [f"Read: {_many(report.parcels, 'parcel')} for this device."]
    if report.refused:
        lines.append(f"{_many(report.refused, 'parcel')} for it could not be opened.")
    lines.append("That it has come is told with the next link, or by a bundle of yours: /bundle export FILE.")
    return Outcome(lines=tuple(lines), fields={"path": whole_path(path), **_fields(report)})


def _fields(report: BundleReport) -> dict[str, Plain]:
    return {
        "parcels": report.parcels,
        "size": report.size,
        "devices": report.devices,
        "unready": report.unready,
        "full": report.full,
        "repeated": report.repeated,
        "refused": report.refused,
        "foreign": report.foreign,
    }


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 1024 else f"{size / 1024:,.0f} KiB"


async def bundle(call: Call) -> Outcome:
    verb, rest = call.first_word() if call.words else ("", "")
    path, whom = _path(rest)
    if verb == "import" and whom and rest[0] not in QUOTES:
        # Nothing else can stand there.
        path, whom = _ESCAPED.sub(r"\1", rest), ""
    if verb == "import" and path and not whom:
        return await import_bundle(call.api, path)
    if verb != "export" or not path:
        raise call.misused(SPACES)
    if whom.startswith("#"):
        return await export_bundle(call.api, path, (await find_channel(call.api, whom)).id, "")
    try:
        return await export_bundle(call.api, path, None, whom.removeprefix("@").strip('"'))
    except NotFound as error:
        cut = "/" in whom or not error.advice
        raise NotFound(error.message, SPACES if cut else error.advice) from None


def _path(words: str) -> tuple[str, str]:
    """(path, the rest): a path with spaces stands in quotes, or has a backslash before each."""
    if words[:1] in QUOTES:
        path, _, rest = words[1:].partition(words[0])
        return path, rest.strip()
    match = _UNQUOTED.match(words)
    path = match[0] if match is not None else ""
    return _ESCAPED.sub(r"\1", path), words[len(path) :].strip()
