"""The mailbox that this node keeps for others: what slash commands and the command line share of it."""

import re
from collections.abc import Sequence

from multichat_tui.model.errors import UsageError
from multichat_tui.model.hosting import HostRow, PlaceRow, RefusedRow
from multichat_tui.model.hosts import host_of, is_near, parse_host
from multichat_tui.model.ids import short
from multichat_tui.model.intents import GrantPlace, HostMailbox, RevokePlace
from multichat_tui.model.limits import MAX_INTEGER, MIN_FREE_BYTES
from multichat_tui.model.text import size_words
from multichat_tui.node.api.commands.serving import switched
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import id_text, one_line
from multichat_tui.node.api.transcript import local_time
from multichat_tui.node.host_choices import check_total
from multichat_tui.node.typed_addresses import typed_address

_SIZE = re.compile(r"(\d{1,9})([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
NO_PLACES = "Nobody has a place in it yet: multichat mailbox grant NAME, or /mailbox grant NAME, makes a link for one."
OFF = "This node keeps no mailbox for others."
HOW = "multichat mailbox run begins one on a machine of its own, /mailbox host on does on this node."
WORDS = {
    "unknown": "no such place, queue or envelope, or none of theirs",
    "unauthorised": "asked for what they had not shown to be theirs",
    "full-writer": "a writer had put all that the queue's owner lets them",
    "full-queue": "a queue was full",
    "full-owner": "a place was full",
    "full": "the mailbox was full",
    "too-large": "an envelope was too large",
    "too-long": "was to be kept for longer than thirty days",
    "expired": "its time was over already: a clock is wrong",
    "too-many": "too many queues, writers or keys",
    "busy": "the disk is full, or too much was asked for at once",
    "malformed": "not understood",
}


USE = "/mailbox add LINK, or multichat mailbox add LINK"
HERE_ONLY = "Only programs on this machine reach it: --listen 0.0.0.0:4700 has it listen everywhere."
NEAR_ONLY = "Only this network reaches it, unless --address HOST:PORT says where others find it."


def size(text: str) -> int:
    """Bytes as people write them, such as 64M or 2G. `errors.UsageError`."""
    match = _SIZE.fullmatch(text.strip())
    number = int(match[1]) * _UNITS[match[2].upper()] if match else 0
    if not 0 < number <= MAX_INTEGER:
        raise UsageError(f"{one_line(text)[:20]!r} is no size.", "It is a number with K, M, G or T, such as 64M.")
    return number


def checked_host(quota: str | None, addresses: Sequence[str] | None) -> tuple[int | None, tuple[str, ...] | None]:
    """What the operator says of a mailbox, as `HostMailbox` has it. `errors.UsageError`, `errors.IntentRefused`."""
    total = None if not quota else size(quota)
    if total is not None:
        check_total(total)
    return total, tuple(typed_address(each) for each in addresses) if addresses else None


def host_lines(row: HostRow, *, running: bool = True, lan: bool = True) -> tuple[str, ...]:
    """Whether there is one, where, and how full. `running`: whether its node does; `lan`: whether that looks around there."""
    if not row.on:
        kept = f" What it kept is still there: {size_words(row.used_bytes)}." if row.used_bytes else ""
        return (f"{OFF}{kept} {HOW}",)
    where = ", ".join(one_line(address) for address in row.addresses)
    where = f" at {where}" if where else " at no address that anybody could know" if running else ""
    free = "" if row.free_bytes is None else f", {size_words(row.free_bytes)} free on the disk"
    used = f"{size_words(row.used_bytes)} of {size_words(row.total_bytes)} used"
    shown = " Shown on the local network." if row.shown_on_lan and lan else ""
    lines = [
        f"Mailbox {short(row.mailbox or b'')}{where}: {used}{free}.",
        f"Places: {len(row.places)}. Connected now: {row.links}.{shown}",
    ]
    if row.addresses and all(map(_is_here, row.addresses)):
        lines.append(HERE_ONLY)
    elif row.addresses and all(map(is_near, row.addresses)):
        lines.append(NEAR_ONLY)
    if not running:
        lines.append("Its node does not run, so nobody reaches it: multichat mailbox run")
    if row.resting:
        lines.append("The disk has refused something: nothing new is taken for the moment.")
    elif row.free_bytes is not None and row.free_bytes < MIN_FREE_BYTES:
        lines.append(f"Nothing new is taken until {size_words(MIN_FREE_BYTES)} are free on the disk.")
    return tuple(lines) if row.places else (*lines, NO_PLACES)


def _is_here(address: str) -> bool:
    host = host_of(address)
    parsed = parse_host(host)
    return host == "localhost" if parsed is None else parsed.is_loopback


def place_line(row: PlaceRow) -> str:
    revoked = "  revoked" if row.revoked else ""
    return (
        f"{one_line(row.name)}  {size_words(row.used_bytes)} of {size_words(row.quota_bytes)}"
        f"  {row.queues} of {row.most_queues} queues{revoked}"
    )


def kept_lines(row: HostRow, *, running: bool = True, lan: bool = True) -> tuple[str, ...]:
    """What is kept, for whom, how much, since when, and what was refused why."""
    lines = list(host_lines(row, running=running, lan=lan))
    for place in row.places:
        oldest = "" if place.oldest_ms is None else f", the oldest since {local_time(place.oldest_ms)}"
        lines.append(f"{place_line(place)}  {place.envelopes} envelopes{oldest}")
        lines += [f"  {_refused_line(refused)}" for refused in place.refused]
    if row.refused:
        lines.append("Refused to those who had shown no place:")
        lines += [f"  {_refused_line(refused)}" for refused in row.refused]
    return tuple(lines)


def _refused_line(row: RefusedRow) -> str:
    why = WORDS.get(row.word, "")
    return f"refused {row.count} times: {row.word}{f' ({why})' if why else ''}, last {local_time(row.last_ms)}"


def host_fields(row: HostRow) -> dict[str, Plain]:
    return {
        "on": row.on,
        "mailbox": None if row.mailbox is None else id_text(row.mailbox),
        "addresses": list(row.addresses),
        "shown_on_lan": row.shown_on_lan,
        "total": row.total_bytes,
        "used": row.used_bytes,
        "free": row.free_bytes,
        "resting": row.resting,
        "links": row.links,
        "refused": _refused_fields(row.refused),
        "places": [place_fields(place) for place in row.places],
    }


def place_fields(row: PlaceRow) -> dict[str, Plain]:
    return {
        "name": row.name,
        "made": row.made_ms,
        "quota": row.quota_bytes,
        "used": row.used_bytes,
        "queues": row.queues,
        "most_queues": row.most_queues,
        "envelopes": row.envelopes,
        "oldest": row.oldest_ms,
        "revoked": row.revoked,
        "refused": _refused_fields(row.refused),
    }


def _refused_fields(rows: tuple[RefusedRow, ...]) -> Plain:
    return [{"word": row.word, "count": row.count, "last": row.last_ms} for row in rows]


# The commands


async def host(call: Call) -> Outcome:
    """on [SIZE], off, status."""
    words = call.words.split()
    if words and words != ["status"]:
        if len(words) > 2 or (len(words) == 2 and words[0] != "on"):
            raise call.misused()
        total = size(words[1]) if len(words) == 2 else None
        await call.api.submit(HostMailbox(on=switched(words[0]), total_bytes=total))
    row = (await call.api.hosting()).rows
    return Outcome(lines=host_lines(row, lan=(await call.api.status()).rows.lan), fields=host_fields(row))


async def grant(call: Call) -> Outcome:
    """NAME [SIZE [QUEUES]]."""
    name, rest = call.first_word()
    words = rest.split()
    if len(words) > 2 or (len(words) == 2 and not words[1].isdigit()):
        raise call.misused()
    quota = size(words[0]) if words else None
    queues = int(words[1]) if len(words) == 2 else None
    accepted = await call.api.submit(GrantPlace(name=name, quota_bytes=quota, queues=queues))
    return Outcome(lines=granted_lines(name, accepted.link or ""), fields={"name": name, "link": accepted.link})


def granted_lines(name: str, link: str) -> tuple[str, ...]:
    return (f"A place for {one_line(name)}: whoever has this link has it, by {USE}. It is shown this once.", link)


async def grants(call: Call) -> Outcome:
    call.need_none()
    row = (await call.api.hosting()).rows
    lines = tuple(place_line(place) for place in row.places) or (NO_PLACES if row.on else f"{OFF} {HOW}",)
    return Outcome(lines=lines, fields={"places": [place_fields(place) for place in row.places]})


async def revoke(call: Call) -> Outcome:
    """NAME [now]."""
    name, rest = call.first_word()
    if rest not in ("", "now"):
        raise call.misused()
    await call.api.submit(RevokePlace(name=name, at_once=rest == "now"))
    return Outcome(lines=revoked_lines(name, at_once=rest == "now"), fields={"name": name})


def revoked_lines(name: str, *, at_once: bool) -> tuple[str, ...]:
    if at_once:
        return (f"The place of {one_line(name)} is gone, with all that lay in it.",)
    return (f"Nothing new comes in for {one_line(name)}; what is there can be taken until it expires.",)


async def kept(call: Call) -> Outcome:
    call.need_none()
    row = (await call.api.hosting()).rows
    return Outcome(lines=kept_lines(row, lan=(await call.api.status()).rows.lan), fields=host_fields(row))
