"""What must come out where people who had not seen each other's acts, or pretend so, act on a channel: in any order."""

from collections.abc import Callable

import pytest
from builders import Person, make_root, person
from control_stories import Story, fence, listing, second_device

from multichat_tui.channel.control import ControlLog
from multichat_tui.channel.verdicts import Worth
from multichat_tui.model.acts import (
    Act,
    Ban,
    CloseInvitation,
    Create,
    Invite,
    Leave,
    Message,
    Remove,
    Rename,
    SetRank,
    SetThreshold,
    SetTopic,
    Style,
    Unban,
)
from multichat_tui.model.ranks import ADMIN, FOUNDER, MEMBER, MODERATOR, MUTED, Permission
from multichat_tui.model.records import Record

FAY, ANN, BOB, CAM = person("fay"), person("ann"), person("bob"), person("cam")
TOM, XEN, YAN, ZOE = person("tom"), person("xen"), person("yan"), person("zoe")


def rank(user: Person, to: int) -> SetRank:
    return SetRank(user=user.user, rank=to)


def remove(user: Person) -> Remove:
    return Remove(user=user.user, fence=())


def ban(user: Person) -> Ban:
    return Ban(user=user.user, fence=())


def ranks(log: ControlLog, *people: Person) -> list[int | None]:
    """None: out."""
    return [log.view.rank(each.user) for each in people]


def test_another_root_is_ignored_even_one_with_a_smaller_id() -> None:
    story = Story((FAY,))
    story.seat(ANN)
    others = (make_root((FAY,), name="mine", at_ms=at) for at in range(1_000))
    other = next(each for each in others if each.id < story.root.id)
    story.records.append(other)
    log = story.played()
    assert log.root == story.root.id
    assert log.view.name == "dev"
    assert not log.effective(other.id)


def test_to_create_a_channel_within_a_channel_is_ignored() -> None:
    story = Story((FAY,))
    story.seat(ANN, ADMIN)
    create = Create(style=Style.GROUP, name="mine", founders=((ANN.certificate,),), nonce=bytes(16))
    made = story.write(ANN, create)
    log = story.played()
    assert not log.effective(made.id)
    assert log.view.founders == (FAY.user,)
    assert ranks(log, ANN) == [ADMIN]


def test_who_was_promoted_is_not_removed_by_a_moderator_who_did_not_know() -> None:
    story = Story((FAY,))
    for each, given in ((TOM, MEMBER), (XEN, MEMBER), (BOB, MODERATOR)):
        story.seat(each, given)
    start = tuple(story.records)
    promoted = story.write(FAY, rank(TOM, ADMIN), after=start)
    story.write(TOM, remove(XEN), after=(promoted,))
    removal = story.write(BOB, remove(TOM), after=start)
    log = story.played()
    assert ranks(log, TOM, XEN) == [ADMIN, None]
    assert not log.effective(removal.id)


def test_of_two_decisions_of_equals_the_lower_stands() -> None:
    story = Story((FAY,))
    for each, given in ((ANN, ADMIN), (BOB, ADMIN), (TOM, MEMBER)):
        story.seat(each, given)
    start = tuple(story.records)
    story.write(ANN, rank(TOM, MUTED), after=start)
    story.write(BOB, rank(TOM, MODERATOR), after=start)
    assert ranks(story.played(), TOM) == [MUTED]


def _leaves(story: Story, before: tuple[Record, ...]) -> None:
    story.write(ANN, Leave(), after=before)


def _steps_down(story: Story, before: tuple[Record, ...]) -> None:
    story.write(ANN, rank(ANN, MEMBER), after=before)


def _disowns_the_device(story: Story, before: tuple[Record, ...]) -> None:
    story.write(second_device(ANN), listing(ANN, ANN), after=before)


def _removes_again(story: Story, before: tuple[Record, ...]) -> None:
    story.write(ANN, remove(XEN), after=before)


def _lets_in_again(story: Story, before: tuple[Record, ...]) -> None:
    invited = story.invite(ANN, after=before)
    story.admit(ANN, XEN, invited, after=(invited,))


def _raises(story: Story, before: tuple[Record, ...]) -> None:
    story.write(ANN, rank(XEN, MODERATOR), after=before)


def _allows_nobody_to_moderate(story: Story, before: tuple[Record, ...]) -> None:
    story.write(ANN, SetThreshold(permission=Permission.MODERATE, rank=ADMIN), after=before)


def _everything_at_once(story: Story, before: tuple[Record, ...]) -> None:
    for back_dates in BACK_DATED:
        if back_dates is not _everything_at_once:
            back_dates(story, before)


BACK_DATED = (
    _leaves,
    _steps_down,
    _disowns_the_device,
    _removes_again,
    _lets_in_again,
    _raises,
    _allows_nobody_to_moderate,
    _everything_at_once,
)


@pytest.mark.parametrize("back_dates", BACK_DATED, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("knows_nothing", [False, True], ids=["as if before the kick", "as if before the removal"])
def test_a_removed_admin_takes_no_kick_back_by_what_they_back_date(
    back_dates: Callable[[Story, tuple[Record, ...]], None], knows_nothing: bool
) -> None:
    story = Story((FAY,))
    story.seat(ANN, ADMIN)
    story.seat(XEN)
    story.write(ANN, listing(ANN))
    start = tuple(story.records)
    kick = story.write(ANN, remove(XEN), after=start)
    story.write(FAY, remove(ANN), after=(kick,))
    back_dates(story, (kick,) if knows_nothing else start)
    assert ranks(story.played(), XEN, ANN) == [None, None]


def test_who_was_let_in_twice_at_once_and_banned_by_who_saw_both_back_dates_nothing() -> None:
    story = Story((FAY, CAM))
    story.seat(TOM)
    high, low = story.invite(FAY, ADMIN), story.invite(CAM, MEMBER)
    start = (high, low)
    as_admin = story.admit(FAY, ANN, high, after=start)
    as_member = story.admit(CAM, ANN, low, after=start)
    assert ranks(story.played(), ANN) == [ADMIN]
    story.write(CAM, ban(ANN), after=(as_admin, as_member))
    acts = [
        story.write(ANN, remove(TOM), after=(as_admin,)),
        story.write(ANN, rank(TOM, MODERATOR), after=(as_admin, as_member)),
        story.write(ANN, Rename(name="mine"), after=(as_admin,)),
    ]
    log = story.played()
    assert not any(log.effective(act.id) for act in acts)
    assert ranks(log, ANN, TOM) == [None, MEMBER]


def test_two_of_the_same_rank_do_nothing_to_each_other() -> None:
    story = Story((FAY,))
    story.seat(ANN, ADMIN)
    story.seat(BOB, ADMIN)
    start = tuple(story.records)
    acts = [
        story.write(ANN, ban(BOB), after=start),
        story.write(BOB, remove(ANN), after=start),
        story.write(FAY, SetTopic(topic="peace")),
    ]
    acts += [story.write(ANN, rank(BOB, MUTED)), story.write(BOB, rank(ANN, MEMBER))]
    log = story.played()
    assert [log.effective(act.id) for act in acts] == [False, False, True, False, False]
    assert ranks(log, ANN, BOB) == [ADMIN, ADMIN]


@pytest.mark.parametrize(("given", "stands"), [(MODERATOR, True), (MEMBER, False), (MUTED, False)])
def test_a_ban_beside_its_authors_demotion_stands_if_the_new_rank_may_ban(given: int, stands: bool) -> None:
    story = Story((FAY,))
    story.seat(ANN, ADMIN)
    story.seat(BOB)
    start = tuple(story.records)
    story.write(FAY, rank(ANN, given), after=start)
    banned = story.write(ANN, ban(BOB), after=start)
    log = story.played()
    assert log.effective(banned.id) == stands
    assert ranks(log, ANN, BOB) == [given, None if stands else MEMBER]


@pytest.mark.parametrize(("given", "out"), [(MEMBER, True), (MODERATOR, False), (ADMIN, False)])
def test_who_is_banned_beside_joining_is_out_unless_they_get_a_rank_of_the_bans_level(given: int, out: bool) -> None:
    story = Story((FAY,))
    story.seat(BOB, MODERATOR)
    invited = story.invite(FAY, given)
    story.admit(FAY, XEN, invited, after=(invited,))
    banned = story.write(BOB, ban(XEN), after=(invited,))
    log = story.played()
    assert ranks(log, XEN) == [None if out else given]
    assert log.effective(banned.id) == out


def test_who_was_banned_and_is_pardoned_comes_in_again_and_not_by_old_heads() -> None:
    story = Story((FAY,))
    story.seat(BOB, MODERATOR)
    first, second = story.invite(FAY), story.invite(FAY)
    banned = story.write(BOB, ban(XEN))
    story.admit(FAY, XEN, first, after=(second,))
    lifted = story.write(BOB, Unban(user=XEN.user), after=(banned,))
    assert ranks(story.played(), XEN) == [None]
    story.admit(FAY, XEN, second, after=(lifted,))
    assert ranks(story.played(), XEN) == [MEMBER]


@pytest.mark.parametrize(
    ("author", "ends"),
    [
        (ANN, lambda invited: CloseInvitation(invitation=invited.id, index=0)),
        (FAY, lambda invited: CloseInvitation(invitation=invited.id, index=0)),
        (BOB, lambda invited: CloseInvitation(invitation=invited.id, index=0)),
        (BOB, lambda _: remove(ANN)),
        (BOB, lambda _: ban(ANN)),
        (BOB, lambda _: rank(ANN, MUTED)),
    ],
    ids=["closed by its maker", "closed by a founder", "closed by a moderator", "maker removed", "maker banned", "maker muted"],
)
def test_a_late_join_that_cites_old_heads_finds_the_invitation_closed(
    author: Person, ends: Callable[[Record], CloseInvitation | Remove | Ban | SetRank]
) -> None:
    story = Story((FAY,))
    story.seat(ANN)
    story.seat(BOB, MODERATOR)
    story.seat(TOM)
    invited = story.invite(ANN, uses=2)
    early = story.admit(TOM, YAN, invited)
    story.write(author, ends(invited))
    late = story.admit(TOM, ZOE, invited, after=(early,))
    log = story.played()
    assert ranks(log, YAN, ZOE) == [MEMBER, None]
    assert not log.effective(late.id)


def test_after_a_close_nobody_displaces_who_was_let_in_however_small_and_early_their_join() -> None:
    story = Story((FAY,))
    story.seat(TOM)
    invited = story.invite(FAY)
    seen = story.write(FAY, SetTopic(topic="later"))
    admitted = story.admit(FAY, YAN, invited, after=(seen,))
    story.write(FAY, CloseInvitation(invitation=invited.id, index=0), after=(admitted,))
    story.admit(TOM, ZOE, invited, after=(seen,), least=admitted.id)
    story.admit(TOM, XEN, invited, after=(invited,))
    assert ranks(story.played(), YAN, ZOE, XEN) == [MEMBER, None, None]


def test_until_the_close_a_contested_place_is_of_the_smallest_and_everybody_sees_the_same() -> None:
    story = Story((FAY,))
    story.seat(TOM)
    invited = story.invite(FAY)
    seen = story.write(FAY, SetTopic(topic="later"))
    admitted = story.admit(FAY, YAN, invited, after=(seen,))
    story.admit(TOM, ZOE, invited, after=(seen,), least=admitted.id)
    assert ranks(story.played(), YAN, ZOE) == [None, MEMBER]
    story.admit(TOM, XEN, invited, after=(invited,))
    log = story.played()
    assert ranks(log, YAN, ZOE, XEN) == [None, None, MEMBER]
    assert log.view.invitations[invited.id, 0].used_by == (XEN.user,)


@pytest.mark.parametrize("apart", [False, True], ids=["one after the other", "at once"])
def test_somebody_who_joins_from_two_devices_uses_one_place(apart: bool) -> None:
    story = Story((FAY,))
    story.seat(TOM)
    invited = story.invite(FAY, uses=2)
    first = story.admit(FAY, YAN, invited)
    story.admit(TOM, second_device(YAN), invited, after=(invited if apart else first,))
    story.admit(FAY, ZOE, invited)
    log = story.played()
    assert ranks(log, YAN, ZOE) == [MEMBER, MEMBER]
    assert set(log.view.invitations[invited.id, 0].used_by) == {YAN.user, ZOE.user}
    assert log.user_of(second_device(YAN).device) == YAN.user


def test_of_a_record_with_a_countermanded_ban_nothing_else_has_effect_either() -> None:
    story = Story((FAY,))
    story.seat(BOB, MODERATOR)
    story.seat(TOM)
    story.seat(XEN)
    start = tuple(story.records)
    story.write(FAY, rank(TOM, MODERATOR), after=start)
    both = story.write(BOB, ban(TOM), SetTopic(topic="without tom"), remove(XEN), after=start)
    log = story.played()
    assert not log.effective(both.id)
    assert log.view.topic == ""
    assert ranks(log, TOM, XEN) == [MODERATOR, MEMBER]


def test_of_a_record_with_a_ban_that_nobody_countermands_all_has_effect() -> None:
    story = Story((FAY,))
    story.seat(BOB, MODERATOR)
    story.seat(TOM)
    story.seat(XEN)
    story.write(BOB, ban(TOM), SetTopic(topic="without tom"), remove(XEN))
    log = story.played()
    assert log.view.topic == "without tom"
    assert ranks(log, TOM, XEN) == [None, None]


@pytest.mark.parametrize(
    ("permission", "author", "act"),
    [
        (Permission.TOPIC, TOM, SetTopic(topic="mine")),
        (Permission.INVITE, TOM, Invite(join_key=bytes(32), token_key=bytes(32), rank=MEMBER, uses=1, expires_ms=1)),
        (Permission.MODERATE, BOB, remove(XEN)),
        (Permission.APPOINT, ANN, rank(XEN, MODERATOR)),
        (Permission.RENAME, ANN, Rename(name="mine")),
        (Permission.CHANGE, ANN, SetThreshold(permission=Permission.SEND, rank=ADMIN)),
    ],
    ids=lambda each: each.name.lower() if isinstance(each, Permission) else "",
)
def test_what_lies_beside_a_tightening_of_the_permission_that_it_needs_is_void(
    permission: Permission, author: Person, act: Act
) -> None:
    story = Story((FAY,))
    for each, given in ((ANN, ADMIN), (BOB, MODERATOR), (TOM, MEMBER), (XEN, MEMBER)):
        story.seat(each, given)
    start = tuple(story.records)
    before = story.write(author, act, after=start)
    assert story.played().effective(before.id)
    story.write(FAY, SetThreshold(permission=permission, rank=FOUNDER), after=start)
    assert not story.played().effective(before.id)


def test_a_join_beside_a_tightening_of_letting_in_is_void() -> None:
    story = Story((FAY,))
    story.seat(TOM)
    invited = story.invite(FAY, uses=2)
    story.write(FAY, SetThreshold(permission=Permission.ADMIT, rank=MODERATOR), after=(invited,))
    story.admit(TOM, YAN, invited, after=(invited,))
    story.admit(FAY, ZOE, invited)
    assert ranks(story.played(), YAN, ZOE) == [None, MEMBER]


@pytest.mark.parametrize(
    "silences",
    [
        lambda fences: SetRank(user=TOM.user, rank=MUTED, fence=fences),
        lambda fences: Remove(user=TOM.user, fence=fences),
        lambda fences: Ban(user=TOM.user, fence=fences),
    ],
    ids=["muted", "removed", "banned"],
)
def test_what_who_is_silenced_writes_beyond_the_fence_does_not_count_whatever_heads_they_cite(
    silences: Callable[..., SetRank | Remove | Ban],
) -> None:
    story = Story((FAY,))
    story.seat(BOB, MODERATOR)
    old = story.seat(TOM)
    seen, later = story.say(TOM, old), story.say(TOM, old)
    ended = story.write(BOB, silences(fence(seen)))
    more = [story.say(TOM, old), story.say(TOM, ended)]
    assert story.counted((seen, TOM), (later, TOM), (more[0], TOM), (more[1], TOM)) == [True, False, False, False]


def test_who_may_speak_again_is_heard_from_there_on() -> None:
    story = Story((FAY,))
    old = story.seat(TOM)
    first = story.say(TOM, old)
    muted = story.write(FAY, SetRank(user=TOM.user, rank=MUTED, fence=fence(first)))
    silent = story.say(TOM, muted)
    heard = story.write(FAY, rank(TOM, MEMBER))
    spoken, hidden = story.say(TOM, heard), story.say(TOM, old)
    assert story.counted((first, TOM), (silent, TOM), (spoken, TOM), (hidden, TOM)) == [True, False, True, False]


def test_an_answer_of_somebody_unaware_counts_where_what_it_answers_does_not() -> None:
    story = Story((FAY,))
    old = story.seat(BOB)
    old = story.seat(TOM)
    fifth = story.say(TOM, old)
    removed = story.write(FAY, Remove(user=TOM.user, fence=fence(fifth)))
    sixth = story.say(TOM, old)
    answer, aware = story.say(BOB, old), story.say(BOB, removed)
    assert story.counted((fifth, TOM), (sixth, TOM), (answer, BOB), (aware, BOB)) == [True, False, True, True]


def test_both_halves_of_a_cut_network_come_to_one_state() -> None:
    story = Story((FAY, CAM))
    for each, given in ((ANN, ADMIN), (BOB, MODERATOR), (TOM, MEMBER), (XEN, MEMBER)):
        story.seat(each, given)
    here = there = (story.records[-1],)

    def at_one(author: Person, act: Act) -> None:
        nonlocal here
        here = (story.write(author, act, after=here),)

    def at_other(author: Person, act: Act) -> None:
        nonlocal there
        there = (story.write(author, act, after=there),)

    one = story.invite(BOB, after=here)
    here = (one,)
    at_one(BOB, story.join(YAN, one))
    at_one(BOB, SetTopic(topic="one half"))
    at_one(FAY, rank(TOM, MODERATOR))
    at_one(TOM, remove(XEN))
    at_one(FAY, SetThreshold(permission=Permission.TOPIC, rank=MODERATOR))
    other = story.invite(ANN, MEMBER, after=there)
    there = (other,)
    at_other(ANN, story.join(ZOE, other))
    at_other(ANN, rank(BOB, MEMBER))
    at_other(ANN, ban(TOM))
    at_other(XEN, SetTopic(topic="other half"))
    at_other(CAM, Rename(name="harbour"))
    log = story.played()
    # An admin's ban of a moderator, and with it what he did as one, and a topic that might not be set any more.
    assert ranks(log, YAN, ZOE, BOB, TOM, XEN) == [MEMBER, MEMBER, MEMBER, None, MEMBER]
    assert log.view.topic == "one half"
    assert log.view.name == "harbour"
    last = story.write(FAY, SetTopic(topic="together"))
    log = story.played()
    assert log.effective(last.id)
    assert log.view.topic == "together"


def test_who_closes_their_own_invitation_after_a_return_that_does_not_count_has_closed_it_all_the_same() -> None:
    story = Story((FAY,))
    story.seat(TOM)
    first = story.invite(FAY, uses=2)
    story.admit(FAY, ANN, first)
    own = story.invite(ANN, uses=2)
    left = story.write(ANN, Leave(), after=(own,))
    back = story.admit(TOM, ANN, first, after=(left,))
    story.write(FAY, CloseInvitation(invitation=first.id, index=0), after=(own,))
    closed = story.write(ANN, CloseInvitation(invitation=own.id, index=0), after=(back,))
    story.admit(TOM, YAN, own, after=(own,))
    log = story.played()
    assert ranks(log, ANN, YAN) == [None, None]
    assert log.effective(closed.id)
    assert not log.view.invitations[own.id, 0].open


@pytest.mark.parametrize("given", [MUTED, MEMBER])
def test_a_rank_that_somebody_higher_has_set_is_not_shaken_off_by_leaving_and_coming_back(given: int) -> None:
    story = Story((FAY,))
    story.seat(TOM, MODERATOR)
    story.write(FAY, rank(TOM, given))
    left = story.write(TOM, Leave())
    assert ranks(story.played(), TOM) == [None]
    invited = story.invite(FAY, MODERATOR, after=(left,))
    back = story.admit(FAY, TOM, invited, after=(invited,))
    assert ranks(story.played(), TOM) == [given]
    story.write(FAY, rank(TOM, ADMIN), after=(back,))
    assert ranks(story.played(), TOM) == [ADMIN]


def test_who_was_removed_and_is_let_in_again_begins_anew() -> None:
    story = Story((FAY,))
    story.seat(TOM, MODERATOR)
    story.write(FAY, rank(TOM, MUTED))
    story.write(FAY, remove(TOM))
    story.seat(TOM, MODERATOR)
    assert ranks(story.played(), TOM) == [MODERATOR]


@pytest.mark.parametrize(
    ("act", "stands"),
    [
        (rank(TOM, 60), False),
        (rank(TOM, MODERATOR), False),
        (rank(TOM, 20), True),
        (SetThreshold(permission=Permission.SEND, rank=ADMIN), False),
        (SetThreshold(permission=Permission.RENAME, rank=MEMBER), False),
        (SetThreshold(permission=Permission.SEND, rank=MODERATOR), True),
    ],
    ids=["appoints above", "appoints alike", "appoints below", "asks too much", "opens what is above", "asks for their own"],
)
def test_who_is_demoted_beside_it_gives_and_asks_for_no_more_than_the_new_rank_may(act: Act, stands: bool) -> None:
    story = Story((FAY,))
    story.seat(ANN, ADMIN)
    story.seat(TOM)
    for permission in (Permission.APPOINT, Permission.CHANGE):
        story.write(FAY, SetThreshold(permission=permission, rank=MODERATOR))
    start = tuple(story.records)
    story.write(FAY, rank(ANN, MODERATOR), after=start)
    made = story.write(ANN, act, after=start)
    assert story.played().effective(made.id) == stands


# Several acts in one record


def test_a_message_beside_a_ban_needs_the_right_to_send_and_stands_or_falls_with_it() -> None:
    story = Story((FAY,))
    for each in (ANN, BOB, TOM):
        story.seat(each)
    story.write(FAY, rank(ANN, MODERATOR))
    story.write(FAY, rank(BOB, MODERATOR))
    story.write(FAY, SetThreshold(permission=Permission.SEND, rank=ADMIN))
    quiet = story.write(ANN, ban(TOM), Message(text="tom is out"))
    silent = story.write(ANN, rank(TOM, MUTED))
    loud = story.write(FAY, ban(YAN), Message(text="yan is out"))
    log = story.played()
    assert log.effective(loud.id)
    assert not log.effective(quiet.id)
    assert log.effective(silent.id)
    assert ranks(log, TOM) == [MUTED]


def test_a_message_falls_with_a_ban_that_is_countermanded_and_the_other_way_round() -> None:
    story = Story((FAY,))
    for each in (ANN, TOM, YAN):
        story.seat(each)
    base = story.write(FAY, rank(ANN, MODERATOR))
    story.write(FAY, rank(TOM, ADMIN), after=(base,))
    countermanded = story.write(ANN, ban(TOM), Message(text="tom is out"), after=(base,))
    assert not story.played().effective(countermanded.id)

    other = Story((FAY,))
    for each in (ANN, TOM):
        other.seat(each)
    base = other.write(FAY, rank(ANN, MODERATOR))
    other.write(FAY, SetThreshold(permission=Permission.SEND, rank=ADMIN), after=(base,))
    beside = other.write(ANN, ban(TOM), Message(text="tom is out"), after=(base,))
    alone = other.write(ANN, ban(TOM), after=(base,))
    log = other.played()
    assert not log.effective(beside.id)
    assert log.effective(alone.id)


def test_who_left_and_was_raised_beside_that_is_not_acted_on_by_their_equals() -> None:
    """Found by chance: a removal that its own past allowed, and that was void all the same."""
    story = Story((FAY,))
    for each, rank in ((ANN, MODERATOR), (BOB, MEMBER)):
        story.seat(each, rank)
    beside = tuple(story.records)
    story.write(BOB, Leave(), after=beside)
    raised = story.write(FAY, SetRank(user=BOB.user, rank=MODERATOR), after=beside)
    removal = story.write(ANN, Remove(user=BOB.user, fence=()))
    log = story.played()
    assert not log.view.is_member(BOB.user)
    assert log.effective(raised.id)
    assert log.verdict(removal.id).worth is Worth.NEVER
    founders = story.write(FAY, Remove(user=BOB.user, fence=()))
    assert story.played().effective(founders.id)
