"""Being visible nearby: a window of some minutes under a random id, with an identity made for it and thrown away after it.

Nothing of it is stored, and nothing in it leads to the account: links to strangers are made between throw-away devices, and who
people are is said only inside a comparison that the user has confirmed (`node.comparisons`).
"""

from dataclasses import field
from functools import lru_cache

from multichat_tui.crypto.identity import Account, DeviceSecrets, certify
from multichat_tui.crypto.keys import public_key
from multichat_tui.crypto.sas import Party, nearby_code, nearby_join_seed, nearby_key
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import user_id
from multichat_tui.model.limits import MAX_NEARBY, MAX_PEER_ADDRESSES, NEARBY_ID_BYTES, NEARBY_MS
from multichat_tui.model.ports import Credential, CredentialKind, Entropy, LocalDevice, NearbyGone, NearbySeen
from multichat_tui.model.trust import NearbyPerson, NearbyRow
from multichat_tui.model.values import dataclass


@dataclass(slots=True, kw_only=True)
class Window:
    """`wish` is whom the user has chosen, until there is a link to them."""

    id: bytes
    local: LocalDevice
    until_ms: int
    people: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    """Addresses by id."""
    wish: bytes = b""
    tries: int = 0
    """Comparisons that strangers have begun."""

    @property
    def party(self) -> Party:
        assert self.local.certificate is not None
        return Party(user=user_id(self.local.certificate.account_key), device=self.local.device)

    @property
    def open_credential(self) -> Credential:
        """Whoever hears the announcement may connect."""
        return Credential(
            kind=CredentialKind.OPEN_INVITATION,
            key=nearby_key(self.id),
            join_key=join_key_of(self.id),
            local=self.local,
            nearby=self.id,
        )

    @property
    def held_credential(self) -> Credential | None:
        """By which the chosen person is dialled."""
        return None if not self.wish else self.credential_for(self.wish)

    def credential_for(self, person: bytes) -> Credential:
        return Credential(
            kind=CredentialKind.HELD_INVITATION,
            key=nearby_key(person),
            join_key=join_key_of(person),
            join_seed=nearby_join_seed(person),
            local=self.local,
        )

    def owns(self, join_key: bytes | None) -> bool:
        """Whether a link under this join key is one of strangers nearby, from or to."""
        if join_key is None:
            return False
        return join_key == join_key_of(self.id) or any(join_key == join_key_of(person) for person in self.people)

    def row(self) -> NearbyRow:
        people = sorted((NearbyPerson(id=each.hex(), code=nearby_code(each)) for each in self.people), key=lambda p: p.code)
        return NearbyRow(until_ms=self.until_ms, code=nearby_code(self.id), people=tuple(people))

    def seen(self, seen: NearbySeen) -> bool:
        """Whether that is news. Of more people than can be shown the later ones are left out."""
        known = self.people.get(seen.nearby, ())
        if seen.nearby == self.id or seen.address in known or (not known and len(self.people) >= MAX_NEARBY):
            return False
        self.people[seen.nearby] = (seen.address, *known)[:MAX_PEER_ADDRESSES]
        return True

    def gone(self, gone: NearbyGone) -> bool:
        return self.people.pop(gone.nearby, None) is not None

    def person(self, text: str) -> bytes:
        """The id of somebody in the list, by id or code. `errors.NotFound`, `errors.IntentRefused`."""
        wanted = " ".join(text.lower().replace("-", " ").split())
        found = [each for each in self.people if wanted and (each.hex().startswith(wanted) or nearby_code(each) == wanted)]
        if not found:
            raise NotFound("Nobody of that code is visible here now.", "They are listed while you are visible: /pair nearby.")
        if len(found) > 1:
            raise IntentRefused(Refusal.AMBIGUOUS, "Several people nearby are meant by that.", "Name more of the id.")
        return found[0]


def open_window(entropy: Entropy, now: int) -> Window:
    """A new id, and an account and device that nobody has seen and nobody will see again."""
    account = Account(entropy(32))
    secrets = DeviceSecrets(signing_seed=entropy(32), sealing_secret=entropy(32))
    local = LocalDevice(
        device=secrets.device,
        signing_seed=secrets.signing_seed,
        certificate=certify(account, secrets, entropy(32), 0),
        incarnation=0,
    )
    return Window(id=entropy(NEARBY_ID_BYTES), local=local, until_ms=now + NEARBY_MS)


@lru_cache(2 * MAX_NEARBY)
def join_key_of(nearby: bytes) -> bytes:
    """The public key by which links to and from somebody nearby are recognised."""
    return public_key(nearby_join_seed(nearby))
