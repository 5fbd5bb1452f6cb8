"""The user's intents, each decided and turned into at most one record. A refusal is raised before anything is written."""

from multichat_tui.crypto.identity import Account, safety_number
from multichat_tui.model.depth import SETTING as DEPTH
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import (
    AcceptContact,
    Accepted,
    AcknowledgeAlarms,
    ActOn,
    AddMailbox,
    AnswerComparison,
    AnswerRequest,
    ApproveJoin,
    BanMember,
    BeginVerification,
    ChangeKind,
    ChangeSetting,
    CloseAccount,
    ConfigureChannel,
    ConnectTo,
    CreateChannel,
    CreateWorkspace,
    DenyJoin,
    ExportBundle,
    FetchOlder,
    ForgetTyped,
    GiveRank,
    GrantPlace,
    HostMailbox,
    ImportBundle,
    Intent,
    Introduce,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    JoinListed,
    LabelDevice,
    LeaveChannel,
    LiftBan,
    ListChannel,
    Lockdown,
    MakeResource,
    MarkRead,
    MeetNearby,
    NameRole,
    OpenDirect,
    PurgeMessages,
    RedactMessages,
    RememberTyped,
    RemoveMailbox,
    RemoveMember,
    RenameChannel,
    RevokeDevice,
    RevokePlace,
    SendMessage,
    SendReport,
    SendToSeveral,
    SetDraft,
    SetName,
    SetNearby,
    SetPermission,
    SetRegard,
    SettleDevices,
    SettleReport,
    SetVouch,
    Together,
    UndoDeed,
    UnlistChannel,
    Unverify,
    VerifyByNumber,
)
from multichat_tui.model.intents import (
    SetTopic as TopicIntent,
)
from multichat_tui.model.keeping import OF_CHANNEL as KEEPING_OF_CHANNEL
from multichat_tui.model.keeping import SETTING as KEEPING
from multichat_tui.model.limits import (
    MAX_DRAFT_CHARACTERS,
    MAX_HISTORY_DEPTH,
    MAX_POSTED_CHANNELS,
    MAX_SETTING_CHARACTERS,
)
from multichat_tui.model.lives import PREFIX as LIVES
from multichat_tui.model.lives import life_setting
from multichat_tui.model.ports import Space
from multichat_tui.model.regards import REQUESTS_SETTING, Regard
from multichat_tui.model.text import clean_name, encodable, visible
from multichat_tui.node.account import AccountChoices
from multichat_tui.node.account_state import COPIED, REVOKED, WAITING
from multichat_tui.node.alarms import acknowledge
from multichat_tui.node.channel_choices import ChannelChoices, lifetime_ms, told_addresses
from multichat_tui.node.comparisons import Comparisons
from multichat_tui.node.deciding import Decided, Deciding, check_regard
from multichat_tui.node.devices import Devices
from multichat_tui.node.dialing import Dialing
from multichat_tui.node.exchange import Exchange
from multichat_tui.node.host_choices import HostChoices
from multichat_tui.node.introductions import Introductions
from multichat_tui.node.ledger import Ledger
from multichat_tui.node.meeting import Meeting
from multichat_tui.node.own_mailboxes import OwnMailboxes
from multichat_tui.node.purging import Purging
from multichat_tui.node.regarding import Regards
from multichat_tui.node.typed import SETTING as HISTORY
from multichat_tui.node.typed import Typed, forget_typed
from multichat_tui.node.typed_addresses import typed_address
from multichat_tui.node.vouching import Vouching
from multichat_tui.node.world import World

OWN_BUSINESS = (MarkRead, SetDraft, RememberTyped, ForgetTyped, ChangeSetting, SetRegard)
"""Nobody else ever hears of these: a device that says nothing any more does them still."""
SAFETY_DIGITS = 60
NOTHING_SENT = "Nothing was sent anywhere."
MAX_TYPED_ADDRESS = 256
"""Characters of an address to look for peers at: names may be long."""


class Choices:
    def __init__(
        self,
        world: World,
        ledger: Ledger,
        exchange: Exchange,
        introductions: Introductions,
        dialing: Dialing,
        devices: Devices,
        comparisons: Comparisons,
        meeting: Meeting,
        regards: Regards,
        vouching: Vouching,
        mailboxes: OwnMailboxes,
        hosting: HostChoices,
    ) -> None:
        self._hosting = hosting
        self._world = world
        self._ledger = ledger
        self._exchange = exchange
        self._introductions = introductions
        self._dialing = dialing
        self._account = AccountChoices(world, exchange, devices)
        self._comparisons = comparisons
        self._meeting = meeting
        self._regards = regards
        self._vouching = vouching
        self._mailboxes = mailboxes
        self._channels = ChannelChoices(world, ledger, exchange, introductions, vouching)
        self._typed = Typed(world)
        self._deciding = Deciding(world)
        self.purging = Purging(world, ledger)

    def submit(self, intent: Intent, account_entropy: bytes | None = None) -> Accepted:
        """Decide and do. `errors.IntentRefused`: nothing has changed."""
        self._check_account(intent)
        match intent:
            case SendToSeveral():
                return self._post(intent)
            case Together() | SendMessage() | MakeResource() | ActOn() | TopicIntent() | RenameChannel():
                return self._write(self._deciding.decide(intent))
            case (
                GiveRank()
                | RemoveMember()
                | BanMember()
                | LiftBan()
                | SetPermission()
                | Lockdown()
                | ConfigureChannel()
                | ChangeKind()
                | NameRole()
            ):
                return self._write(self._deciding.decide(intent))
            case ApproveJoin() | DenyJoin():
                decided = self._deciding.decide(intent)
                accepted = self._write(decided)
                self._introductions.admissions.answer_waiting(decided.channel)
                return accepted
            case UndoDeed() | SendReport() | SettleReport():
                return self._write(self._deciding.decide(intent))
            case RedactMessages() | PurgeMessages():
                return self.purging.begin(intent)
            case CreateChannel():
                return self._channels.create(intent)
            case CreateWorkspace():
                return self._introductions.workspaces.create(intent)
            case ListChannel():
                return self._introductions.workspaces.enlist(intent)
            case UnlistChannel():
                return self._introductions.workspaces.unlist(intent)
            case JoinListed():
                return self._introductions.workspaces.join(intent)
            case InviteToChannel():
                return self._channels.invite(intent)
            case JoinChannel():
                return Accepted(channel=self._channels.join(intent).id)
            case LeaveChannel():
                return self._channels.leave(intent)
            case OpenDirect():
                return Accepted(channel=self._channels.direct(intent.user).id)
            case SetName():
                return self._rename(intent)
            case InviteContact():
                expires = lifetime_ms(intent.expires_in_ms)
                return Accepted(link=self._introductions.pairing.invite(expires, told_addresses(self._world)))
            case AcceptContact():
                return Accepted(user=self._introductions.pairing.accept(intent.link))
            case SetNearby():
                self._meeting.set_visible(intent.visible)
                return Accepted()
            case MeetNearby():
                return Accepted(comparison=self._meeting.meet(intent.person))
            case SetRegard():
                self._regards.set(intent)
                if intent.regard is Regard.BLOCKED:
                    self._introductions.asking.drop(intent.user)
                    self._vouching.drop(intent.user)
                return Accepted(user=intent.user)
            case SetVouch():
                self._vouching.set_vouch(intent)
                return Accepted(user=intent.user)
            case Introduce():
                self._vouching.introduce(intent)
                return Accepted(user=intent.one)
            case AnswerRequest():
                return self._channels.answer_request(intent)
            case BeginVerification():
                check_regard(self._world, intent.user)
                return Accepted(user=intent.user, comparison=self._comparisons.verify(intent.user))
            case AnswerComparison():
                self._comparisons.answer(intent.comparison, intent.answer)
                return Accepted(comparison=intent.comparison)
            case VerifyByNumber():
                return self._verify_by_number(intent)
            case Unverify():
                self._comparisons.set_verified(intent.user, False)
                return Accepted(user=intent.user)
            case AcknowledgeAlarms():
                acknowledge(self._world, intent.user)
                return Accepted(user=intent.user)
            case RevokeDevice() | SettleDevices() | CloseAccount():
                assert account_entropy is not None
                return self._account.change(intent, Account(account_entropy))
            case LabelDevice():
                return self._account.label(intent)
            case MarkRead():
                return self._mark_read(intent)
            case FetchOlder():
                return self._fetch_older(intent)
            case SetDraft():
                return self._draft(intent)
            case RememberTyped():
                self._typed.remember(intent)
                return Accepted(channel=intent.channel)
            case ForgetTyped():
                self._typed.forget(intent)
                return Accepted(channel=intent.channel)
            case ChangeSetting():
                return self._setting(intent)
            case ConnectTo():
                self._dialing.add_manual(typed_address(intent.address, MAX_TYPED_ADDRESS))
                return Accepted()
            case AddMailbox():
                self._mailboxes.add(intent.link)
                return Accepted()
            case RemoveMailbox():
                self._mailboxes.remove(intent.number)
                return Accepted()
            case HostMailbox():
                return self._hosting.host(intent)
            case GrantPlace():
                return self._hosting.grant(intent)
            case RevokePlace():
                return self._hosting.revoke(intent)
            case ExportBundle() | ImportBundle():
                # Files are the shell's, which has the engine do its part piece by piece (`bundle_files`).
                raise IntentRefused(Refusal.NOT_ALLOWED, "A bundle cannot be made together with something else.")

    def _check_account(self, intent: Intent) -> None:
        """A device that is revoked, not back yet, or a copy of itself says nothing in the account's name."""
        identity = self._world.identity
        if self._world.closed(identity.user) and not isinstance(intent, OWN_BUSINESS):
            raise IntentRefused(Refusal.CLOSED, "This account is closed.", "A new profile makes a new account.")
        if not identity.stopped or isinstance(intent, (*OWN_BUSINESS, FetchOlder, ConnectTo, LabelDevice)):
            return
        reason = REVOKED if identity.revoked else COPIED if identity.rollback else WAITING
        advice = "Start it again with its passphrase." if identity.rollback and not identity.revoked else ""
        raise IntentRefused(Refusal.NOT_ALLOWED, reason, advice)

    def _verify_by_number(self, intent: VerifyByNumber) -> Accepted:
        """The safety number, however it is grouped."""
        if intent.user not in self._world.contacts:
            raise NotFound("They are not a contact of yours.", "/pair makes one.")
        digits = "".join(char for char in intent.number if not char.isspace() and char not in "-.,")
        if not (digits.isascii() and digits.isdigit() and len(digits) == SAFETY_DIGITS):
            raise IntentRefused(Refusal.UNKNOWN, f"A safety number has {SAFETY_DIGITS} digits.", "Ask for all twelve groups.")
        if digits != safety_number(self._world.identity.user, intent.user).replace(" ", ""):
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                "That is another number: you do not have each other's true keys.",
                "Read it again. If it stays different, somebody may stand in between: do not trust this contact.",
            )
        self._comparisons.set_verified(intent.user, True)
        return Accepted(user=intent.user)

    # Into channels

    def _write(self, decided: Decided) -> Accepted:
        record = self._ledger.author(
            decided.channel, decided.log, decided.acts, recipients=decided.recipients, lives_ms=decided.lives_ms
        )
        return Accepted(record=record.id, channel=decided.channel.id, user=decided.user)

    def _post(self, intent: SendToSeveral) -> Accepted:
        """All is decided before anything is written; what is written commits together."""
        if not 1 <= len(intent.channels) <= MAX_POSTED_CHANNELS:
            raise IntentRefused(Refusal.LIMIT, f"A text goes into {MAX_POSTED_CHANNELS} channels at most.", NOTHING_SENT)
        found: dict[ChannelId, Decided] = {}
        for identifier in intent.channels:
            try:
                decided = self._deciding.decide(SendMessage(channel=identifier, text=intent.text))
                if not self._ledger.is_known(decided.channel):
                    raise IntentRefused(Refusal.NOT_A_MEMBER, "Nobody there knows this device yet.")
            except (IntentRefused, NotFound) as refused:
                # It says of which of them.
                name = self._world.channels[identifier].view.name if identifier in self._world.channels else ""
                refused.message = f"#{visible(name)}: {refused.message}" if name else refused.message
                refused.advice = f"{refused.advice} {NOTHING_SENT}".strip()
                raise
            found[decided.channel.id] = decided
        posts = [(each.channel.id, self._write(each).record) for each in found.values()]
        return Accepted(posts=tuple((channel, record) for channel, record in posts if record is not None))

    # Oneself

    def _rename(self, intent: SetName) -> Accepted:
        world = self._world
        name = clean_name(intent.name.lstrip("@"))
        if name is None:
            raise IntentRefused(Refusal.BAD_NAME, "A name has 1 to 48 visible characters.")
        world.identity.rename(world.txn, name)
        world.name_version += 1
        world.status_changed = True
        for channel in world.channels.values():
            if channel.rooted and channel.live:
                world.changed_members.add(channel.id)
        self._exchange.announce_statements()
        return Accepted(user=world.identity.user)

    def _mark_read(self, intent: MarkRead) -> Accepted:
        world = self._world
        found = world.channels.get(intent.channel)
        if found is None:
            raise NotFound("There is no such channel.")
        for channel in world.conversation(found):
            newest = world.txn.newest((channel.id,)) if intent.arrival is None else None
            arrival = (newest[1] if newest is not None else 0) if intent.arrival is None else intent.arrival
            if arrival > channel.standing.read_arrival:
                world.keep(channel, channel.standing.but(read_arrival=arrival))
                world.read_on.add(channel.id)
        return Accepted(channel=found.id)

    def _fetch_older(self, intent: FetchOlder) -> Accepted:
        world = self._world
        found = world.channels.get(intent.channel)
        if found is None:
            raise NotFound("There is no such channel.")
        if not 0 < intent.count <= MAX_HISTORY_DEPTH:
            raise IntentRefused(Refusal.LIMIT, f"A number of messages from 1 to {MAX_HISTORY_DEPTH} is needed.")
        for channel in world.conversation(found):
            self._exchange.fetch_older(channel, intent.count)
        return Accepted(channel=found.id)

    def _draft(self, intent: SetDraft) -> Accepted:
        world = self._world
        found = world.channels.get(intent.channel)
        if found is None:
            raise NotFound("There is no such channel.")
        if len(intent.text) > MAX_DRAFT_CHARACTERS or not encodable(intent.text):
            raise IntentRefused(Refusal.TOO_LONG, f"A draft has at most {MAX_DRAFT_CHARACTERS} characters.")
        channel = world.conversation(found)[0]
        if intent.thread is not None:
            key = channel.id + intent.thread
            if not intent.text:
                world.txn.delete(Space.DRAFT, key)
            elif world.txn.holds(intent.thread):
                world.txn.put(Space.DRAFT, key, intent.text.encode())
            return Accepted(channel=channel.id)
        if channel.standing.draft != intent.text:
            world.keep(channel, channel.standing.but(draft=intent.text))
        return Accepted(channel=found.id)

    def _setting(self, intent: ChangeSetting) -> Accepted:
        if not intent.key or len(intent.key) > 64 or len(intent.value) > MAX_SETTING_CHARACTERS or not encodable(intent.value):
            raise IntentRefused(Refusal.TOO_LONG, "The setting is too long.")
        self._world.txn.put(Space.SETTING, intent.key.encode(), intent.value.encode())
        if (intent.key.encode(), intent.value) == (HISTORY, "off"):
            forget_typed(self._world.txn)
        if intent.key == REQUESTS_SETTING:
            self._world.introductions_changed = True
        if intent.key == KEEPING or intent.key.startswith(KEEPING_OF_CHANNEL):
            self._world.keeping_changed = True
        if intent.key.startswith(LIVES):
            world = self._world
            world.changed_channels.update(c for c in world.channels if life_setting(c) == intent.key)
        if intent.key == DEPTH:
            for channel in self._world.channels.values():
                if channel.edge is not None:
                    channel.plan_at = self._world.now
                    self._world.changed_channels.add(channel.id)
        return Accepted()
