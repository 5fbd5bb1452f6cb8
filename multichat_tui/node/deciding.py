"""What users want to change in one channel, decided before anything is written: each intent yields acts, or is refused.

So several can be made one record (`Together`), and what is refused has changed nothing.
"""

from dataclasses import replace

from multichat_tui.channel.content_rules import asked
from multichat_tui.channel.resources import registry
from multichat_tui.model.act_bytes import encode_acts
from multichat_tui.model.acts import Act, Message, Rename, SetTopic, Style, is_control
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.intents import (
    ActOn,
    ApproveJoin,
    BanMember,
    ChangeKind,
    ConfigureChannel,
    DenyJoin,
    GiveRank,
    LiftBan,
    Lockdown,
    MakeResource,
    NameRole,
    Part,
    PurgeMessages,
    RedactMessages,
    RemoveMember,
    RenameChannel,
    SendMessage,
    SendReport,
    SetPermission,
    SettleReport,
    Together,
    UndoDeed,
)
from multichat_tui.model.intents import SetTopic as TopicIntent
from multichat_tui.model.limits import (
    MAX_ACTS,
    MAX_BODY_BYTES,
    MAX_LIFE_MS,
    MAX_TEXT_CHARACTERS,
    MAX_TOPIC_CHARACTERS,
    MIN_LIFE_MS,
    SALT_BYTES,
)
from multichat_tui.model.lives import life_of, life_setting
from multichat_tui.model.ports import Space
from multichat_tui.model.ranks import Permission
from multichat_tui.model.text import clean_name, encodable, visible
from multichat_tui.model.values import dataclass
from multichat_tui.node.acting import Acting
from multichat_tui.node.configuring import Configuring
from multichat_tui.node.joined import joined
from multichat_tui.node.moderating import Moderating, need
from multichat_tui.node.petitioning import Petitioning
from multichat_tui.node.recipients import inherited, recipients_for
from multichat_tui.node.redacting import Redacting
from multichat_tui.node.reports import Reports
from multichat_tui.node.undoing import Undoing
from multichat_tui.node.world import Channel, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one record in one channel will say. `user`: whom it is about, for the answer."""

    channel: Channel
    acts: tuple[Act, ...]
    user: UserId | None = None
    recipients: tuple[UserId, ...] | None = None
    """Whom alone it is for, beside its author; None: all."""
    lives_ms: int = 0
    """For how long; 0: as long as the channel keeps it."""

    @property
    def log(self) -> Log:
        """The control log as soon as one act is a control act: the others stand there with it."""
        return Log.CONTROL if any(map(is_control, self.acts)) else Log.CONTENT


class Deciding:
    def __init__(self, world: World) -> None:
        self._world = world
        self._moderating = Moderating(world)
        self._acting = Acting(world)
        self._undoing = Undoing(world, self._moderating)
        self._reports = Reports(world)
        self._configuring = Configuring(world)
        self._petitioning = Petitioning(world)
        self._redacting = Redacting(world)

    def decide(self, intent: Part | Together | ApproveJoin | DenyJoin | SendReport | SettleReport) -> Decided:
        """`errors.IntentRefused`, `errors.NotFound`: it cannot be."""
        match intent:
            case Together():
                return self._together(intent)
            case SendMessage():
                return self._send(intent)
            case MakeResource():
                channel = self._world.conversation(joined(self._world, intent.channel))[0]
                return self._checked(channel, self._acting.make(channel, intent))
            case ActOn():
                channel = self._holder(intent)
                decided = self._checked(channel, self._acting.act(channel, intent))
                return replace(decided, recipients=inherited(self._world, channel, intent.record))
            case TopicIntent():
                return self._topic(intent)
            case RenameChannel():
                return self._rename(intent)
            case UndoDeed():
                channel = joined(self._world, intent.channel)
                return Decided(channel=channel, acts=self._undoing.decide(channel, intent))
            case RedactMessages():
                channel, redact = self._redacting.redaction(intent)
                return Decided(channel=channel, acts=(redact,))
            case PurgeMessages():
                channel, redacts = self._redacting.purge(intent)
                return Decided(channel=channel, acts=redacts, user=intent.user)
            case SendReport():
                channel = joined(self._world, intent.channel)
                report, moderators = self._reports.report(channel, intent), self._reports.moderators(channel, intent)
                return Decided(channel=channel, acts=(report,), user=intent.user, recipients=moderators)
            case SettleReport():
                channel = joined(self._world, intent.channel)
                settlement = self._reports.settlement(channel, intent)
                people = inherited(self._world, channel, intent.report)
                # Where nobody of them is left but us, all hear that it is settled.
                return Decided(channel=channel, acts=(settlement,), recipients=people or None)
            case ApproveJoin() | DenyJoin():
                channel = joined(self._world, intent.channel)
                return Decided(channel=channel, acts=(self._petitioning.decide(channel, intent),), user=intent.user)
            case NameRole():
                channel = joined(self._world, intent.channel)
                return Decided(channel=channel, acts=self._configuring.name_role(channel, intent))
            case ChangeKind():
                channel = joined(self._world, intent.channel)
                return Decided(channel=channel, acts=self._configuring.change_kind(channel, intent))
            case ConfigureChannel():
                return self._configure(intent)
            case GiveRank() | RemoveMember() | BanMember() | LiftBan() | SetPermission() | Lockdown():
                channel = joined(self._world, intent.channel)
                user = None if isinstance(intent, SetPermission | Lockdown) else intent.user
                return Decided(channel=channel, acts=self._moderating.decide(channel, intent), user=user)

    def _checked(self, channel: Channel, act: Act) -> Decided:
        """Something that is made, or done with what was made, where the channel's settings allow it."""
        partner = self._world.partner(channel)
        if partner is not None:
            check_open(self._world, partner)
            check_regard(self._world, partner)
        written = " ".join(registry().texts(act))
        self._configuring.check_message(channel, written, paced=registry().made_by(act) is not None)
        return Decided(channel=channel, acts=(act,))

    def _configure(self, intent: ConfigureChannel) -> Decided:
        channel = joined(self._world, intent.channel)
        return Decided(channel=channel, acts=self._configuring.decide(channel, intent))

    def _together(self, intent: Together) -> Decided:
        """Each is decided by what is so now, before any of the others has been done."""
        if not intent.intents:
            raise IntentRefused(Refusal.EMPTY, "There is nothing to do.")
        here = self._world.conversation(joined(self._world, intent.channel))[0]
        parts = [self.decide(part) for part in intent.intents]
        if any(part.channel.id != here.id for part in parts):
            raise IntentRefused(Refusal.NOT_ALLOWED, "What is done together is done in one channel.")
        if len(parts) > 1 and any(part.recipients is not None for part in parts):
            # What else is done is for all to see, and so would the message be.
            raise IntentRefused(Refusal.NOT_ALLOWED, "A message to some members is sent by itself.")
        if len(parts) > 1 and any(isinstance(part, ActOn) and part.act == "edit" for part in intent.intents):
            # Beside other things it would not go when its message does.
            raise IntentRefused(Refusal.NOT_ALLOWED, "A message is edited by itself.")
        if len(parts) > 1 and any(isinstance(part, SendMessage) and part.lives_ms for part in intent.intents):
            raise IntentRefused(Refusal.NOT_ALLOWED, "A message that is to disappear is sent by itself.")
        acts = tuple(act for part in parts for act in part.acts)
        if len(acts) > MAX_ACTS or len(encode_acts(acts)) > MAX_BODY_BYTES - SALT_BYTES:
            raise IntentRefused(Refusal.TOO_LONG, f"At most {MAX_ACTS} things can be done together.", "Do them in two steps.")
        self._check_beside_control(here, acts)
        about = {part.user for part in parts if part.user is not None}
        user = about.pop() if len(about) == 1 else None
        return Decided(
            channel=here,
            acts=acts,
            user=user,
            recipients=parts[0].recipients,
            lives_ms=parts[0].lives_ms if len(parts) == 1 else 0,
        )

    def _check_beside_control(self, channel: Channel, acts: tuple[Act, ...]) -> None:
        """Content in the control log has to keep to more than by itself (`channel.content_rules`)."""
        content = [act for act in acts if not is_control(act)]
        rank = channel.view.rank(self._world.identity.user)
        if len(content) == len(acts) or rank is None:
            return
        rules = asked(channel.control.state_at(tuple(channel.chains.heads[Log.CONTROL])), ())
        if not all(rules.allows_beside_control(rank, act) for act in content):
            raise IntentRefused(
                Refusal.NOT_ALLOWED, "In slow mode only those who are free of it write beside such changes.", "Do it by itself."
            )

    def _send(self, intent: SendMessage) -> Decided:
        channel = self._world.conversation(joined(self._world, intent.channel))[0]
        partner = self._world.partner(channel)
        if partner is not None:
            check_open(self._world, partner)
            check_regard(self._world, partner)
        need(channel.view, self._world.identity.user, Permission.SEND, "write")
        text = intent.text.rstrip()
        if not text.strip():
            raise IntentRefused(Refusal.EMPTY, "There is nothing to send.")
        self._configuring.check_message(channel, text)
        if len(text) > MAX_TEXT_CHARACTERS:
            raise IntentRefused(
                Refusal.TOO_LONG,
                f"The message has {len(text)} characters; at most {MAX_TEXT_CHARACTERS} can be sent.",
                "Split it.",
            )
        if not encodable(text):
            raise IntentRefused(Refusal.BAD_NAME, "The message holds characters that are no Unicode text.")
        if intent.reply_to is not None and not self._world.txn.holds(intent.reply_to):
            raise NotFound("The message that this answers is not here.")
        wished = self._world.txn.get(Space.SETTING, life_setting(channel.id).encode())
        lives_ms = intent.lives_ms or life_of(wished)
        if intent.lives_ms and not MIN_LIFE_MS <= intent.lives_ms <= MAX_LIFE_MS:
            raise IntentRefused(Refusal.LIMIT, "A message lives ten seconds at least and a year at most.")
        recipients = recipients_for(self._world, channel, intent)
        message = Message(text=text, reply_to=intent.reply_to)
        return Decided(channel=channel, acts=(message,), recipients=recipients, lives_ms=lives_ms)

    def _holder(self, intent: ActOn) -> Channel:
        """The one of the channels that show as one conversation which holds what is acted on."""
        found = self._world.txn.record(intent.record)
        parts = self._world.conversation(joined(self._world, intent.channel))
        return next((part for part in parts if found is not None and part.id == found.channel), parts[0])

    def _topic(self, intent: TopicIntent) -> Decided:
        channel = joined(self._world, intent.channel)
        need(channel.view, self._world.identity.user, Permission.TOPIC, "set the topic")
        topic = " ".join(intent.topic.split())
        if len(topic) > MAX_TOPIC_CHARACTERS or not encodable(topic):
            raise IntentRefused(Refusal.TOO_LONG, f"A topic has at most {MAX_TOPIC_CHARACTERS} characters.")
        if topic == channel.view.topic:
            raise IntentRefused(Refusal.ALREADY, "That is the topic already.")
        return Decided(channel=channel, acts=(SetTopic(topic=topic),))

    def _rename(self, intent: RenameChannel) -> Decided:
        channel = joined(self._world, intent.channel)
        name = clean_name(intent.name.lstrip("#"))
        if name is None:
            raise IntentRefused(Refusal.BAD_NAME, "A channel's name has 1 to 48 visible characters.")
        if channel.view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation has the name of the other person.")
        need(channel.view, self._world.identity.user, Permission.RENAME, "rename it")
        return Decided(channel=channel, acts=(Rename(name=name),))


def check_open(world: World, user: UserId) -> None:
    """`errors.IntentRefused` if somebody has closed their account."""
    if world.closed(user):
        name = visible(world.name_of(user)) or "This person"
        raise IntentRefused(Refusal.CLOSED, f"{name} has closed their account: nobody would read it.")


def check_regard(world: World, user: UserId) -> None:
    """`errors.IntentRefused` if the user has blocked somebody."""
    if world.blocked(user):
        name = visible(world.name_of(user)) or "this person"
        raise IntentRefused(Refusal.NOT_ALLOWED, f"You have blocked {name}.", "/unblock takes that back.")
