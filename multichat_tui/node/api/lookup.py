"""Finding the channel, contact or member that somebody means by a few typed characters.

A name counts in any case, with or without its key suffix; an id counts by any prefix of at least four base32 characters, grouped
or not. What could mean two is refused with the candidates, never guessed; what means none names the nearest one there is.
"""

import base64
import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, UsageError
from multichat_tui.model.ids import ChannelId, RecordId, UserId, short
from multichat_tui.model.intents import OpenDirect
from multichat_tui.model.limits import MAX_PAGE_ROWS
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, ContactRow, Me, MemberRow, Membership, MessageRow
from multichat_tui.model.text import visible
from multichat_tui.model.values import dataclass
from multichat_tui.node.api import NodeApi

T = TypeVar("T")

MIN_ID_CHARACTERS = 4
"""Fewer characters of an id are no more than a guess."""
ID_CHARACTERS = 52
"""A whole id in base32."""
MAX_CHANNELS_LOOKED_AT = 64
"""Channels whose members may be meant by a name, the most active ones."""
MAX_CHANNELS_SEEN = 64
"""Channels, the latest first, among whose newest messages one is looked for by the beginning of its id."""
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
MAX_CANDIDATES = 8
"""Candidates named in a refusal."""
NO_CONTACTS = "/pair makes a link to hand over, /pair nearby meets people on this network."
SUFFIX_SIGN = "~"
"""Stands between a name and its key suffix where two look alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody by user id: as a contact, as a member of the channel that was asked about, or oneself."""

    user: UserId
    name: str
    contact: ContactRow | None = None
    member: MemberRow | None = None
    me: Me | None = None


@lru_cache(maxsize=1024)
def id_text(identifier: bytes) -> str:
    """The whole id as one word of lower-case base32: 52 characters."""
    return base64.b32encode(identifier).decode("ascii").rstrip("=").lower()


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, if any is like it at all."""
    by_folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


async def find_channel(api: NodeApi, text: str) -> ChannelRow:
    """By `#name`, a group's name, `@name` of a direct conversation, or the beginning of the id. `errors.NotFound`."""
    rows = (await api.channels()).rows
    wanted = text.strip()
    groups = [row for row in rows if row.kind is not ChannelKind.DIRECT]
    if wanted.startswith("#"):
        rows, wanted = tuple(groups), wanted[1:]
    elif wanted.startswith("@"):
        rows, wanted = tuple(row for row in rows if row.kind is ChannelKind.DIRECT), wanted[1:]
    found = _matching(rows, wanted, _channel_names, lambda row: [row.id])
    if len(found) > 1:
        living = [row for row in found if row.membership in (Membership.JOINED, Membership.JOINING)]
        found = living if len(living) == 1 else found
    return _one(found, text, "channel", lambda row: (channel_label(row), row.id), [row.name for row in rows])


async def find_contact(api: NodeApi, text: str) -> ContactRow:
    """By name, `@name`, key suffix, or the beginning of the user id. `errors.NotFound`."""
    rows = (await api.contacts()).rows
    if not rows:
        raise NotFound("You have no contacts yet.", NO_CONTACTS)
    found = _matching(rows, text, lambda row: _names(row.name, row.user), lambda row: [row.user])
    return _one(found, text, "contact", lambda row: (row.name, row.user), [row.name for row in rows])


async def find_member(api: NodeApi, channel: ChannelId, text: str) -> MemberRow:
    """By name, `@name`, key suffix, or the beginning of the user id, in one channel. `errors.NotFound`."""
    rows = (await api.members(channel)).rows
    found = _matching(rows, text, lambda row: _names(row.name, row.user), lambda row: [row.user])
    return _one(found, text, "member", lambda row: (row.name, row.user), [row.name for row in rows])


def find_among(rows: Sequence[T], text: str, what: str, called: Callable[[T], tuple[str, UserId]]) -> T:
    """One of `rows`, each of which is somebody of this name and id; `what` they are, for the refusal. `errors.NotFound`."""
    found = _matching(rows, text, lambda row: _names(*called(row)), lambda row: [called(row)[1]])
    return _one(found, text, what, called, [called(row)[0] for row in rows])


async def find_person(api: NodeApi, text: str, channel: ChannelId | None = None) -> Person:
    """Among the contacts, oneself, the members of `channel`, and those one has a conversation with. `errors.NotFound`."""
    people: dict[UserId, Person] = {}
    me = (await api.me()).rows
    members = (await api.members(channel)).rows if channel is not None else ()
    by_user = {row.user: row for row in members}
    for contact in (await api.contacts()).rows:
        people[contact.user] = Person(user=contact.user, name=contact.name, contact=contact, member=by_user.get(contact.user))
    for member in members:
        people.setdefault(member.user, Person(user=member.user, name=member.name, member=member))
    for row in (await api.channels()).rows:
        if row.user is not None:
            people.setdefault(row.user, Person(user=row.user, name=row.name))
    people[me.user] = Person(user=me.user, name=me.name, me=me, member=by_user.get(me.user))
    rows = list(people.values())
    found = _matching(rows, text, lambda row: _names(row.name, row.user), lambda row: [row.user])
    if not found and all(row.contact is None for row in rows):
        raise NotFound(f"There is no person {one_line(text.strip())[:60]!r}: you have no contacts yet.", NO_CONTACTS)
    return _one(found, text, "person", lambda row: (row.name, row.user), [row.name for row in rows])


async def find_author(api: NodeApi, text: str, channels: Sequence[ChannelId] = ()) -> Person:
    """Whoever may have written: `me`, a contact, a member of `channels`, or of any if none is named. `errors.NotFound`."""
    me = (await api.me()).rows
    if text.strip().casefold() == "me":
        return Person(user=me.user, name=me.name, me=me)
    people = {row.user: Person(user=row.user, name=row.name, contact=row) for row in (await api.contacts()).rows}
    everywhere = sorted((await api.channels()).rows, key=lambda row: row.last_ms, reverse=True)
    for channel in channels or tuple(row.id for row in everywhere[:MAX_CHANNELS_LOOKED_AT]):
        for member in (await api.members(channel)).rows:
            people.setdefault(member.user, Person(user=member.user, name=member.name, member=member))
    people[me.user] = Person(user=me.user, name=me.name, me=me)
    rows = list(people.values())
    found = _matching(rows, text, lambda row: _names(row.name, row.user), lambda row: [row.user])
    return _one(found, text, "person", lambda row: (row.name, row.user), [row.name for row in rows])


async def find_message(api: NodeApi, text: str, channel: ChannelId | None = None) -> MessageRow:
    """By the whole id, or by the beginning of one among the newest messages of `channel`, or of all. `errors.NotFound`."""
    word = "".join(text.split()).lower()
    if not (MIN_ID_CHARACTERS <= len(word) <= ID_CHARACTERS and set(word) <= set(_BASE32)):
        raise UsageError(
            f"{one_line(text.strip())[:60]!r} is no id of a message.", "send shows ids, and log --json the whole ones."
        )
    found: dict[RecordId, MessageRow] = {}
    if len(word) == ID_CHARACTERS:
        row = (await api.message(RecordId(base64.b32decode(word.upper() + "====")))).rows
        found = {row.id: row} if row is not None and channel in (None, row.channel) else {}
    else:
        lately = sorted((await api.channels()).rows, key=lambda row: row.last_ms, reverse=True)
        for where in (channel,) if channel is not None else tuple(row.id for row in lately[:MAX_CHANNELS_SEEN]):
            rows = (await api.timeline(where, limit=MAX_PAGE_ROWS)).rows
            found |= {row.id: row for row in rows if id_text(row.id).startswith(word)}
    if not found:
        here = " in this channel" if channel is not None else ""
        raise NotFound(
            f"There is no message {word[:60]!r}{here}.", "Of older messages the whole id is needed: log --json shows it."
        )
    return _one(list(found.values()), text, "message", lambda row: (f"{row.name}: {row.text[:20]}", row.id), ())


async def find_destination(api: NodeApi, text: str, channel: ChannelId | None = None) -> ChannelId:
    """Where a message to `text` goes: a channel, or for `@name` the direct conversation, which is opened if there is none."""
    if not text.strip().startswith("@"):
        return (await find_channel(api, text)).id
    return await direct_channel(api, await find_person(api, text, channel))


async def direct_channel(api: NodeApi, person: Person) -> ChannelId:
    """The conversation with one person; opened if there is none."""
    if person.me is not None:
        raise IntentRefused(Refusal.NOT_ALLOWED, "That is you.", "Name somebody else.")
    opened = (await api.submit(OpenDirect(user=person.user))).channel
    if opened is None:
        raise IntentRefused(Refusal.UNKNOWN, f"No conversation with {one_line(person.name)} could be opened.")
    return opened


def one_line(text: str) -> str:
    """`text` safe to draw within one line: nobody's name or topic begins a line of its own."""
    return visible(text).replace("\n", "\u240a")


def channel_label(row: ChannelRow) -> str:
    """`#name`, `@name` for a direct conversation, or the bare name of a workspace, safe to draw."""
    sign = {ChannelKind.DIRECT: "@", ChannelKind.WORKSPACE: ""}.get(row.kind, "#")
    return f"{sign}{one_line(row.name)}"


def _channel_names(row: ChannelRow) -> list[str]:
    return _names(row.name, row.user if row.user is not None else row.id)


def _names(name: str, identifier: bytes) -> list[str]:
    """What a row may be called: its name as shown, the name without its key suffix, and the suffix alone."""
    base, sign, suffix = name.rpartition(SUFFIX_SIGN)
    if sign and len(suffix) >= MIN_ID_CHARACTERS and id_text(identifier).startswith(suffix.lower()):
        return [name, base, suffix]
    return [name]


def _matching(rows: Iterable[T], text: str, names: Callable[[T], list[str]], identifiers: Callable[[T], list[bytes]]) -> list[T]:
    """The rows that `text` may mean. Exact spelling beats another case; a name that looks like an id hides no other's id."""
    rows = list(rows)
    wanted = text.strip().removeprefix("@")
    if not wanted:
        return []
    word = "".join(wanted.split()).lower()
    looks_like_id = MIN_ID_CHARACTERS <= len(word) <= ID_CHARACTERS and set(word) <= set("abcdefghijklmnopqrstuvwxyz234567")
    by_id = [row for row in rows if looks_like_id and any(id_text(i).startswith(word) for i in identifiers(row))]
    if len(word) == ID_CHARACTERS and by_id:
        return by_id
    named = [row for row in rows if wanted in names(row)]
    if not named:
        named = [row for row in rows if wanted.casefold() in (name.casefold() for name in names(row))]
    return named + [row for row in by_id if row not in named]


def _one(found: list[T], text: str, what: str, label: Callable[[T], tuple[str, bytes]], known: Iterable[str]) -> T:
    asked = one_line(text.strip())[:60]
    if len(found) == 1:
        return found[0]
    if found:
        labels = [f"{one_line(name)} ({short(identifier)})" for name, identifier in map(label, found[:MAX_CANDIDATES])]
        more = ", …" if len(found) > MAX_CANDIDATES else ""
        raise IntentRefused(
            Refusal.AMBIGUOUS, f"{asked!r} can mean: {', '.join(labels)}{more}.", "Type the beginning of the id instead."
        )
    close = nearest(text.strip().lstrip("@#"), known)
    become = "/pair makes a link by which somebody becomes a contact." if what in {"contact", "person"} else ""
    raise NotFound(f"There is no {what} {asked!r}.", f"Did you mean {one_line(close)!r}?" if close else become)
