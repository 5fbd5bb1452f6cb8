"""What users say of each other, to their own contacts only: whom they vouch for, and whom they bring together. Contents of
statements of the kinds 4 and 5."""

from itertools import pairwise

from multichat_tui.model.codec import Rejected, Value, encode
from multichat_tui.model.ids import UserId
from multichat_tui.model.invitations import SEED_BYTES
from multichat_tui.model.limits import (
    MAX_INTRODUCTIONS,
    MAX_NAME_CHARACTERS,
    MAX_TIMESTAMP_MS,
    MAX_VOUCH_NOTE_CHARACTERS,
    MAX_VOUCHES,
)
from multichat_tui.model.schema import Malformed, as_bool, as_bytes, as_id, as_int, as_list, as_map, as_text, read
from multichat_tui.model.statements import MAX_STATEMENT_BYTES
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouch:
    """One knows this user, and says so. `note` is hostile text."""

    user: UserId
    since_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """The reader and `other` are to become contacts, by an invitation that is neither's: `seed`. Of the two one lets the other in
    (`hosts`), who calls. `name` is what the introducer calls them; hostile, as is `note`."""

    other: UserId
    name: str
    seed: bytes
    hosts: bool
    since_ms: int
    expires_ms: int
    note: str = ""

    def __repr__(self) -> str:
        return "Introduction(…)"


def encode_vouches(vouches: tuple[Vouch, ...]) -> bytes:
    """In the order of users, each once."""
    return encode({0: [[v.user, v.since_ms, v.note] for v in sorted(vouches, key=lambda v: v.user)]})


def decode_vouches(content: bytes) -> tuple[Vouch, ...] | Rejected:
    return read(content, MAX_STATEMENT_BYTES, _vouches)


def _vouches(value: Value) -> tuple[Vouch, ...]:
    fields = as_map(value, "vouches")
    if 0 not in fields:
        raise Malformed("vouches: the list is missing")
    found = tuple(_vouch(entry) for entry in as_list(fields[0], "vouches", MAX_VOUCHES))
    users = [vouch.user for vouch in found]
    if any(one >= other for one, other in pairwise(users)):
        raise Malformed("vouches: not in ascending order")
    return found


def _vouch(value: Value) -> Vouch:
    user, since_ms, note = as_list(value, "vouch", 3, 3)
    return Vouch(
        user=UserId(as_id(user, "user")),
        since_ms=as_int(since_ms, "since", MAX_TIMESTAMP_MS - 1),
        note=as_text(note, "note", MAX_VOUCH_NOTE_CHARACTERS),
    )


def encode_introductions(reader: UserId, introductions: tuple[Introduction, ...]) -> bytes:
    """For one reader: another one must not take it for theirs."""
    entries: list[Value] = [[i.other, i.name, i.seed, i.hosts, i.since_ms, i.expires_ms, i.note] for i in introductions]
    return encode({0: reader, 1: entries})


def decode_introductions(content: bytes) -> tuple[UserId, tuple[Introduction, ...]] | Rejected:
    """(for whom, what)."""
    return read(content, MAX_STATEMENT_BYTES, _introductions)


def _introductions(value: Value) -> tuple[UserId, tuple[Introduction, ...]]:
    fields = as_map(value, "introductions")
    if 0 not in fields or 1 not in fields:
        raise Malformed("introductions: a field is missing")
    entries = as_list(fields[1], "introductions", MAX_INTRODUCTIONS)
    return UserId(as_id(fields[0], "reader")), tuple(_introduction(entry) for entry in entries)


def _introduction(value: Value) -> Introduction:
    other, name, seed, hosts, since_ms, expires_ms, note = as_list(value, "introduction", 7, 7)
    return Introduction(
        other=UserId(as_id(other, "other")),
        name=as_text(name, "name", MAX_NAME_CHARACTERS),
        seed=as_bytes(seed, "seed", SEED_BYTES, SEED_BYTES),
        hosts=as_bool(hosts, "hosts"),
        since_ms=as_int(since_ms, "since", MAX_TIMESTAMP_MS - 1),
        expires_ms=as_int(expires_ms, "expires", MAX_TIMESTAMP_MS - 1),
        note=as_text(note, "note", MAX_VOUCH_NOTE_CHARACTERS),
    )
