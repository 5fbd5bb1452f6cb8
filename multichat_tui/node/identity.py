"""Who this node is: its keys and statements as kept in the profile, and how a new identity is made."""

from collections.abc import Callable
from dataclasses import replace

from multichat_tui.crypto.identity import (
    Account,
    DeviceSecrets,
    certify,
    first_device_list,
    joined_device_list,
    sign_profile,
)
from multichat_tui.crypto.keys import Signer, sealing_public_key
from multichat_tui.crypto.olm import OlmAccount, new_olm_account
from multichat_tui.model.codec import Rejected, decode, encode
from multichat_tui.model.errors import Damaged
from multichat_tui.model.identity import Certificate, DeviceList, decode_device_list
from multichat_tui.model.ids import DeviceId, UserId
from multichat_tui.model.ports import Entropy, LocalDevice, Space, Store, Transaction
from multichat_tui.model.statements import Profile, Statement, decode_profile, decode_statement
from multichat_tui.model.values import dataclass

_DEVICE, _DEVICES, _OLM, _PROFILE, _INCARNATION = b"device", b"devices", b"olm", b"profile", b"incarnation"
_RETURN_KEY, _RETURNING, _ROLLBACK = b"return", b"returning", b"rollback"
INCARNATION_BITS = 32
"""Random bits of an incarnation number, below the count of starts."""
MAX_STARTS = 2**31 - 1
RETURN_MS = 7 * 24 * 60 * 60 * 1000
"""After the first contact was met, others are asked for so long; then the account's key is forgotten again."""
MAX_SELF_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingBack:
    """A device made from the phrase, or anew after a rollback, and not known everywhere yet."""

    account: Account
    """Its key is needed to bring the lists of several contacts together."""
    lost: bool
    """The account's older devices are lost: they are revoked as they become known."""
    began_ms: int
    replaces: DeviceId | None = None
    """The device that this one was before it was found to be a copy: it is revoked."""
    met_ms: int = 0
    """When the first contact or other device of the account told its list; 0: none has."""

    @property
    def met(self) -> bool:
        return self.met_ms > 0

    @property
    def ends_ms(self) -> int:
        return self.met_ms + RETURN_MS

    def over(self, now: int) -> bool:
        return self.met and now >= self.ends_ms

    def takes_for_lost(self, certificate: Certificate) -> bool:
        return certificate.device == self.replaces or (self.lost and certificate.created_ms < self.began_ms)

    def encoded(self) -> bytes:
        return encode([self.account.entropy, self.lost, self.began_ms, self.met_ms, self.replaces])


def _coming_back(encoded: bytes | None) -> ComingBack | None:
    value = decode(encoded, MAX_SELF_BYTES) if encoded else None
    if not isinstance(value, list) or len(value) != 5:
        return None
    entropy, lost, began_ms, met_ms, replaces = value
    return ComingBack(
        account=Account(bytes(entropy)),
        lost=bool(lost),
        began_ms=int(began_ms),
        met_ms=int(met_ms),
        replaces=None if replaces is None else DeviceId(bytes(replaces)),
    )


@dataclass(slots=True, kw_only=True)
class Identity:
    """Loaded at start; `profile` and `devices` are replaced when they change."""

    secrets: DeviceSecrets
    signer: Signer
    sealing_key: bytes
    devices: DeviceList
    certificate: Certificate
    profile: Statement
    name: str
    incarnation: int
    return_key: bytes = b""
    """Of the account; empty in a profile that was made before there were any, until it is opened with its passphrase."""
    returning: ComingBack | None = None
    rollback: bool = False
    """This profile was found to be a copy or an older state of itself: it writes nothing until it has a new device."""

    @property
    def revoked(self) -> bool:
        """Another device of the account, or somebody with its phrase, has revoked this one."""
        return self.device in self.devices.revoked

    @property
    def unmet(self) -> bool:
        """Made from the phrase, and nobody has told yet what the account's devices are: `devices` is a stand-in to be shown to
        nobody."""
        return self.returning is not None and not self.returning.met

    @property
    def stopped(self) -> bool:
        """Nothing is written and nobody is told anything."""
        return self.revoked or self.unmet or self.rollback

    @property
    def user(self) -> UserId:
        return self.devices.user

    @property
    def device(self) -> DeviceId:
        return self.certificate.device

    @property
    def local(self) -> LocalDevice:
        return LocalDevice(
            device=self.device,
            signing_seed=self.secrets.signing_seed,
            certificate=self.certificate,
            incarnation=self.incarnation,
        )

    def refresh(self, txn: Transaction) -> None:
        """As it is stored: what a batch that failed had changed in memory is undone."""
        stored = _stored(txn)
        self.devices, self.profile, self.name = stored.devices, stored.profile, stored.name
        self.return_key, self.returning, self.rollback = stored.return_key, stored.returning, stored.rollback

    def adopt(self, txn: Transaction, devices: DeviceList) -> None:
        """Keep a newer list of one's own account."""
        self.devices = devices
        txn.put(Space.SELF, _DEVICES, devices.encoded)

    def met(self, txn: Transaction, now: int) -> None:
        """Somebody has told what the account's devices are."""
        if self.returning is not None and not self.returning.met:
            self.returning = replace(self.returning, met_ms=now)
            txn.put(Space.SELF, _RETURNING, self.returning.encoded())

    def returned(self, txn: Transaction) -> None:
        """The return is over: the account's key is kept here no longer."""
        self.returning = None
        txn.delete(Space.SELF, _RETURNING)

    def found_copied(self, txn: Transaction) -> None:
        """Somebody has shown a record of this device that this device has not made: nothing more is written under its keys. The
        next start with the account's key makes a new device of it (`renew_identity`)."""
        self.rollback = True
        txn.put(Space.SELF, _ROLLBACK, b"\xf5")

    def take_over(self, txn: Transaction, statement: Statement, profile: Profile) -> None:
        """Be called as the account was called on its other devices."""
        self.profile = sign_profile(self.secrets, self.user, statement.number + 1, profile)
        self.name = profile.name
        txn.put(Space.SELF, _PROFILE, self.profile.encoded)

    def rename(self, txn: Transaction, name: str) -> None:
        """Sign and keep a new profile."""
        self.profile = sign_profile(self.secrets, self.user, self.profile.number + 1, Profile(name=name))
        self.name = name
        txn.put(Space.SELF, _PROFILE, self.profile.encoded)


def create_identity(
    store: Store,
    *,
    name: str,
    account_entropy: bytes,
    entropy: Entropy,
    now_ms: int,
    restored: bool = False,
    lost: bool = True,
    new_olm: Callable[[Entropy], OlmAccount] = new_olm_account,
) -> None:
    """Make a device of an account in an empty profile: its first one, or with `restored` another one, that contacts bring back;
    `lost`: the older ones are revoked then. The account's secrets are kept here only until it is back."""
    account = Account(account_entropy)
    returning = ComingBack(account=account, lost=lost, began_ms=now_ms) if restored else None
    secrets = DeviceSecrets(signing_seed=entropy(32), sealing_secret=entropy(32))
    olm = new_olm(entropy)
    certificate = certify(account, secrets, olm.identity_key, now_ms)
    devices = first_device_list(account, certificate)
    profile = sign_profile(secrets, account.user, 0, Profile(name=name))
    with store.transaction() as txn:
        txn.put(Space.SELF, _RETURN_KEY, account.return_key)
        if returning is not None:
            txn.put(Space.SELF, _RETURNING, returning.encoded())
        txn.put(Space.SELF, _DEVICE, encode([secrets.signing_seed, secrets.sealing_secret]))
        txn.put(Space.SELF, _DEVICES, devices.encoded)
        txn.put(Space.SELF, _OLM, olm.pickle)
        txn.put(Space.SELF, _PROFILE, profile.encoded)
        txn.put(Space.SELF, _INCARNATION, encode(0))


def needs_account(txn: Transaction) -> bool:
    """Whether a profile has to be completed with the account's key: it is older than return keys, or a copy of itself."""
    return txn.get(Space.SELF, _RETURN_KEY) is None or txn.get(Space.SELF, _ROLLBACK) is not None


def complete_identity(
    store: Store,
    *,
    account_entropy: bytes,
    entropy: Entropy,
    now_ms: int,
    new_olm: Callable[[Entropy], OlmAccount] = new_olm_account,
) -> None:
    """Do what `needs_account` asks for, where the account's key is at hand: when the profile is opened."""
    account = Account(account_entropy)
    with store.transaction() as txn:
        txn.put(Space.SELF, _RETURN_KEY, account.return_key)
        if txn.get(Space.SELF, _ROLLBACK) is not None:
            _renew(txn, account, entropy, now_ms, new_olm)


def _renew(txn: Transaction, account: Account, entropy: Entropy, now_ms: int, new_olm: Callable[[Entropy], OlmAccount]) -> None:
    """A new device in the place of one that was copied: history, contacts and channels stay. What the account's devices are
    meanwhile, a contact has to tell first, as after a restoration; until then the list made here is shown to nobody."""
    old = _stored(txn)
    secrets = DeviceSecrets(signing_seed=entropy(32), sealing_secret=entropy(32))
    olm = new_olm(entropy)
    certificate = certify(account, secrets, olm.identity_key, now_ms)
    devices = joined_device_list(account, (old.devices,), certificate, (old.device,))
    profile = decode_profile(old.profile.content)
    assert isinstance(profile, Profile)
    returning = ComingBack(account=account, lost=False, began_ms=now_ms, replaces=old.device)
    txn.put(Space.SELF, _DEVICE, encode([secrets.signing_seed, secrets.sealing_secret]))
    txn.put(Space.SELF, _DEVICES, devices.encoded)
    txn.put(Space.SELF, _OLM, olm.pickle)
    txn.put(Space.SELF, _PROFILE, sign_profile(secrets, account.user, old.profile.number + 1, profile).encoded)
    txn.put(Space.SELF, _RETURNING, returning.encoded())
    txn.put(Space.SELF, _INCARNATION, encode(0))
    for space in (Space.RATCHET, Space.OLM, Space.OPENED):
        # Sessions and prekeys were the old device's. Of what is sealed for that, nothing is opened any more: it is sent again.
        for key, _ in txn.scan(space):
            txn.delete(space, key)
    txn.delete(Space.SELF, _ROLLBACK)


def olm_account(txn: Transaction) -> bytes:
    """The device's Olm account, as `OlmAccount.pickle`: secret, and the same for as long as the device lives."""
    return txn.get(Space.SELF, _OLM) or b""


def load_identity(txn: Transaction, entropy: Entropy) -> Identity:
    """The identity of an opened profile, under a new incarnation number. `errors.Damaged` if it is not whole.

    The number grows with every start, and its lower half is random: so two copies of a profile get different ones.
    """
    identity = _stored(txn)
    starts = identity.incarnation >> INCARNATION_BITS
    identity.incarnation = min(starts + 1, MAX_STARTS) << INCARNATION_BITS | int.from_bytes(entropy(INCARNATION_BITS // 8), "big")
    txn.put(Space.SELF, _INCARNATION, encode(identity.incarnation))
    return identity


def _stored(txn: Transaction) -> Identity:
    values = {key: txn.get(Space.SELF, key) for key in (_DEVICE, _DEVICES, _PROFILE, _INCARNATION)}
    device = decode(values[_DEVICE] or b"", MAX_SELF_BYTES)
    devices = decode_device_list(values[_DEVICES] or b"")
    statement = decode_statement(values[_PROFILE] or b"")
    incarnation = decode(values[_INCARNATION] or b"", MAX_SELF_BYTES)
    if (
        not isinstance(device, list)
        or isinstance(devices, Rejected)
        or isinstance(statement, Rejected)
        or not isinstance(incarnation, int)
    ):
        raise Damaged("The profile holds no whole identity.", "Restore it from a backup, or start a new one with --home.")
    secrets = DeviceSecrets(signing_seed=bytes(device[0]), sealing_secret=bytes(device[1]))
    profile = decode_profile(statement.content)
    certificate = next((c for c in devices.certificates if c.device == secrets.device), None)
    if isinstance(profile, Rejected) or certificate is None:
        raise Damaged("The profile holds no whole identity.", "Restore it from a backup, or start a new one with --home.")
    return Identity(
        secrets=secrets,
        signer=Signer(secrets.signing_seed),
        sealing_key=sealing_public_key(secrets.sealing_secret),
        devices=devices,
        certificate=certificate,
        profile=statement,
        name=profile.name,
        incarnation=incarnation,
        return_key=txn.get(Space.SELF, _RETURN_KEY) or b"",
        returning=_coming_back(txn.get(Space.SELF, _RETURNING)),
        rollback=txn.get(Space.SELF, _ROLLBACK) is not None,
    )
