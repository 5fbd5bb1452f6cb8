"""What the operator of a mailbox decides, and what they see of it."""

from collections import defaultdict

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.hosting import HostRow, PlaceRow, RefusedRow
from multichat_tui.model.intents import Accepted, GrantPlace, HostMailbox, RevokePlace
from multichat_tui.model.limits import (
    GRANT_BYTES,
    GRANT_QUEUES,
    LINK_SEED_BYTES,
    MAILBOX_BYTES,
    MAX_GRANT_QUEUES,
    MAX_GRANTS,
    MAX_INTEGER,
    MAX_MAILBOX_ADDRESSES,
    MIN_MAILBOX_BYTES,
)
from multichat_tui.model.mailbox_store import KeptGrant, RefusalCount
from multichat_tui.model.mailboxes import MailboxAddress, MailboxGrant, MailboxId, grant_key_seed
from multichat_tui.model.text import clean_name
from multichat_tui.node.host_settings import HostSettings
from multichat_tui.node.hosting import Hosting
from multichat_tui.node.typed_addresses import typed_address
from multichat_tui.node.world import World


class HostChoices:
    def __init__(self, world: World, hosting: Hosting) -> None:
        self._world = world
        self._hosting = hosting

    def host(self, intent: HostMailbox) -> Accepted:
        """Turn the mailbox on or off, or say how it is kept. What lies in it stays when it is off."""
        settings = self._hosting.made()
        total = settings.total_bytes if intent.total_bytes is None else intent.total_bytes
        check_total(total)
        addresses = settings.addresses
        if intent.addresses is not None:
            addresses = tuple(dict.fromkeys(typed_address(address) for address in intent.addresses))
            if len(addresses) > MAX_MAILBOX_ADDRESSES:
                raise IntentRefused(Refusal.LIMIT, f"A mailbox tells of at most {MAX_MAILBOX_ADDRESSES} addresses.")
        shown = settings.shown_on_lan if intent.shown_on_lan is None else intent.shown_on_lan
        self._hosting.set(self._hosting.changed(on=intent.on, total_bytes=total, addresses=addresses, shown_on_lan=shown))
        self._world.status_changed = True
        return Accepted()

    def grant(self, intent: GrantPlace) -> Accepted:
        """Answered with the link, which is nowhere else: who has it, has the place."""
        settings, box = self._settings(), self._world.txn.mailbox
        name = clean_name(intent.name)
        if name is None:
            raise IntentRefused(Refusal.BAD_NAME, "A name for the place has 1 to 48 visible characters.")
        quota = min(GRANT_BYTES, settings.total_bytes) if intent.quota_bytes is None else intent.quota_bytes
        queues = GRANT_QUEUES if intent.queues is None else intent.queues
        if not MIN_MAILBOX_BYTES <= quota <= settings.total_bytes:
            raise IntentRefused(
                Refusal.LIMIT,
                f"A place has {_mib(MIN_MAILBOX_BYTES)} to {_mib(settings.total_bytes)}: the mailbox keeps no more in all.",
                "Say less, or let the mailbox keep more.",
            )
        if not 1 <= queues <= MAX_GRANT_QUEUES:
            raise IntentRefused(Refusal.LIMIT, f"A place has 1 to {MAX_GRANT_QUEUES} queues: one for each contact and channel.")
        grants = box.grants()
        if any(grant.name == name for grant in grants):
            raise IntentRefused(Refusal.NOT_ALLOWED, "There is a place of that name.", "Revoke it first, or take another name.")
        if len(grants) >= MAX_GRANTS:
            raise IntentRefused(Refusal.LIMIT, f"There are {MAX_GRANTS} places already.", "Revoke one first.")
        addresses = self._addresses(settings)
        if not addresses:
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "Nobody could find this mailbox: its node does not run, and no address of it is known.",
                "Run it, or say where it is found: multichat mailbox host on --address HOST:PORT.",
            )
        seed = self._world.entropy(LINK_SEED_BYTES)
        key = public_key(grant_key_seed(seed))
        box.add_grant(KeptGrant(key=key, name=name, quota_bytes=quota, most_queues=queues, made_ms=self._world.now))
        address = MailboxAddress(mailbox=MailboxId(public_key(settings.seed)), door_key=settings.door_key, addresses=addresses)
        return Accepted(link=MailboxGrant(address=address, seed=seed).link)

    def revoke(self, intent: RevokePlace) -> Accepted:
        box = self._world.txn.mailbox
        grant = next((grant for grant in box.grants() if grant.name == intent.name), None)
        if grant is None:
            raise NotFound("There is no place of that name.", "multichat mailbox grants, or /mailbox grants, lists them.")
        if intent.at_once or not grant.used_bytes:
            box.drop_grant(grant.key)
            self._hosting.dropped()
        else:
            box.change_grant(grant.key, quota_bytes=grant.quota_bytes, most_queues=grant.most_queues, revoked=True)
        self._hosting.revoked(grant.key)
        return Accepted()

    def _settings(self) -> HostSettings:
        settings = self._hosting.settings
        if settings is None or not settings.on:
            raise IntentRefused(
                Refusal.NOT_ALLOWED, "This node keeps no mailbox.", "multichat mailbox run, or /mailbox host on, begins one."
            )
        return settings

    def _addresses(self, settings: HostSettings) -> tuple[str, ...]:
        """Where those who use it look: what the operator says, or where the node listens, real addresses first."""
        ordered = sorted(self._world.listen, key=lambda address: address.startswith(("127.", "[::1]")))
        return settings.addresses or tuple(ordered[:MAX_MAILBOX_ADDRESSES])

    # What is seen

    def row(self) -> HostRow:
        world, hosting = self._world, self._hosting
        settings, box = hosting.settings, self._world.txn.mailbox
        refused: defaultdict[bytes, list[RefusedRow]] = defaultdict(list)
        for each in hosting.refusals():
            refused[each.grant].append(_refused_row(each))
        return HostRow(
            on=hosting.on,
            mailbox=None if settings is None else MailboxId(public_key(settings.seed)),
            addresses=() if settings is None else self._addresses(settings),
            shown_on_lan=settings is not None and settings.shown_on_lan,
            total_bytes=MAILBOX_BYTES if settings is None else settings.total_bytes,
            used_bytes=box.used_bytes(),
            free_bytes=box.free_bytes(),
            resting=hosting.resting,
            links=len(world.clients),
            places=tuple(self._place(grant, tuple(refused[grant.key])) for grant in box.grants()),
            refused=tuple(refused[b""]),
        )

    def _place(self, grant: KeptGrant, refused: tuple[RefusedRow, ...]) -> PlaceRow:
        box = self._world.txn.mailbox
        return PlaceRow(
            name=grant.name,
            made_ms=grant.made_ms,
            quota_bytes=grant.quota_bytes,
            used_bytes=grant.used_bytes,
            queues=grant.queues,
            most_queues=grant.most_queues,
            envelopes=grant.envelopes,
            oldest_ms=box.oldest_ms(grant.key),
            revoked=grant.revoked,
            refused=refused,
        )


def _refused_row(count: RefusalCount) -> RefusedRow:
    return RefusedRow(word=count.word.value, count=count.count, last_ms=count.last_ms)


def check_total(size: int) -> None:
    """What a mailbox is to keep in all, in bytes. `errors.IntentRefused`."""
    if not MIN_MAILBOX_BYTES <= size <= MAX_INTEGER:
        raise IntentRefused(Refusal.LIMIT, f"A mailbox keeps at least {_mib(MIN_MAILBOX_BYTES)}.")


def _mib(size: int) -> str:
    return f"{size // 1024 // 1024} MiB"
