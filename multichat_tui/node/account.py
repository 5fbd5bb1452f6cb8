"""Choices that need the account's own key, and the names of one's devices."""

from multichat_tui.crypto.identity import Account, joined_device_list, sign_closing
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.identity import DeviceList
from multichat_tui.model.intents import Accepted, CloseAccount, LabelDevice, RevokeDevice, SettleDevices
from multichat_tui.model.ports import Space
from multichat_tui.model.text import clean_name
from multichat_tui.node.devices import Devices
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.node_rows import LABEL
from multichat_tui.node.world import World


class AccountChoices:
    def __init__(self, world: World, exchange: Exchange, devices: Devices) -> None:
        self._world = world
        self._exchange = exchange
        self._devices = devices

    def change(self, intent: RevokeDevice | SettleDevices | CloseAccount, account: Account) -> Accepted:
        """With the account's key at hand, which is forgotten afterwards. `errors.IntentRefused`: nothing has changed."""
        if account.user != self._world.identity.user:
            raise IntentRefused(Refusal.NOT_ALLOWED, "This is the key of another account.")
        match intent:
            case RevokeDevice():
                return self._revoke(intent, account)
            case SettleDevices():
                return self._settle(account)
            case CloseAccount():
                return self._close(account)

    def _revoke(self, intent: RevokeDevice, account: Account) -> Accepted:
        identity = self._world.identity
        listed = identity.devices
        if all(certificate.device != intent.device for certificate in listed.certificates):
            raise NotFound("Your account has no such device.", "/devices lists them.")
        if intent.device == identity.device:
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "This is the device that you use.",
                "Revoke it from another one, or wipe its profile.",
            )
        if intent.device in listed.revoked:
            raise IntentRefused(Refusal.ALREADY, "This device is revoked already.")
        self._devices.own(joined_device_list(account, self._lists(), None, (intent.device,)))
        return Accepted(user=identity.user)

    def _settle(self, account: Account) -> Accepted:
        if self._world.identity.user not in self._world.forks:
            raise IntentRefused(Refusal.ALREADY, "No two device lists of your account contradict each other.")
        self._devices.own(joined_device_list(account, self._lists(), None, ()))
        return Accepted(user=self._world.identity.user)

    def _lists(self) -> tuple[DeviceList, ...]:
        """All that is known of our devices: what we sign next has to hold it."""
        world = self._world
        fork = world.forks.get(world.identity.user)
        return (world.identity.devices,) if fork is None else (world.identity.devices, fork)

    def _close(self, account: Account) -> Accepted:
        world = self._world
        world.learn_statement(sign_closing(account, world.now))
        world.status_changed = True
        self._exchange.announce_statements()
        return Accepted(user=world.identity.user)

    def label(self, intent: LabelDevice) -> Accepted:
        world = self._world
        if all(certificate.device != intent.device for certificate in world.identity.devices.certificates):
            raise NotFound("Your account has no such device.", "/devices lists them.")
        label = clean_name(intent.label) if intent.label.strip() else ""
        if label is None:
            raise IntentRefused(Refusal.BAD_NAME, "A device's name has 1 to 48 visible characters.")
        if label:
            world.txn.put(Space.SELF, LABEL + intent.device, label.encode())
        else:
            world.txn.delete(Space.SELF, LABEL + intent.device)
        world.status_changed = True
        return Accepted(user=world.identity.user)
