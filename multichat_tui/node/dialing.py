"""Whom to call, where, and when: every known device that is not linked, at every address that it was ever reached at, with
back-off per address; at once when the network shows it or has changed."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import field

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.hosts import is_near
from multichat_tui.model.ids import DeviceId
from multichat_tui.model.invitations import join_seed, token_key
from multichat_tui.model.limits import (
    FIRST_VAIN_MS,
    MAX_PEER_ADDRESSES,
    MAX_REDIAL_MS,
    MAX_VAIN_DIALS,
    MIN_REDIAL_MS,
    VAIN_DIAL_MS,
    VAIN_DIALS,
    VAIN_FACTOR,
)
from multichat_tui.model.ports import Credential, CredentialKind, DialFailed, LinkUp, PeerSeen, Space, mailbox_user
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.values import dataclass
from multichat_tui.node.readers import lets_read
from multichat_tui.node.standing import decode_held_pairing, decode_open_pairing
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

MANUAL = b"manual"
"""Space.SETTING is the front ends' own; addresses typed by the user stand in Space.ADDRESS under this key."""
STAGGER_MS = 250
"""An address gets so long before the next one of the same peer is tried beside it (after RFC 8305, section 5)."""
MAX_RETURN_PLACES = 16
"""Holders of one's own return key that are tried, of those that the network shows."""
RETURN_AGAIN_MS = 10 * 60 * 1000
"""Whoever has answered under the return key is asked again after this, as far as they are not linked as peers."""
READ_AGAIN_MS = 60 * 1000
"""Whoever gave nothing of a channel that is read by link is asked again after this."""
NEARBY_KEYS = 64
"""Join keys of people nearby that are recognised, the last ones; links under older ones are long gone."""
CALLS_AT_ONCE = 2
"""To one address, under different keys: a door lets in four strangers of one address at a time (limits.py)."""
ANSWER_MS = 15_000
"""An attempt without any answer counts as over after this."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    next_at: int
    tries: int = 0
    under_way: bool = False
    began_at: int = 0


@dataclass(slots=True, kw_only=True)
class Target:
    """Somebody to be reached under one credential."""

    credential: Credential
    addresses: tuple[str, ...]
    wary: bool = False
    """Somebody else names these addresses: where nobody was found for a few times they are left alone for a day."""

    @property
    def tag(self) -> bytes:
        """Names its attempts: to one mailbox there are several, as different people."""
        return _tag(self.credential)


@dataclass(slots=True)
class Dialing:
    _world: World
    mailboxes: Callable[[], tuple[Target, ...]] = lambda: ()
    """Mailboxes to be reached now; set by the engine, as is the next."""
    routed: Callable[[DeviceId], tuple[str, ...]] = lambda device: ()
    """Where a device says that it listens."""
    _attempts: dict[tuple[bytes, str], Attempt] = field(default_factory=dict)
    _seen: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    """Where the network shows a credential's holder just now, by its key; of a return key, many holders."""
    _targets: list[Target] = field(default_factory=list)
    _returns: tuple[Credential, ...] = ()
    """Under which restored devices of our contacts, and of our own account, are let in."""
    _calls: list[tuple[Credential, str]] | None = None
    """What `_unreached` has found last, for the links of `_calls_for`; None after a change of targets, of what is seen, or of
    which attempts there are."""
    _calls_for: object = None
    _waiting: list[Attempt] | None = None
    """The attempts of `_calls`; None where they were not gone through yet."""
    _due_at: int = 0
    _spared_until: int | None = None
    """When the first of the addresses is called again that are left alone for a while."""
    """None of these is due before."""
    _begun: dict[tuple[bytes, str], Attempt] = field(default_factory=dict)
    """The attempts that were begun last: which of them are fresh is looked up at every call, and there may be many others."""
    _vain: dict[tuple[bytes, str], tuple[int, int]] = field(default_factory=dict)
    """Calls to addresses that others name, by key and address: how many have failed, and when the last one did."""
    _tidied: bool = False
    """Stored addresses were looked through since the start."""
    _nearby_keys: deque[bytes] = field(default_factory=lambda: deque(maxlen=NEARBY_KEYS))

    # Credentials

    def refresh(self) -> tuple[Credential, ...]:
        """All credentials that count now: contacts and invitations first, then fellow members, then who may come back."""
        world = self._world
        if world.identity.revoked or world.resting_until is not None:
            self._targets = []
            self._calls = None
            world.credentials_changed = False
            return ()
        if not self._tidied:
            self._tidied = True
            self._forget_strangers()
        held = self._held()
        peers = self._peers()
        opened = self._open()
        manual = self.addresses(DeviceId(MANUAL))
        self._targets = [Target(credential=c, addresses=(*a, *manual)) for c, a in held]
        owners = world.certificates() if world.regards else {}
        for credential in peers:
            assert credential.device is not None
            if credential.device in owners and world.blocked(owners[credential.device].user):
                continue  # they may call, for the channels that both are in; this node does not
            places = dict.fromkeys((*self.addresses(credential.device), *self.routed(credential.device), *manual))
            self._targets.append(Target(credential=credential, addresses=tuple(places)))
        boxes = self.mailboxes()
        self._targets += boxes
        keys = {target.credential.key for target in self._targets}
        tags = {target.tag for target in self._targets}
        self._attempts = {name: attempt for name, attempt in self._attempts.items() if name[0] in tags}
        self._seen = {key: addresses for key, addresses in self._seen.items() if key in keys}
        self._calls = None
        world.credentials_changed = False
        contacts = {c.device for contact in world.contacts.values() for c in contact.devices.living}
        first = [c for c in peers if c.device in contacts]
        rest = [c for c in peers if c.device not in contacts]
        door = () if world.door is None else (world.door,)
        mailboxes = (target.credential for target in boxes)
        return (*door, *first, *opened, *(c for c, _ in held), *rest, *self._returns, *mailboxes)

    def _peers(self) -> list[Credential]:
        world = self._world
        return [
            Credential(kind=CredentialKind.PEER, key=key, device=device)
            for device, certificate in sorted(world.certificates().items())
            if device not in world.shunned
            for key in world.link_keys(certificate)
        ]

    def _open(self) -> list[Credential]:
        """Links that we gave out, and those of our channels that anybody of them may answer."""
        world = self._world
        opened = []
        if world.window is not None:
            credential = world.window.open_credential
            self._remember_nearby(credential)
            opened.append(credential)
        for join_key, value in world.txn.scan(Space.INVITATION):
            pairing = decode_open_pairing(value)
            opened.append(_open(token_key(pairing.seed), join_key))
        for channel in world.channels.values():
            if channel.rooted and channel.standing.membership is Membership.JOINED:
                for state in channel.view.invitations.values():
                    if not state.closed and state.invite.expires_ms > world.now:
                        opened.append(_open(state.invite.token_key, state.invite.join_key))
            if lets_read(channel):
                seed = channel.view.reading_seed
                opened.append(_open(token_key(seed), public_key(join_seed(seed))))
        identity = world.identity
        returns = {
            c.devices.account_key: c.return_key for c in world.contacts.values() if c.return_key and not world.blocked(c.user)
        }
        if identity.return_key and not identity.stopped:
            returns[identity.devices.account_key] = identity.return_key
        self._returns = tuple(_open(key, account_key) for account_key, key in sorted(returns.items()))
        return opened

    def _held(self) -> list[tuple[Credential, tuple[str, ...]]]:
        world = self._world
        held = []
        for _, value in world.txn.scan(Space.PAIRING):
            pairing = decode_held_pairing(value)
            held.append((_held(pairing.seed), pairing.addresses))
        for channel in world.channels.values():
            joining = channel.standing.joining
            reading = channel.standing.membership is Membership.READING
            if joining is not None and (reading or not world.online(joining.inviter)):
                held.append((_held(joining.seed), joining.addresses))
        returning = world.identity.returning
        if returning is not None:
            account = returning.account
            credential = Credential(
                kind=CredentialKind.HELD_INVITATION, key=account.return_key, join_key=account.key, join_seed=account.seed
            )
            contacts = (c.device for contact in world.contacts.values() for c in contact.devices.living)
            places = dict.fromkeys(address for device in contacts for address in self.addresses(device))
            held.append((credential, tuple(places)[:MAX_RETURN_PLACES]))
        window = world.window
        if window is not None and (wished := window.held_credential) is not None:
            self._remember_nearby(wished)
            held.append((wished, window.people.get(window.wish, ())))
        return held

    def is_nearby(self, join_key: bytes) -> bool:
        """Whether a link under this join key is one to or from a stranger nearby, now or in a window that has just closed."""
        return join_key in self._nearby_keys

    def _remember_nearby(self, credential: Credential) -> None:
        if credential.join_key is not None and credential.join_key not in self._nearby_keys:
            self._nearby_keys.append(credential.join_key)

    # Addresses

    def addresses(self, device: DeviceId) -> tuple[str, ...]:
        value = self._world.txn.get(Space.ADDRESS, device) or b""
        return tuple(address.decode() for address in value.split(b"\n") if address)

    def remember(self, device: DeviceId, address: str) -> None:
        """An address at which a device was reached goes to the front."""
        known = [a for a in self.addresses(device) if a != address]
        kept = (address, *known)[:MAX_PEER_ADDRESSES]
        if kept != self.addresses(device):
            self._world.txn.put(Space.ADDRESS, device, "\n".join(kept).encode())
            self._world.credentials_changed = True

    def reached(self, session: Session) -> None:
        """A peer's device is linked; the address is one to call it at, unless it says that it listens nowhere."""
        if not session.address.endswith(":0"):
            self.remember(session.device, session.address)

    def _forget_strangers(self) -> None:
        """Addresses of devices that are no peers any more."""
        peers = self._world.certificates()
        for device, _ in self._world.txn.scan(Space.ADDRESS):
            if device != MANUAL and DeviceId(device) not in peers:
                self._world.txn.delete(Space.ADDRESS, device)

    def add_manual(self, address: str) -> None:
        self.remember(DeviceId(MANUAL), address)
        self._world.credentials_changed = True

    # What happens

    def carry_on(self, last: "Dialing") -> None:
        """Whom the network has shown is known on."""
        self._seen = dict(last._seen)

    def seen(self, seen: PeerSeen) -> None:
        """The network shows somebody: call at once."""
        returning = self._world.identity.returning
        before = self._seen.get(seen.key, ()) if returning is not None and seen.key == returning.account.return_key else ()
        self._seen[seen.key] = tuple(dict.fromkeys((seen.address, *before)))[:MAX_RETURN_PLACES]
        self._calls = None
        for tag in {target.tag for target in self._targets if target.credential.key == seen.key} or {seen.key}:
            attempt = self._attempts.get((tag, seen.address))
            if attempt is None or not attempt.under_way:
                self._attempts[tag, seen.address] = Attempt(next_at=self._world.now)

    def failed(self, failed: DialFailed) -> None:
        world = self._world
        attempt = self._attempts.get((failed.key + (failed.local or b""), failed.address))
        for target in self._targets:
            if target.credential.key == failed.key and target.credential.device is not None:
                world.dial_failures[target.credential.device] = f"{failed.address}: {failed.reason}"
        if attempt is not None:
            attempt.under_way = False
            attempt.next_at = world.now + min(MAX_REDIAL_MS, MIN_REDIAL_MS * 2 ** min(attempt.tries, 10))
            attempt.tries += 1
            self._due_at = min(self._due_at, attempt.next_at)
        if any(target.wary for target in self._targets if target.credential.key == failed.key):
            name = failed.key, failed.address
            self._vain[name] = self._vain.pop(name, (0, 0))[0] + 1, world.now
            self._calls = None
            while len(self._vain) > MAX_VAIN_DIALS:
                del self._vain[next(iter(self._vain))]
        shown = self._seen.get(failed.key, ())
        if failed.address in shown and attempt is not None and attempt.tries > 3:
            self._seen[failed.key] = tuple(address for address in shown if address != failed.address)
            self._calls = None

    def up(self, up: LinkUp) -> None:
        self._world.dial_failures.pop(up.device, None)
        self._vain = {name: tries for name, tries in self._vain.items() if name[0] != up.key}
        self._calls = None
        returning = self._world.identity.returning
        if returning is not None and up.join_key == returning.account.key and up.dialled:
            # One of many who may answer under this key: not asked again soon, but others are.
            for name, attempt in self._attempts.items():
                if name[0] == returning.account.return_key and (attempt.under_way or name[1] == up.address):
                    attempt.under_way = False
                    attempt.next_at = self._world.now + RETURN_AGAIN_MS
            return
        for target in self._targets:
            device = (target.credential.device, mailbox_user(target.credential)) == (up.device, up.local)
            if device or (up.join_key is not None and target.credential.join_key == up.join_key):
                for name in list(self._attempts):
                    if name[0] == target.tag:
                        del self._attempts[name]

    def down(self, device: DeviceId) -> None:
        """A link broke: try again soon, at all addresses."""
        self._calls = None
        for target in self._targets:
            if target.credential.device == device:
                for address in self._places(target):
                    self._attempts[target.tag, address] = Attempt(next_at=self._world.now + MIN_REDIAL_MS)

    def source_down(self, join_key: bytes, *, gave: bool) -> None:
        """A link by which we read a channel is over: the next one soon, or, if nothing came of it, after a while."""
        self._calls = None
        wait_ms = MIN_REDIAL_MS if gave else READ_AGAIN_MS
        for target in self._targets:
            if target.credential.join_key == join_key:
                for address in self._places(target):
                    self._attempts[target.tag, address] = Attempt(next_at=self._world.now + wait_ms)

    def network_changed(self) -> None:
        """All that was tried in vain may work now."""
        self._calls = None
        for name, attempt in list(self._attempts.items()):
            if not attempt.under_way:
                del self._attempts[name]

    # Calling

    def call(self) -> None:
        """Dial everybody who is due."""
        world = self._world
        unreached = self._unreached()
        if self._waiting is not None and world.now < self._due_at:
            return
        waiting = self._waiting = []
        self._begun = {name: attempt for name, attempt in self._begun.items() if self._fresh(name, attempt)}
        trying = {key for key, _ in self._begun}
        calls = Counter(address for _, address in self._begun)
        for credential, address in unreached:
            name = _tag(credential), address
            attempt = self._attempts.get(name)
            if attempt is None:
                attempt = self._attempts[name] = Attempt(next_at=world.now)
            waiting.append(attempt)
            if attempt.next_at <= world.now and (name[0] in trying or calls[address] >= CALLS_AT_ONCE):
                # One address after the other, or the first two that answer make two links; and nobody's door is crowded.
                attempt.next_at = world.now + STAGGER_MS
            elif attempt.next_at <= world.now:
                trying.add(name[0])
                calls[address] += 1
                self._begun[name] = attempt
                attempt.under_way = True
                attempt.began_at = world.now
                attempt.next_at = world.now + ANSWER_MS
                world.out.dials.append((credential, address))
        self._due_at = min(self.wake_times(), default=world.now)

    def _fresh(self, name: tuple[bytes, str], attempt: Attempt) -> bool:
        """Whether nothing has come of it yet, and it is too early for the next one."""
        alive = attempt.under_way and self._attempts.get(name) is attempt
        return alive and self._world.now - attempt.began_at < STAGGER_MS

    def _unreached(self) -> list[tuple[Credential, str]]:
        """Everybody who is not linked, with every place to try. Found anew only after a change: calls end one by one."""
        sessions, now = self._world.sessions.values(), self._world.now
        returning = self._world.identity.returning
        state = returning is None, [(s.link, s.device, s.local, s.join_key, s.address) for s in sessions]
        if self._calls is not None and self._calls_for == state and (self._spared_until or now + 1) > now:
            return self._calls
        self._calls_for = state
        self._waiting = None
        linked = {(session.device, session.local) for session in sessions}
        busy = {session.address for session in sessions} if returning is not None else set()
        asked = {session.join_key for session in sessions if session.join_key is not None}
        found = [
            (target.credential, address)
            for target in self._targets
            if (target.credential.device, mailbox_user(target.credential)) not in linked
            and target.credential.join_key not in asked
            for address in self._places(target)
            if not self._world.near_only or is_near(address)
            if not target.wary or self._vain_until(target, address) <= now
            if returning is None or target.credential.key != returning.account.return_key or address not in busy
        ]
        spared = (self._vain_until(t, address) for t in self._targets if t.wary for address in self._places(t))
        self._spared_until = min((until for until in spared if until > now), default=None)
        # Whom an address is known to be of is called there before all who might be there.
        manual = set(self.addresses(DeviceId(MANUAL)))
        self._calls = sorted(found, key=lambda call: call[1] in manual and call[1] not in self._own(call[0]))
        return self._calls

    def _vain_until(self, target: Target, address: str) -> int:
        """Until when an address is left alone at which nobody was found again and again: ever longer."""
        tries, last = self._vain.get((target.credential.key, address), (0, 0))
        return last + min(VAIN_DIAL_MS, FIRST_VAIN_MS * VAIN_FACTOR ** (tries - VAIN_DIALS)) if tries >= VAIN_DIALS else 0

    def _own(self, credential: Credential) -> tuple[str, ...]:
        return () if credential.device is None else self.addresses(credential.device)

    def _places(self, target: Target) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._seen.get(target.credential.key, ()), *target.addresses)))

    def in_vain(self, device: DeviceId) -> bool:
        """Whether nobody was found at any place where this one might be, and none is being called just now."""
        targets = [target for target in self._targets if target.credential.device == device]
        for target in targets:
            for address in self._places(target):
                attempt = self._attempts.get((target.tag, address))
                called = attempt is not None and attempt.tries and not attempt.under_way
                spared = target.wary and self._vain_until(target, address) > self._world.now
                if not called and not spared and (is_near(address) or not self._world.near_only):
                    return False
        return bool(targets)

    def wake_times(self) -> list[int]:
        spared = [] if self._spared_until is None else [self._spared_until]
        return spared + [attempt.next_at for attempt in self._waiting or ()]


def _tag(credential: Credential) -> bytes:
    return credential.key + (mailbox_user(credential) or b"")


def _open(key: bytes, join_key: bytes) -> Credential:
    return Credential(kind=CredentialKind.OPEN_INVITATION, key=key, join_key=join_key)


def _held(seed: bytes) -> Credential:
    secret = join_seed(seed)
    return Credential(kind=CredentialKind.HELD_INVITATION, key=token_key(seed), join_key=public_key(secret), join_seed=secret)
