"""Settings of a channel, requests to be let in and custom ranks, in stories told by hand and played in every order."""

import pytest
from builders import person
from control_stories import Story

from multichat_tui.channel.counting import counts
from multichat_tui.model.acts import Act, Admit, Ask, Mark, Message, RefuseJoin, SetRank, SetThreshold, Setting, WideFence
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.codec import Value
from multichat_tui.model.ids import PREFIX_SIZE
from multichat_tui.model.limits import MAX_CUSTOM_RANKS, MAX_SLOW_MS
from multichat_tui.model.ranks import ADMIN, MEMBER, MODERATOR, Permission
from multichat_tui.model.records import Header

FAY, ANN, BOB, KIM, EVE = (person(name) for name in ("fay", "ann", "bob", "kim", "eve"))


def channel() -> Story:
    """fay has founded it; ann is an admin, bob a moderator, kim a member."""
    story = Story((FAY,))
    for each, rank in ((ANN, ADMIN), (BOB, MODERATOR), (KIM, MEMBER)):
        story.seat(each, rank)
    return story


def setting(key: int, value: Value, **more: object) -> Setting:
    return Setting(key=key, value=value, **more)  # type: ignore[arg-type]  # by name


class Said:
    """Content as it is looked at."""

    def __init__(self, *acts: Act, before_ms: int | None = None) -> None:
        self._acts, self._before_ms = acts, before_ms

    def acts(self) -> tuple[Act, ...]:
        return self._acts

    def paced_before_ms(self) -> int | None:
        return self._before_ms


def within(header: Header) -> WideFence:
    return WideFence(marks=(Mark(device=header.device[:PREFIX_SIZE], seq=header.seq),))


# What is valid


@pytest.mark.parametrize(
    ("who", "key", "value", "valid"),
    [
        (ANN, SettingKey.SLOW_MODE, 1000, True),
        (BOB, SettingKey.SLOW_MODE, 1000, False),
        (ANN, SettingKey.SLOW_MODE, -1, False),
        (ANN, SettingKey.SLOW_MODE, MAX_SLOW_MS + 1, False),
        (ANN, SettingKey.SLOW_MODE, True, False),
        (ANN, SettingKey.ARCHIVED, "yes", False),
        (ANN, SettingKey.CLOSED, 1, False),
        (FAY, SettingKey.CLOSED, 1, True),
        (FAY, SettingKey.CLOSED, 0, False),
        (ANN, SettingKey.PROTOCOL_LEVEL, 2, False),
        (FAY, SettingKey.PROTOCOL_LEVEL, 2, True),
        (ANN, SettingKey.ROLE_NAME, (20, "reviewer"), True),
        (ANN, SettingKey.ROLE_NAME, (MODERATOR, "boss"), False),
        (ANN, SettingKey.ROLE_NAME, (ADMIN, "boss"), False),
        (ANN, SettingKey.ROLE_NAME, (20, "x" * 49), False),
        (BOB, 4711, {0: "anything"}, False),
        (ANN, 4711, {0: "anything"}, True),
    ],
)
def test_who_may_set_what(who, key, value, valid):
    story = channel()
    record = story.write(who, setting(key, value))
    assert story.played().effective(record.id) is valid


def test_an_unknown_key_is_kept_and_changes_nothing():
    story = channel()
    story.write(ANN, setting(4711, 7))
    assert story.played().view.settings == {}


def test_a_rank_is_named_by_those_above_it_only_even_where_they_have_just_been_lowered():
    story = channel()
    before = story.write(FAY, SetThreshold(permission=Permission.CHANGE, rank=MODERATOR))
    story.write(FAY, SetRank(user=ANN.user, rank=MODERATOR), after=(before,))
    named = story.write(ANN, setting(SettingKey.ROLE_NAME, (70, "chief")), after=(before,))
    lower = story.write(ANN, setting(SettingKey.ROLE_NAME, (20, "chief")))
    log = story.played()
    assert [log.effective(each.id) for each in (named, lower)] == [False, True]


def test_at_most_sixteen_ranks_have_names_and_taking_one_away_makes_room():
    story = channel()
    for rank in range(1, 1 + MAX_CUSTOM_RANKS):
        story.write(FAY, setting(SettingKey.ROLE_NAME, (rank, f"role{rank}")))
    full = story.write(FAY, setting(SettingKey.ROLE_NAME, (40, "too many")))
    again = story.write(FAY, setting(SettingKey.ROLE_NAME, (3, "renamed")))
    story.write(FAY, setting(SettingKey.ROLE_NAME, (5, "")))
    room = story.write(FAY, setting(SettingKey.ROLE_NAME, (40, "now")))
    log = story.played()
    assert [log.effective(each.id) for each in (full, again, room)] == [False, True, True]
    assert log.view.role_names[3] == "renamed"
    assert 5 not in log.view.role_names


def test_at_most_sixteen_custom_ranks_are_given_counted_in_what_the_giver_had_seen():
    story = channel()
    for rank in range(1, 1 + MAX_CUSTOM_RANKS):
        story.write(FAY, SetRank(user=KIM.user, rank=rank))
    before = story.records[-1]
    one_more = story.write(FAY, SetRank(user=KIM.user, rank=40), after=(before,))
    known = story.write(FAY, SetRank(user=KIM.user, rank=7), after=(before,))
    log = story.played()
    assert (log.effective(one_more.id), log.effective(known.id)) == (False, True)


# What holds


def test_of_two_who_set_beside_each_other_the_higher_one_is_heard():
    story = channel()
    before = story.records[-1]
    story.write(ANN, setting(SettingKey.SLOW_MODE, 5000), after=(before,))
    story.write(FAY, setting(SettingKey.SLOW_MODE, 1000), after=(before,))
    assert story.played().view.setting(SettingKey.SLOW_MODE) == 1000


def test_a_protocol_level_never_goes_back():
    story = channel()
    story.write(FAY, setting(SettingKey.PROTOCOL_LEVEL, 3))
    story.write(FAY, setting(SettingKey.PROTOCOL_LEVEL, 2))
    assert story.played().view.setting(SettingKey.PROTOCOL_LEVEL) == 3


def test_who_is_let_in_beside_the_closing_of_a_channel_is_out_again():
    story = channel()
    invited = story.invite(ANN)
    before = story.records[-1]
    admitted = story.admit(ANN, EVE, invited, after=(before,))
    story.write(FAY, setting(SettingKey.CLOSED, 1), after=(before,))
    late = story.admit(ANN, EVE, invited)
    log = story.played()
    assert not log.view.is_member(EVE.user)
    assert (log.effective(admitted.id), log.effective(late.id)) == (False, False)


def test_who_was_in_when_a_channel_was_closed_stays():
    story = channel()
    story.write(FAY, setting(SettingKey.CLOSED, 1))
    assert all(story.played().view.is_member(each.user) for each in (FAY, ANN, BOB, KIM))


# What counts


def counted(story: Story, header: Header, said: Said) -> bool:
    return counts(story.played(), header, KIM.user, said)


@pytest.mark.parametrize("key", [SettingKey.ARCHIVED, SettingKey.CLOSED])
def test_where_nobody_writes_any_more_nothing_counts_that_has_seen_it_or_lies_beyond_its_fence(key):
    story = channel()
    before = story.records[-1]
    seen, beside = story.say(KIM, before), story.say(KIM, before)
    shut = story.write(FAY, setting(key, 1, fence=within(seen)), after=(before,))
    after = story.say(KIM, shut)
    hello = Said(Message(text="hello"))
    assert [counted(story, header, hello) for header in (seen, beside, after)] == [True, False, False]


def test_slow_mode_spaces_the_messages_of_members_and_of_nobody_who_may_moderate():
    story = channel()
    slow = story.write(ANN, setting(SettingKey.SLOW_MODE, 1000))
    header = story.say(KIM, slow)
    hello, now = Message(text="hello"), header.timestamp_ms
    for before_ms, counts_then in ((None, True), (now - 1000, True), (now - 999, False), (now + 5, False)):
        assert counted(story, header, Said(hello, before_ms=before_ms)) is counts_then
    assert counts(story.played(), story.say(BOB, slow), BOB.user, Said(hello, before_ms=now))


def test_slow_mode_beside_a_message_that_its_author_had_not_seen_holds_for_it_beyond_the_fence():
    story = channel()
    before = story.records[-1]
    header = story.say(KIM, before)
    said = Said(Message(text="hello"), before_ms=header.timestamp_ms)
    assert counted(story, header, said)
    story.write(ANN, setting(SettingKey.SLOW_MODE, 1000), after=(before,))
    assert not counted(story, header, said)


def test_a_link_needs_its_permission_in_a_message_and_beside_control_acts():
    story = channel()
    asked = story.write(ANN, SetThreshold(permission=Permission.LINKS, rank=MODERATOR))
    header = story.say(KIM, asked)
    link, plain = Message(text="see https://example.org"), Message(text="see there")
    assert [counted(story, header, Said(each)) for each in (link, plain)] == [False, True]
    found = [story.write(KIM, each) for each in (link, plain)]
    log = story.played()
    assert [log.effective(each.id) for each in found] == [False, True]


def test_in_slow_mode_a_message_beside_control_acts_is_of_those_who_may_moderate():
    story = channel()
    story.write(ANN, setting(SettingKey.SLOW_MODE, 1000))
    hello = Message(text="hello")
    found = [story.write(each, hello) for each in (KIM, BOB)]
    log = story.played()
    assert [log.effective(each.id) for each in found] == [False, True]


# Requests to be let in


def request(story: Story, invited, who=EVE) -> Ask:
    admit: Admit = story.join(who, invited)
    return Ask(join=admit.join)


def asking(log) -> list[bytes]:
    return [petition.user for petition in log.waiting()]


def test_a_request_waits_until_it_is_granted():
    story = channel()
    story.write(ANN, SetThreshold(permission=Permission.ADMIT, rank=MODERATOR))
    invited = story.invite(KIM)
    story.write(KIM, request(story, invited))
    assert asking(story.played()) == [EVE.user]
    story.admit(BOB, EVE, invited)
    log = story.played()
    assert (asking(log), log.view.is_member(EVE.user)) == ([], True)


def test_a_request_is_refused_by_those_who_may_let_in_and_told_why():
    story = channel()
    story.write(ANN, SetThreshold(permission=Permission.ADMIT, rank=MODERATOR))
    invited = story.invite(KIM)
    ask = request(story, invited)
    story.write(KIM, ask)
    key = story.join_key(invited)
    void = story.write(KIM, RefuseJoin(user=EVE.user, join_key=key, reason="no"))
    assert asking(story.played()) == [EVE.user]
    story.write(BOB, RefuseJoin(user=EVE.user, join_key=key, reason="who are you?"))
    log = story.played()
    refusal = log.refusal(EVE.user, key)
    assert (asking(log), log.effective(void.id)) == ([], False)
    assert refusal is not None
    assert refusal.reason == "who are you?"


def test_a_link_of_one_use_waits_for_one_at_a_time_and_nobody_asks_twice():
    story = channel()
    invited = story.invite(KIM)
    first = story.write(KIM, request(story, invited))
    twice = story.write(KIM, request(story, invited))
    other = story.write(KIM, request(story, invited, person("zoe")))
    log = story.played()
    assert [log.effective(each.id) for each in (first, twice, other)] == [True, False, False]


def test_nobody_asks_for_members_by_closed_links_or_in_a_closed_channel():
    story = channel()
    invited = story.invite(KIM)
    member = story.write(ANN, request(story, invited, BOB))
    stranger = story.write(ANN, request(story, story.invite(KIM), person("zoe")))
    story.write(FAY, setting(SettingKey.CLOSED, 1))
    late = story.write(KIM, request(story, invited))
    log = story.played()
    assert [log.effective(each.id) for each in (member, stranger, late)] == [False, True, False]


def test_a_request_makes_no_device_known():
    story = channel()
    story.write(KIM, request(story, story.invite(KIM)))
    assert story.played().user_of(EVE.device) is None
