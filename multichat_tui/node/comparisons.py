"""Comparing words or emoji: with a contact, who becomes verified, or with somebody nearby, who becomes a contact and verified.

The state machine is drawn in docs/protocol/introductions.md, section 17. A comparison is bound to the link on which its keys were
exchanged; what follows (the confirmations) is sealed under its own key, and so may come over a later link of the same two
devices.
"""

from dataclasses import replace

from multichat_tui.crypto.identity import claim_holds, device_list_holds, sign_claim, statement_holds
from multichat_tui.crypto.keys import sealing_public_key
from multichat_tui.crypto.sas import Party, Side, nearby_code
from multichat_tui.model.codec import Rejected, encode
from multichat_tui.model.comparing import (
    CompareConfirm,
    CompareEnd,
    CompareFrame,
    CompareKey,
    CompareStart,
    ComparisonId,
    EndReason,
    Purpose,
)
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.identity import MAX_DEVICE_LIST_BYTES, SIGNATURE_BYTES, DeviceList, decode_device_list
from multichat_tui.model.ids import ID_SIZE, DeviceId, UserId
from multichat_tui.model.intents import Answer
from multichat_tui.model.limits import (
    COMPARISON_MS,
    COMPARISON_PAUSE_MS,
    COMPARISON_REPEAT_MS,
    MAX_COMPARISON_BOX_BYTES,
    MAX_COMPARISON_REPEAT_MS,
    MAX_COMPARISONS,
    MAX_COMPARISONS_ASKED,
    MAX_CONTACTS,
    MAX_NEARBY_TRIES,
)
from multichat_tui.model.ports import Space
from multichat_tui.model.schema import as_bytes, as_id, as_map, read
from multichat_tui.model.statements import MAX_STATEMENT_BYTES, Statement, StatementKind, decode_statement
from multichat_tui.model.text import clean_name
from multichat_tui.model.trust import AlarmKind, ComparisonState
from multichat_tui.node.alarms import raise_alarm
from multichat_tui.node.comparison import ENDED_AS, REASONS, Comparison, commitment_of
from multichat_tui.node.dialing import Dialing
from multichat_tui.node.pairing import Pairing
from multichat_tui.node.world import World
from multichat_tui.sync.session import Session

COMPARING_VERSION = 2
"""The link protocol version from which on these frames are understood."""


RELINK_MS = 5_000
"""How long a comparison without a key waits for another link to the same contact."""


class Comparisons:
    def __init__(self, world: World, pairing: Pairing, dialing: Dialing) -> None:
        self._world = world
        self._pairing = pairing
        self._dialing = dialing
        self._refused_at: dict[UserId, int] = {}
        """When this user last turned a contact away."""
        self._answered_at: dict[UserId, tuple[int, ...]] = {}
        """When comparisons that a contact began were answered, at most the last MAX_COMPARISONS_ASKED of each."""

    @property
    def active(self) -> list[Comparison]:
        return [each for each in self._world.comparisons.values() if not each.over]

    # Beginning

    def verify(self, user: UserId) -> ComparisonId:
        """Compare with a contact who is linked."""
        world = self._world
        if user not in world.contacts:
            raise NotFound("They are not a contact of yours.", "/pair makes one.")
        under_way = next((each for each in self.active if each.user == user and each.purpose is Purpose.VERIFY), None)
        if under_way is not None:
            return under_way.id
        linked = [session for session in world.peers() if session.user == user]
        if not linked:
            raise IntentRefused(
                Refusal.UNKNOWN,
                "They are not online.",
                "Compare the safety number by voice or in person instead: /verify NAME number.",
            )
        session = next((each for each in linked if each.version >= COMPARING_VERSION), None)
        if session is None:
            raise IntentRefused(Refusal.NEWER, "Their program is too old for this.", "Compare the safety number instead.")
        mine = Party(user=world.identity.user, device=world.identity.device)
        comparison = self._make(Purpose.VERIFY, mine)
        comparison.user = user
        self._bind(comparison, session)
        return comparison.id

    def meet(self, person: bytes, me: Party) -> Comparison:
        """Compare with somebody nearby, once there is a link to them."""
        comparison = self._make(Purpose.MEET, me)
        comparison.code = nearby_code(person)
        return comparison

    def _make(self, purpose: Purpose, me: Party, start: CompareStart | None = None) -> Comparison:
        world = self._world
        self._make_room()
        identifier = ComparisonId(world.entropy(ID_SIZE)) if start is None else start.comparison
        secret = world.entropy(ID_SIZE)
        public = sealing_public_key(secret)
        comparison = Comparison(
            id=identifier,
            purpose=purpose,
            side=Side.BEGINNER if start is None else Side.ANSWERER,
            secret=secret,
            public=public,
            commitment=commitment_of(identifier, public) if start is None else start.commitment,
            began_ms=world.now,
            me=me,
        )
        world.comparisons[identifier] = comparison
        self._changed()
        return comparison

    def _make_room(self) -> None:
        comparisons = self._world.comparisons
        while len(comparisons) >= MAX_COMPARISONS:
            old = next((each for each in comparisons.values() if each.over), None)
            if old is None:
                raise IntentRefused(Refusal.LIMIT, "There are too many comparisons under way.", "Finish or cancel one.")
            del comparisons[old.id]

    def _bind(self, comparison: Comparison, session: Session) -> None:
        """The keys of a comparison are exchanged on this link."""
        user = session.user if comparison.purpose is Purpose.VERIFY else _stranger(session)
        assert user is not None
        comparison.them = Party(user=user, device=session.device)
        comparison.binding = session.binding
        comparison.link = session.link
        comparison.unlinked_at = None
        comparison.next_at = self._world.now
        comparison.tries = 0
        self._say(comparison)

    # Frames

    def on_frame(self, session: Session, frame: CompareFrame) -> None:
        """From a contact's device or, if `session` is of somebody nearby, from them."""
        world = self._world
        comparison = world.comparisons.get(frame.comparison)
        if isinstance(frame, CompareStart):
            if comparison is None:
                self._asked(session, frame)
            elif comparison.side is Side.ANSWERER and comparison.link == session.link:
                self._say(comparison)
            elif comparison.side is Side.ANSWERER and self._may_move(comparison, session):
                self._bind(comparison, session)
            return
        if comparison is None or not self._belongs(comparison, session):
            world.count("comparison-unknown")
            return
        match frame:
            case CompareKey():
                self._on_key(comparison, session, frame)
            case CompareConfirm():
                self._on_confirm(comparison, frame)
            case CompareEnd() if not comparison.over:
                self._end(comparison, ENDED_AS[frame.reason], tell=False)
            case CompareEnd():
                pass

    def _belongs(self, comparison: Comparison, session: Session) -> bool:
        """Whether a frame on this link is of the other side of that comparison. A later link of the same two is taken on."""
        if comparison.link == session.link:
            return True
        user = session.user if comparison.purpose is Purpose.VERIFY else _stranger(session)
        if comparison.agreed is None or comparison.them is None or user is None:
            return False
        if comparison.them != Party(user=user, device=session.device):
            return False
        comparison.link = session.link
        return True

    def _asked(self, session: Session, frame: CompareStart) -> None:
        """Somebody wants to compare."""
        world = self._world
        stranger = _stranger(session)
        if (frame.purpose is Purpose.MEET) != (stranger is not None):
            world.count("comparison-rejected")
            return
        if stranger is not None:
            if world.window is None:
                return
            if world.window.tries >= MAX_NEARBY_TRIES:
                # The window closes at the end of this batch; until then no more keys are given away.
                world.count("comparison-too-often")
                return
            me, rival = world.window.party, next((each for each in self.active if each.purpose is Purpose.MEET), None)
            ours_first = rival is not None and frame.nearby == world.window.wish and world.window.id < frame.nearby
            same = rival is not None and bool(frame.nearby) and frame.nearby == world.window.wish
        else:
            user = session.user
            if user is None or user not in world.contacts or session.version < COMPARING_VERSION:
                world.count("comparison-rejected")
                return
            me = Party(user=world.identity.user, device=world.identity.device)
            rival = next((each for each in self.active if each.user == user), None)
            ours_first, same = world.identity.user < user, rival is not None
            if world.now - self._refused_at.get(user, -COMPARISON_PAUSE_MS) < COMPARISON_PAUSE_MS:
                world.send(session, CompareEnd(comparison=frame.comparison, reason=EndReason.REFUSED))
                return
            recent = [at for at in self._answered_at.get(user, ()) if world.now - at < COMPARISON_MS]
            if len(recent) >= MAX_COMPARISONS_ASKED:
                # Our key tells who began what the words will be, before anybody sees them: each answer is one guess.
                world.count("comparison-too-often")
                world.send(session, CompareEnd(comparison=frame.comparison, reason=EndReason.BUSY))
                return
        if rival is not None:
            beginning = same and rival.side is Side.BEGINNER and rival.state is ComparisonState.WAITING
            if beginning and ours_first and rival.link is not None:
                return  # both began at once: the other side gives way
            if not beginning:
                world.send(session, CompareEnd(comparison=frame.comparison, reason=EndReason.BUSY))
                return
            del world.comparisons[rival.id]
            if world.window is not None and stranger is not None:
                world.window.wish = b""
        self._answer(session, frame, me, stranger)

    def _answer(self, session: Session, frame: CompareStart, me: Party, stranger: UserId | None) -> None:
        world = self._world
        try:
            comparison = self._make(frame.purpose, me, frame)
        except IntentRefused:
            world.send(session, CompareEnd(comparison=frame.comparison, reason=EndReason.BUSY))
            return
        if stranger is None:
            assert session.user is not None
            comparison.user = session.user
            answered = self._answered_at.get(session.user, ())
            self._answered_at[session.user] = (*answered, world.now)[-MAX_COMPARISONS_ASKED:]
        else:
            assert world.window is not None
            world.window.tries += 1
            comparison.name = clean_name(frame.name) or ""
            comparison.code = nearby_code(frame.nearby) if frame.nearby in world.window.people else ""
        self._bind(comparison, session)

    def _on_key(self, comparison: Comparison, session: Session, frame: CompareKey) -> None:
        if comparison.over:
            self._tell_end(comparison)
        elif comparison.their_public:
            if frame.public != comparison.their_public:
                self._end(comparison, ComparisonState.FAILED)
            elif comparison.side is Side.BEGINNER:
                self._send_key(comparison)
        elif comparison.link != session.link or not comparison.take_key(frame.public):
            self._world.count("comparison-key-rejected")
            self._end(comparison, ComparisonState.FAILED)
        else:
            if comparison.purpose is Purpose.MEET:
                comparison.name = clean_name(frame.name) or comparison.name
            if comparison.side is Side.BEGINNER:
                self._send_key(comparison)
            comparison.state = ComparisonState.COMPARE
            self._changed()

    def _on_confirm(self, comparison: Comparison, frame: CompareConfirm) -> None:
        world = self._world
        if comparison.agreed is None:
            return
        if comparison.over and comparison.state is not ComparisonState.DONE:
            self._tell_end(comparison)
            return
        plaintext = comparison.agreed.open(comparison.other_side, frame.box)
        if plaintext is None:
            world.count("comparison-box-rejected")
            return
        comparison.theirs = plaintext
        comparison.heard = comparison.heard or frame.heard
        if comparison.mine and not comparison.over:
            self._complete(comparison)
        if comparison.state is ComparisonState.DONE and not frame.heard:
            self._send_confirm(comparison)

    # The user

    def answer(self, identifier: ComparisonId, answer: Answer) -> None:
        world = self._world
        comparison = world.comparisons.get(identifier)
        if comparison is None:
            raise NotFound("There is no such comparison.", "It may be over.")
        if answer is Answer.CANCEL:
            if comparison.over:
                del world.comparisons[identifier]
                self._changed()
            else:
                if comparison.user is not None and comparison.side is Side.ANSWERER:
                    self._refused_at[comparison.user] = world.now
                self._end(comparison, ComparisonState.CANCELLED)
            return
        if comparison.over or comparison.agreed is None:
            raise IntentRefused(Refusal.CLOSED, "There is nothing to compare now.", "Begin again: /verify NAME or /pair nearby.")
        if answer is Answer.DIFFERENT:
            self._end(comparison, ComparisonState.DIFFERENT)
            return
        if comparison.mine:
            return
        if comparison.purpose is Purpose.MEET and len(world.contacts) >= MAX_CONTACTS:
            raise IntentRefused(Refusal.LIMIT, "There are too many contacts.")
        comparison.mine = True
        comparison.state = ComparisonState.CONFIRMED
        comparison.next_at, comparison.tries = world.now, 0
        self._changed()
        if comparison.theirs is not None:
            self._complete(comparison)
        self._say(comparison)

    # Endings

    def _complete(self, comparison: Comparison) -> None:
        """Both have confirmed: store what follows."""
        world = self._world
        assert comparison.theirs is not None
        assert comparison.agreed is not None
        assert comparison.them is not None
        if comparison.purpose is Purpose.VERIFY:
            user = comparison.them.user
            if comparison.theirs != user + comparison.them.device or user not in world.contacts:
                self._end(comparison, ComparisonState.FAILED)
                return
        else:
            half = _half(comparison.theirs, comparison.agreed.claim(comparison.other_side))
            if half is None or half[1].user == world.identity.user:
                world.count("comparison-identity-rejected")
                self._end(comparison, ComparisonState.FAILED)
                return
            device, devices, profile = half
            user = devices.user
            if not self._pairing.befriend(device, devices, profile, comparison.agreed.pairing_secret, confirmed=True):
                self._end(comparison, ComparisonState.FAILED)
                return
            comparison.user = user
            session = None if comparison.link is None else world.sessions.get(comparison.link)
            if session is not None and not session.address.endswith(":0"):
                self._dialing.remember(device, session.address)
        self.set_verified(user, True)
        comparison.state = ComparisonState.DONE
        comparison.next_at, comparison.tries = world.now, 0
        self._changed()

    def set_verified(self, user: UserId, verified: bool) -> None:
        """Whether the user has compared this contact's key."""
        world = self._world
        contact = world.contacts.get(user)
        if contact is None:
            raise NotFound("They are not a contact of yours.", "/pair makes one.")
        if contact.verified != verified:
            world.contacts[user] = replace(contact, verified=verified)
            world.txn.put(Space.CONTACT, user, world.contacts[user].encoded())
        world.changed_contacts.add(user)
        world.changed_members.update(c.id for c in world.channels.values() if c.rooted and user in c.view.members)

    def _end(self, comparison: Comparison, state: ComparisonState, *, tell: bool = True) -> None:
        comparison.state = state
        if tell:
            self._tell_end(comparison)
        if state is ComparisonState.DIFFERENT and comparison.purpose is Purpose.VERIFY and comparison.user is not None:
            self.set_verified(comparison.user, False)
            raise_alarm(self._world, comparison.user, AlarmKind.WORDS_DIFFER, detail=comparison.id)
        self._changed()

    def _tell_end(self, comparison: Comparison) -> None:
        session = self._session(comparison)
        if session is not None:
            reason = REASONS.get(comparison.state, EndReason.FAILED)
            self._world.send(session, CompareEnd(comparison=comparison.id, reason=reason))

    def end_meetings(self, state: ComparisonState) -> None:
        """This node is not visible any more."""
        for comparison in self.active:
            if comparison.purpose is Purpose.MEET:
                self._end(comparison, state)

    # Links and time

    def linked(self, session: Session) -> None:
        """A link is up: what was begun may begin, what lost its link goes on."""
        for comparison in self.active:
            if comparison.link is None and comparison.agreed is not None and self._belongs(comparison, session):
                comparison.next_at, comparison.tries = self._world.now, 0
                self._say(comparison)
            elif comparison.link is None and comparison.side is Side.BEGINNER and self._may_move(comparison, session):
                self._bind(comparison, session)

    def _may_move(self, comparison: Comparison, session: Session) -> bool:
        """Whether a comparison with a contact, whose keys are not exchanged yet, may begin again on another link to the same
        device: of two links that both ends have made at once, one goes."""
        return (
            comparison.purpose is Purpose.VERIFY
            and not comparison.over
            and comparison.agreed is None
            and comparison.them is not None
            and comparison.them.user == session.user
            and comparison.them.device == session.device
        )

    def begin_on(self, comparison: Comparison, session: Session) -> None:
        """The link to the person that was chosen is up."""
        self._bind(comparison, session)

    def unlinked(self, session: Session) -> None:
        """A link is gone. Without a key nothing can go on, but on another link to the same contact it can begin again."""
        for comparison in self.active:
            if comparison.link != session.link:
                continue
            comparison.link = None
            if comparison.agreed is not None:
                continue
            if not self._may_move(comparison, session):
                self._end(comparison, ComparisonState.LOST, tell=False)
                continue
            comparison.unlinked_at = self._world.now
            other = self._world.session_of(session.device)
            if other is not None and comparison.side is Side.BEGINNER:
                self._bind(comparison, other)

    def tick(self) -> None:
        """Say again what was not answered; end what takes too long."""
        world = self._world
        for comparison in list(world.comparisons.values()):
            if not comparison.over and comparison.began_ms + COMPARISON_MS <= world.now:
                self._end(comparison, ComparisonState.TIMED_OUT)
            elif not comparison.over and comparison.unlinked_at is not None and comparison.unlinked_at + RELINK_MS <= world.now:
                self._end(comparison, ComparisonState.LOST, tell=False)
            elif self._unanswered(comparison) and comparison.next_at <= world.now:
                self._say(comparison)

    def wake_times(self) -> list[int]:
        times = [each.began_ms + COMPARISON_MS for each in self.active]
        times += [each.unlinked_at + RELINK_MS for each in self.active if each.unlinked_at is not None]
        return times + [each.next_at for each in self._world.comparisons.values() if self._unanswered(each)]

    def _unanswered(self, comparison: Comparison) -> bool:
        """Whether the other side has yet to answer what was said last."""
        if comparison.link is None:
            return False
        if comparison.state is ComparisonState.DONE:
            return not comparison.heard and comparison.began_ms + COMPARISON_MS > self._world.now
        return comparison.state in (ComparisonState.WAITING, ComparisonState.CONFIRMED)

    def _say(self, comparison: Comparison) -> None:
        """What is to be said in this state, and again later if there is no answer."""
        wait = min(MAX_COMPARISON_REPEAT_MS, COMPARISON_REPEAT_MS * 2 ** min(comparison.tries, 8))
        comparison.tries += 1
        comparison.next_at = self._world.now + wait
        if comparison.mine:
            self._send_confirm(comparison)
        elif comparison.side is Side.ANSWERER:
            self._send_key(comparison)
        elif comparison.state is ComparisonState.WAITING:
            self._send_start(comparison)

    def _send_start(self, comparison: Comparison) -> None:
        session, window = self._session(comparison), self._world.window
        meeting = comparison.purpose is Purpose.MEET
        if session is not None and not (meeting and window is None):
            frame = CompareStart(
                comparison=comparison.id,
                purpose=comparison.purpose,
                commitment=comparison.commitment,
                name=self._world.identity.name if meeting else "",
                nearby=window.id if meeting and window is not None else b"",
            )
            self._world.send(session, frame)

    def _send_key(self, comparison: Comparison) -> None:
        session = self._session(comparison)
        if session is not None:
            name = self._world.identity.name if comparison.purpose is Purpose.MEET else ""
            self._world.send(session, CompareKey(comparison=comparison.id, public=comparison.public, name=name))

    def _send_confirm(self, comparison: Comparison) -> None:
        session, identity = self._session(comparison), self._world.identity
        if session is None or comparison.agreed is None:
            return
        if comparison.purpose is Purpose.VERIFY:
            plaintext: bytes = identity.user + identity.device
        else:
            claim = sign_claim(identity.signer, comparison.agreed.claim(comparison.side))
            plaintext = encode({1: identity.device, 2: identity.devices.encoded, 3: identity.profile.encoded, 4: claim})
        box = comparison.agreed.seal(comparison.side, plaintext)
        self._world.send(session, CompareConfirm(comparison=comparison.id, box=box, heard=comparison.theirs is not None))

    def _session(self, comparison: Comparison) -> Session | None:
        return None if comparison.link is None else self._world.sessions.get(comparison.link)

    def _changed(self) -> None:
        self._world.status_changed = True
        self._world.comparisons_changed = True


def _stranger(session: Session) -> UserId | None:
    """The throw-away account of somebody nearby; None for all other links."""
    return session.certificate.user if session.nearby and session.certificate is not None else None


def _half(plaintext: bytes, claim: bytes) -> tuple[DeviceId, DeviceList, Statement] | None:
    """What somebody nearby says of himself: device, device list and profile, if they hold and belong together, and the device has
    signed `claim`: lists and profiles alone are known to many, who could pass as that account here."""
    fields = read(plaintext, MAX_COMPARISON_BOX_BYTES, lambda value: as_map(value, "identity"))
    if isinstance(fields, Rejected) or any(key not in fields for key in (1, 2, 3, 4)):
        return None
    parts = read(
        plaintext,
        MAX_COMPARISON_BOX_BYTES,
        lambda _: (
            as_id(fields[1], "device"),
            as_bytes(fields[2], "devices", MAX_DEVICE_LIST_BYTES),
            as_bytes(fields[3], "profile", MAX_STATEMENT_BYTES),
            as_bytes(fields[4], "claim", SIGNATURE_BYTES, SIGNATURE_BYTES),
        ),
    )
    if isinstance(parts, Rejected):
        return None
    devices, profile = decode_device_list(parts[1]), decode_statement(parts[2])
    if isinstance(devices, Rejected) or isinstance(profile, Rejected) or profile.kind != StatementKind.PROFILE:
        return None
    living = {certificate.device for certificate in devices.living}
    if parts[0] not in living or profile.device not in living or profile.user != devices.user:
        return None
    holds = device_list_holds(devices) and statement_holds(profile) and claim_holds(DeviceId(parts[0]), claim, parts[3])
    return (DeviceId(parts[0]), devices, profile) if holds else None
