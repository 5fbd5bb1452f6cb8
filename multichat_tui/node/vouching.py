"""Vouching for contacts, and bringing two of them together.

Who vouches says so to all contacts and to nobody else; taking it back is a newer statement without it. An introduction is an
invitation that the introducer makes for two others: neither can use it with anybody but the other, whose account it names, and
the introducer cannot use it at all. It makes contacts, and verifies nobody.
"""

from multichat_tui.crypto.identity import sign_statement
from multichat_tui.crypto.keys import public_key
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import UserId
from multichat_tui.model.intents import Introduce, SetVouch
from multichat_tui.model.invitations import SEED_BYTES, join_seed
from multichat_tui.model.limits import (
    INTRODUCTION_MS,
    MAX_INTRODUCTIONS,
    MAX_NAME_CHARACTERS,
    MAX_OPEN_INVITATIONS,
    MAX_PEER_ADDRESSES,
    MAX_VOUCH_NOTE_CHARACTERS,
    MAX_VOUCHES,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.statements import MAX_STATEMENT_BYTES, Statement, StatementKind
from multichat_tui.model.text import encodable, visible
from multichat_tui.model.vouching import Introduction, Vouch, decode_introductions, encode_introductions, encode_vouches
from multichat_tui.node.asking import known_devices
from multichat_tui.node.dialing import Dialing
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.request_rows import introductions
from multichat_tui.node.standing import HeldPairing, OpenPairing
from multichat_tui.node.world import World


class Vouching:
    def __init__(self, world: World, exchange: Exchange, dialing: Dialing) -> None:
        self._world = world
        self._exchange = exchange
        self._dialing = dialing

    # Vouching

    def set_vouch(self, intent: SetVouch) -> None:
        world = self._world
        own = world.identity.user
        vouches = {vouch.user: vouch for vouch in world.vouches.get(own, ())}
        name = self._name(intent.user)
        if not intent.vouched:
            if intent.user not in vouches:
                raise IntentRefused(Refusal.ALREADY, f"You do not vouch for {name}.")
            del vouches[intent.user]
        else:
            self._check_contact(intent.user)
            note = _note(intent.note)
            before = vouches.get(intent.user)
            if before is not None and before.note == note:
                raise IntentRefused(Refusal.ALREADY, f"You vouch for {name} already.")
            if before is None and len(vouches) >= MAX_VOUCHES:
                raise IntentRefused(Refusal.LIMIT, "You vouch for too many people.", "/unvouch some of them first.")
            since_ms = world.now if before is None else before.since_ms
            vouches[intent.user] = Vouch(user=intent.user, since_ms=since_ms, note=note)
        self._say_vouches(tuple(vouches.values()))

    def drop(self, user: UserId) -> None:
        """One vouches for nobody whom one blocks."""
        vouches = self._world.vouches.get(self._world.identity.user, ())
        if any(vouch.user == user for vouch in vouches):
            self._say_vouches(tuple(vouch for vouch in vouches if vouch.user != user))

    def _say_vouches(self, vouches: tuple[Vouch, ...]) -> None:
        world = self._world
        before = world.statements.get((world.identity.user, StatementKind.VOUCH))
        statement = self._sign(StatementKind.VOUCH, before, encode_vouches(vouches))
        world.learn_statement(statement)
        self._exchange.announce_statements()

    def _sign(self, kind: StatementKind, before: Statement | None, content: bytes) -> Statement:
        """`errors.IntentRefused` if it has grown too long to be sent."""
        world = self._world
        number = max(world.now, 0 if before is None else before.number + 1)
        statement = sign_statement(world.identity.secrets, world.identity.user, kind, number, content)
        if statement is None or len(statement.encoded) > MAX_STATEMENT_BYTES:
            raise IntentRefused(Refusal.LIMIT, "That is more than one statement holds.", "Use shorter notes, or take one back.")
        return statement

    # Introducing

    def introduce(self, intent: Introduce) -> None:
        world = self._world
        if intent.one == intent.other:
            raise IntentRefused(Refusal.NOT_ALLOWED, "An introduction needs two different people.")
        for user in (intent.one, intent.other):
            self._check_contact(user)
        note = _note(intent.note)
        seed = world.entropy(SEED_BYTES)
        expires_ms = world.now + INTRODUCTION_MS
        for reader, other, hosts in ((intent.one, intent.other, True), (intent.other, intent.one, False)):
            made = Introduction(
                other=other,
                name=world.name_of(other)[:MAX_NAME_CHARACTERS],
                seed=seed,
                hosts=hosts,
                since_ms=world.now,
                expires_ms=expires_ms,
                note=note,
            )
            self._say_introduction(reader, made)
        self._exchange.announce_statements()

    def _say_introduction(self, reader: UserId, made: Introduction) -> None:
        """Beside those that count still; the oldest give way."""
        world = self._world
        before = world.introduced.get(reader)
        said = None if before is None else decode_introductions(before.content)
        kept = [i for i in said[1] if i.expires_ms > world.now and i.other != made.other] if isinstance(said, tuple) else []
        entries = (*kept, made)[-MAX_INTRODUCTIONS:]
        statement = self._sign(StatementKind.INTRODUCTION, before, encode_introductions(reader, entries))
        world.introduced[reader] = statement
        world.txn.put(Space.INTRODUCED, reader, statement.encoded)

    # Answering

    def accept(self, user: UserId) -> bool:
        """Take up every introduction to somebody. False: there is none."""
        world = self._world
        found = [made for _, made in introductions(world) if made.other == user]
        for made in found:
            seed, share = made.seed, world.entropy(32)
            join_key = public_key(join_seed(seed))
            if made.hosts:
                if len(world.txn.scan(Space.INVITATION)) >= MAX_OPEN_INVITATIONS:
                    raise IntentRefused(Refusal.LIMIT, "There are too many open invitations.", "Wait until some have expired.")
                opened = OpenPairing(seed=seed, share=share, expires_ms=made.expires_ms, user=user)
                world.txn.put(Space.INVITATION, join_key, opened.encoded())
            else:
                known = (a for c in known_devices(world, user) for a in self._dialing.addresses(c.device))
                addresses = tuple(dict.fromkeys(known))[:MAX_PEER_ADDRESSES]
                held = HeldPairing(seed=seed, share=share, user=user, addresses=addresses, expires_ms=made.expires_ms)
                world.txn.put(Space.PAIRING, join_key, held.encoded())
            self._answered(seed)
        world.credentials_changed = world.introductions_changed = True
        return bool(found)

    def decline(self, user: UserId) -> bool:
        """False: there is none."""
        found = [made for _, made in introductions(self._world) if made.other == user]
        for made in found:
            self._answered(made.seed)
        return bool(found)

    def _answered(self, seed: bytes) -> None:
        world = self._world
        world.answered_introductions.add(seed)
        world.txn.put(Space.ANSWERED, seed, b"")
        world.status_changed = True

    def settle(self) -> None:
        """Answers to introductions that are not told any more are forgotten."""
        world = self._world
        if not world.answered_introductions:
            return
        told = {made.seed for entries in world.introductions.values() for made in entries if made.expires_ms > world.now}
        for seed in world.answered_introductions - told:
            world.txn.delete(Space.ANSWERED, seed)
        world.answered_introductions &= told

    def _check_contact(self, user: UserId) -> None:
        world = self._world
        if user not in world.contacts:
            raise NotFound("They are not a contact of yours.", "/pair makes one.")
        name = self._name(user)
        if world.blocked(user):
            raise IntentRefused(Refusal.NOT_ALLOWED, f"You have blocked {name}.", "/unblock takes that back.")
        if world.closed(user):
            raise IntentRefused(Refusal.CLOSED, f"{name} has closed their account.")

    def _name(self, user: UserId) -> str:
        return visible(self._world.name_of(user)) or "this person"


def _note(text: str) -> str:
    note = " ".join(text.split())
    if len(note) > MAX_VOUCH_NOTE_CHARACTERS or not encodable(note):
        raise IntentRefused(Refusal.TOO_LONG, f"A note has at most {MAX_VOUCH_NOTE_CHARACTERS} characters.")
    return note
