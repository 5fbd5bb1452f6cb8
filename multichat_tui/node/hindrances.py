"""Why a message is not on a device yet: what this node knows of the way there, in words."""

from collections.abc import Sequence

from multichat_tui.model.identity import Certificate
from multichat_tui.model.ids import DeviceId, UserId, short
from multichat_tui.model.limits import MAX_DEPOSIT_BYTES_PER_DEVICE, MAX_DEPOSITS_PER_DEVICE, MAX_GATHER_MS
from multichat_tui.model.mailbox_frames import Word
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.ports import Space
from multichat_tui.model.snapshots import MailboxFailing
from multichat_tui.model.text import size_words
from multichat_tui.node.world import World

HIDDEN = (
    "; its mailboxes are known only by addresses of private networks: these are called for contacts, or where this network "
    "shows them"
)

SILENT = "; nothing was heard of it for 30 days, so nothing more is left at its mailboxes until it comes"
FAR_BEHIND = "; it lacks so much that is older than 30 days that only a link brings it"
UNCONFIRMED = "; what was left for it before was taken from its mailboxes and never confirmed, so that it may have that"
FULL = (
    f"; as much is on its way to its mailboxes as may be, {MAX_DEPOSITS_PER_DEVICE} parcels or "
    f"{size_words(MAX_DEPOSIT_BYTES_PER_DEVICE)}: what you wrote since goes there once it has taken some"
)
GATHERED = (
    "; much is on its way to its mailboxes, so that what you wrote since goes there together, within "
    f"{MAX_GATHER_MS // 60_000} minutes"
)
FAILINGS = {
    MailboxFailing.LOSES: "it has lost what was left there",
    MailboxFailing.REFUSES: "it refuses often",
    MailboxFailing.AWAY: "it is hardly ever reached",
}


ROOM, GONE = "the room that they have there is full", "they have no place there any more"
REFUSALS = {
    None: "it was not reached, or did not answer",
    Word.FULL_OWNER: ROOM,
    Word.FULL_QUEUE: ROOM,
    Word.FULL_WRITER: ROOM,
    Word.FULL: "it is full",
    Word.BUSY: "its disk is full, or too much was asked of it at once",
    Word.UNKNOWN: GONE,
    Word.UNAUTHORISED: GONE,
}


def replaced_words(world: World, device: DeviceId, user: UserId, failed: Sequence[MailboxId], stored: int) -> str:
    """Of the mailboxes of somebody that failed with a message: which and why, and what follows; empty if none did. `stored`: at
    how many it lies."""
    if not failed:
        return ""
    told = []
    for mailbox in failed:
        reasons = []
        if (device, mailbox) in world.deposits.refusals:
            word = world.deposits.refusals[device, mailbox]
            reasons.append(REFUSALS.get(word, f"it said {word.value}" if word is not None else ""))
        failing = world.mailbox_failing(mailbox, user)
        if failing is not None:
            reasons.append(f"{FAILINGS[failing]}: it is left for last")
        told.append(short(mailbox) + (f" ({'; '.join(reasons)})" if reasons else ""))
    who = f"their {'mailbox' if len(told) == 1 else 'mailboxes'} {' and '.join(told)} did not take it, or not keep it"
    return who if stored else f"{who}: it is tried again"


def hindrance(world: World, certificate: Certificate) -> str:
    """Of the device with this certificate, as the end of a sentence that begins with *it does not have it yet*; of one that no
    mailbox keeps it for."""
    device, words = certificate.device, _of_link(world, certificate)
    if world.session_of(device) is not None or device in world.revoked or world.blocked(certificate.user):
        return words
    words += HIDDEN if world.hides_mailboxes(device) else ""
    words += SILENT if device in world.unheard else FAR_BEHIND if device in world.left_to_links else ""
    if world.deposits.full(device):
        words += FULL
    elif world.deposits.gathers_until(device, world.now) > world.now:
        words += GATHERED
    return words + (UNCONFIRMED if world.heard.is_unconfirmed(device) else "")


def _of_link(world: World, certificate: Certificate) -> str:
    device, user = certificate.device, certificate.user
    if device in world.revoked:
        return "this device was revoked"
    if world.blocked(user):
        return "you have blocked them, so there is no link between you"
    session = world.session_of(device)
    if session is not None and session.closing:
        return "its link is being closed"
    if session is not None:
        return "it is linked and has not said yet that it has it"
    if world.closed(user):
        return "their account is closed"
    until = world.shunned.get(device, 0)
    if until > world.now:
        return "it has forked, so there is no link with it for a while"
    failure = world.dial_failures.get(device)
    if failure:
        return f"it was not reached at {failure}"
    if not world.txn.get(Space.ADDRESS, device):
        return "it was not found on this network, and no address of it is known"
    return "it was not reached yet"
