"""Who this node is: its keys and statements as kept in the profile, and how a new identity is made."""

from collections.abc import Callable
from dataclasses import dataclass

from multichat_tui.crypto.identity import (
    Account,
    DeviceSecrets,
    certify,
    first_device_list,
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

_DEVICE, _DEVICES, _OLM, _PROFILE, _INCARNATION = b"device", b"devices", b"olm", b"profile", b"incarnation"
MAX_SELF_BYTES = 64 * 1024


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
    new_olm: Callable[[Entropy], OlmAccount] = new_olm_account,
) -> None:
    """Make the first device of an account in an empty profile. The account's secrets are not kept here."""
    account = Account(account_entropy)
    secrets = DeviceSecrets(signing_seed=entropy(32), sealing_secret=entropy(32))
    olm = new_olm(entropy)
    certificate = certify(account, secrets, olm.identity_key, now_ms)
    devices = first_device_list(account, certificate)
    profile = sign_profile(secrets, account.user, 0, Profile(name=name))
    with store.transaction() as txn:
        txn.put(Space.SELF, _DEVICE, encode([secrets.signing_seed, secrets.sealing_secret]))
        txn.put(Space.SELF, _DEVICES, devices.encoded)
        txn.put(Space.SELF, _OLM, olm.pickle)
        txn.put(Space.SELF, _PROFILE, profile.encoded)
        txn.put(Space.SELF, _INCARNATION, encode(0))


def load_identity(txn: Transaction) -> Identity:
    """The identity of an opened profile, under a new incarnation number. `errors.Damaged` if it is not whole."""
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
    txn.put(Space.SELF, _INCARNATION, encode(incarnation + 1))
    return Identity(
        secrets=secrets,
        signer=Signer(secrets.signing_seed),
        sealing_key=sealing_public_key(secrets.sealing_secret),
        devices=devices,
        certificate=certificate,
        profile=statement,
        name=profile.name,
        incarnation=incarnation + 1,
    )
