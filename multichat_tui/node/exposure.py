"""What members, readers and networks could learn of a channel: in words, from what is so now. Nothing here is a promise that the
threat model does not make."""

from multichat_tui.channel.view import View
from multichat_tui.model.acts import Style
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.device_statements import DeviceStatementKind
from multichat_tui.model.exposure import MAX_EXPOSED_NAMES, ExposureRow, Party
from multichat_tui.model.history import policy_words
from multichat_tui.model.ids import UserId, short
from multichat_tui.model.limits import MAX_READING_DEVICES
from multichat_tui.model.mailboxes import MailboxId
from multichat_tui.model.routes import Route, decode_route
from multichat_tui.model.text import describe_ms
from multichat_tui.node.names import channel_names
from multichat_tui.node.world import Channel, World

ON_THE_WAY = (
    "Nobody but members carries its messages. Between their devices they are encrypted.",
    "What was recorded on the way stays closed, even to one who takes the devices later.",
    "Whoever watches the way sees which addresses have a link, when, and how much goes over it.",
)
IN_REACH = "Whoever is on the same local network sees that Multichat runs here, under names that change daily, and not for whom."


def exposure(world: World, channel: Channel, *, lan: bool) -> tuple[ExposureRow, ...]:
    """`lan`: this node announces itself on the local network. Empty for a channel that has not arrived."""
    if not channel.rooted:
        return ()
    view, me = channel.view, world.identity.user
    others = [user for user in view.members if user != me]
    known = {certificate.user for certificate in channel.control.certificates.values()}
    former = [user for user in known if user not in view.members and user != me]
    rows = [
        _row(
            world,
            channel,
            Party.MEMBERS,
            others,
            _members(view, small=len(channel.audience(world.identity.device)) < MAX_READING_DEVICES),
        ),
        _row(world, channel, Party.UNVERIFIED, [user for user in others if not _verified(world, user)], UNVERIFIED),
        _row(world, channel, Party.FORMER, former, FORMER),
    ]
    rows = [row for row in rows if row.count]
    if view.public:
        rows.append(ExposureRow(party=Party.READERS, learns=READERS))
    mailboxes = _mailboxes(world, channel)
    if mailboxes:
        rows.append(ExposureRow(party=Party.MAILBOXES, count=len(mailboxes), learns=MAILBOXES))
    living = len(world.identity.devices.living)
    if living > 1:
        rows.append(ExposureRow(party=Party.OWN_DEVICES, count=living - 1, learns=("They hold all of it, as this one does.",)))
    rows.append(ExposureRow(party=Party.NETWORK, learns=(*ON_THE_WAY, *((IN_REACH,) if lan else ()))))
    return tuple(rows)


UNVERIFIED = (
    "That they are who they say rests on the link by which they came, and on who gave it to them.",
    "/verify NAME compares words with somebody; their name alone proves nothing.",
)
MAILBOXES = (
    "They keep envelopes for members who are away, that only one device each can open: not who has written, nor to what channel, "
    "nor what.",
    "They see to which queue something comes, from which address, when, and about how much: so, who guesses well, that some "
    "queues belong together, and how many write to one.",
    "One that a member runs knows more, as that member is told which queue is whose: together they know who gets something, and "
    "when.",
    "They could lose or withhold what they keep: what is not acknowledged is sent again, by other mailboxes or links.",
)
FORMER = (
    "What they had they keep. What is written after their removal they are not served by those who know of it.",
    "A member who has not heard of the removal yet, because of being offline, goes on serving them until then.",
)
READERS = (
    "Whoever has the link, or gets it from somebody, reads everything, from the beginning on, without being a member.",
    "They learn who is in the channel and who writes what; members who serve them see their address, and not who they are.",
)


def _members(view: View, *, small: bool) -> tuple[str, ...]:
    """`small`: so few devices that each says what it has read."""
    said = ["They read all that is written to everybody, with its author and time, see who is in the channel, and the log."]
    if view.style is not Style.DIRECT:
        said.append(f"Newcomers see {policy_words(view.setting(SettingKey.HISTORY))}.")
        said.append("Of messages to some members the others see that there is one, by whom and to whom, and not its text.")
    retention_ms = view.setting(SettingKey.RETENTION)
    kept = f"Their programs delete texts {describe_ms(retention_ms)} after they were sent; " if retention_ms else ""
    said.append(f"{kept}{'w' if kept else 'W'}ho reads can copy, and can show by your signature that it was you who wrote.")
    if small:
        said.append("They see how far you have read, unless you say /set receipts.read off; what was said stays with them.")
    said.append("While a device of theirs is linked with yours, it knows your address.")
    return tuple(said)


def _verified(world: World, user: UserId) -> bool:
    contact = world.contacts.get(user)
    return contact is not None and contact.verified


def _row(world: World, channel: Channel, party: Party, users: list[UserId], learns: tuple[str, ...]) -> ExposureRow:
    names = channel_names(world, channel)
    shown = sorted((names.get(user) or short(user) for user in users), key=str.casefold)
    return ExposureRow(party=party, names=tuple(shown[:MAX_EXPOSED_NAMES]), count=len(users), learns=learns)


def _mailboxes(world: World, channel: Channel) -> set[MailboxId]:
    """Those that members of the channel, or we, have named for it, or for us."""
    audience = {*channel.audience(world.identity.device), world.identity.device}
    found: set[MailboxId] = set()
    for said in world.device_statements.values():
        for (device, kind), statement in said.items():
            route = decode_route(statement.content) if kind == DeviceStatementKind.ROUTE and device in audience else None
            if isinstance(route, Route):
                found |= {queue.mailbox.mailbox for queue in route.queues}
    return found
