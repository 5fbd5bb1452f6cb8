"""Slash commands and lookups, against the twin."""

import base64
from dataclasses import replace

import pytest
from api_twin import ApiTwin, named, user

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal, UsageError
from multichat_tui.model.ids import ChannelId, UserId, short
from multichat_tui.model.intents import (
    AcceptContact,
    AcknowledgeAlarms,
    Answer,
    AnswerComparison,
    BeginVerification,
    ChangeSetting,
    ConnectTo,
    InviteContact,
    InviteToChannel,
    JoinChannel,
    LeaveChannel,
    OpenDirect,
    RenameChannel,
    SendMessage,
    SetName,
    SetTopic,
)
from multichat_tui.model.snapshots import ChannelKind, Membership, PeerRow
from multichat_tui.model.trust import AlarmKind, AlarmRow, ComparisonState
from multichat_tui.node.api.commands import COMMANDS, is_command, run_command
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.node.api.commands.posting import parted
from multichat_tui.node.api.lookup import find_channel, find_contact, find_destination, find_member, find_person, id_text
from multichat_tui.node.api.settings import SETTINGS, find_setting

HOUR_MS = 3_600_000


@pytest.fixture
def api():
    return ApiTwin()


def id_beginning(word: str) -> bytes:
    """An id whose base32 begins with `word`."""
    return base64.b32decode((word + "a" * 52)[:52].upper() + "====")


# Which lines are commands


@pytest.mark.parametrize(("line", "expected"), [("/help", True), ("//help", False), ("help", False), ("", False), ("/", True)])
def test_a_line_with_one_slash_is_a_command(line, expected):
    assert is_command(line) is expected


async def test_an_unknown_command_names_the_nearest(api):
    with pytest.raises(UsageError, match="Did you mean /join"):
        await run_command(api, None, "/jion multichat:join/x")


@pytest.mark.parametrize("line", ["/", "/ help", "/\x1b[2J", "/" + "x" * 5000, "no slash", "/é"])
async def test_odd_lines_are_refused_without_echoing_controls(api, line):
    with pytest.raises(UsageError) as caught:
        await run_command(api, None, line)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


async def test_help_lists_every_command(api):
    outcome = await run_command(api, None, "/help")
    for command in COMMANDS:
        assert any(line.startswith(command.usage) for line in outcome.lines)
    assert (await run_command(api, None, "/HELP /Invite")).lines[0] == "/invite [CHANNEL] [uses=N] [expires=7d] | read"
    with pytest.raises(UsageError, match="/topic"):
        await run_command(api, None, "/help topik")


def test_names_and_aliases_are_unique():
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))


async def test_every_command_of_the_first_version_is_there():
    wanted = "help join leave create msg query invite pair nick topic names whois status peers set quit rename connect"
    wanted += " switch unread last"
    assert set(wanted.split()) <= {command.name for command in COMMANDS}


# Channels


async def test_create_opens_the_new_channel(api):
    outcome = await run_command(api, None, "/create #garden")
    (row,) = api.rows.values()
    assert row.name == "garden"
    assert outcome.open_channel == row.id
    assert outcome.fields["channel"] == id_text(row.id)


async def test_invite_makes_a_link_on_a_line_of_its_own(api):
    row = api.add_channel("dev")
    outcome = await run_command(api, row.id, "/invite uses=3 expires=2d")
    assert api.intents[-1] == InviteToChannel(channel=row.id, uses=3, expires_in_ms=48 * HOUR_MS)
    assert "multichat:join/abc" in outcome.lines
    assert "3 people" in outcome.lines[0]
    assert "#dev" in outcome.lines[0]


async def test_invite_can_name_another_channel(api):
    here, there = api.add_channel("dev"), api.add_channel("ops")
    await run_command(api, here.id, "/invite #ops")
    assert api.intents[-1] == InviteToChannel(channel=there.id)


@pytest.mark.parametrize("named", ["bob", "@bob"])
@pytest.mark.parametrize("talking", [False, True])
async def test_who_invites_a_person_by_name_is_told_how_people_come_in(api, named, talking):
    row = api.add_channel("dev")
    contact = api.add_contact("bob")
    if talking:
        api.add_channel("bob", "bob", kind=ChannelKind.DIRECT, partner=contact.user)
    with pytest.raises(NotFound, match=r"People come into a channel by a link.* /msg bob LINK"):
        await run_command(api, row.id, f"/invite {named}")
    with pytest.raises(NotFound, match=r"There is no channel 'dve'\. Did you mean 'dev'"):
        await run_command(api, row.id, "/invite dve")
    assert api.intents == []


async def test_a_command_without_its_words_says_what_it_does_too(api):
    with pytest.raises(UsageError, match=r"Usage: /query NAME \(.*conversation.*\)"):
        await run_command(api, None, "/query")


@pytest.mark.parametrize("words", ["uses=0", "uses=x", "uses=99999999", "expires=soon", "expires=1s", "expires=9999d", "uses=²"])
async def test_invite_refuses_odd_options(api, words):
    row = api.add_channel("dev")
    with pytest.raises(UsageError):
        await run_command(api, row.id, f"/invite {words}")
    assert api.intents == []


@pytest.mark.parametrize("line", ["/invite", "/leave", "/topic x", "/rename x", "/names"])
async def test_what_needs_an_open_channel_says_so(api, line):
    with pytest.raises(UsageError, match="open channel"):
        await run_command(api, None, line)


async def test_join_submits_the_link_and_opens_the_channel(api):
    outcome = await run_command(api, None, "/join multichat:join/xyz")
    assert api.intents == [JoinChannel(link="multichat:join/xyz")]
    assert outcome.open_channel in api.rows
    assert outcome.fields["pending"] is True


async def test_a_pairing_link_given_to_join_pairs_and_says_so(api):
    outcome = await run_command(api, None, "/join multichat:pair/xyz")
    assert api.intents == [AcceptContact(link="multichat:pair/xyz")]
    assert outcome.lines[0].startswith("That is a pairing link")


async def test_a_channel_link_given_to_pair_joins_and_says_so(api):
    outcome = await run_command(api, None, "/pair multichat:join/xyz")
    assert api.intents == [JoinChannel(link="multichat:join/xyz")]
    assert outcome.lines[0].startswith("That is an invitation to a channel")


@pytest.mark.parametrize("line", ["/join lobby", "/pair bob", "/join"])
async def test_no_link_is_a_usage_error(api, line):
    with pytest.raises(UsageError):
        await run_command(api, None, line)
    assert api.intents == []


async def test_leave_leaves_this_channel_or_a_named_one(api):
    here, there = api.add_channel("dev"), api.add_channel("ops")
    await run_command(api, here.id, "/leave ops")
    await run_command(api, here.id, "/part")
    assert api.intents == [LeaveChannel(channel=there.id), LeaveChannel(channel=here.id)]


async def test_topic_and_rename(api):
    row = api.add_channel("dev")
    await run_command(api, row.id, "/topic  the  plan ")
    await run_command(api, row.id, "/rename #new name")
    assert api.intents == [SetTopic(channel=row.id, topic="the  plan"), RenameChannel(channel=row.id, name="new name")]
    assert (await run_command(api, row.id, "/topic")).lines == ("#dev has no topic.",)


async def test_names_lists_the_members(api):
    row = api.add_channel("dev", "bob")
    outcome = await run_command(api, row.id, "/names")
    assert outcome.lines == ("2 members, 1 online", "me  (founder, you)", "bob  (member, offline)")


async def test_a_refusal_of_the_node_comes_through(api):
    row = api.add_channel("dev")
    api.refuse = IntentRefused(Refusal.NOT_ALLOWED, "Only founders set the topic.")
    with pytest.raises(IntentRefused, match="Only founders"):
        await run_command(api, row.id, "/topic x")


# People


async def test_pair_alone_makes_a_link_with_its_expiry(api):
    outcome = await run_command(api, None, "/pair expires=15m")
    assert api.intents == [InviteContact(expires_in_ms=HOUR_MS // 4)]
    assert "multichat:pair/abc" in outcome.lines
    assert "15 minutes" in outcome.lines[0]
    assert outcome.fields["link"] == "multichat:pair/abc"


async def test_pair_with_a_link_accepts_it_even_over_wrapped_lines(api):
    outcome = await run_command(api, None, "/pair multichat:pair/ab\n  cd")
    assert api.intents == [AcceptContact(link="multichat:pair/ab\n  cd")]
    assert outcome.fields["pending"] is True


async def test_msg_opens_the_conversation_and_sends(api):
    bob = api.add_contact("bob")
    outcome = await run_command(api, None, "/msg @bob hello there\nagain")
    assert api.intents[0] == OpenDirect(user=bob.user)
    assert isinstance(api.intents[1], SendMessage)
    assert api.intents[1].text == "hello there\nagain"
    assert outcome.open_channel == api.intents[1].channel


async def test_a_name_with_spaces_stands_in_quotes(api):
    lee = api.add_contact("ann lee")
    await run_command(api, None, '/msg "ann lee" hi "you"')
    assert api.intents[0] == OpenDirect(user=lee.user)
    assert api.messages[-1].text == 'hi "you"'


async def test_msg_without_text_and_to_oneself_is_refused(api):
    api.add_contact("bob")
    with pytest.raises(UsageError, match="/query"):
        await run_command(api, None, "/msg bob")
    with pytest.raises(IntentRefused, match="That is you"):
        await run_command(api, None, "/msg me hi")
    assert api.intents == []


async def test_query_opens_without_sending(api):
    bob = api.add_contact("bob")
    outcome = await run_command(api, None, "/query bob")
    assert api.intents == [OpenDirect(user=bob.user)]
    assert outcome.open_channel is not None


async def test_whois_shows_fingerprint_safety_number_verification_and_path(api):
    bob = api.add_contact("bob", online=True)
    outcome = await run_command(api, None, "/whois bob")
    text = "\n".join(outcome.lines)
    assert bob.fingerprint in text
    assert bob.safety_number in text
    assert "not verified" not in text
    assert "verified       no" in text
    assert "online, lan, 2 ms" in text
    assert outcome.fields["safety_number"] == bob.safety_number


async def test_whois_of_a_channel_mate_who_is_no_contact(api):
    row = api.add_channel("dev", "zoe")
    outcome = await run_command(api, row.id, "/whois zoe")
    assert outcome.fields["contact"] is False
    assert outcome.fields["safety_number"] is None
    with pytest.raises(NotFound):
        await run_command(api, None, "/whois zoe")


async def test_hostile_names_are_made_visible_in_answers(api):
    api.add_contact("bo\x1b[31mb\u202e")
    row = api.add_channel("x\ry", "e\x07ve")
    for line in ("/names", "/whois " + short(user("e\x07ve")), "/topic"):
        outcome = await run_command(api, row.id, line)
        assert not any(ord(c) < 32 or c in "\x7f\u202e" for text in outcome.lines for c in text)


async def test_names_and_topics_cannot_begin_a_line_of_their_own(api):
    row = api.add_channel("dev\n#ops", "eve\nann  (founder)")
    api.rows[row.id] = replace(row, topic="plan\nTopic of #ops: lies")
    for line in ("/names", "/topic", "/whois " + short(user("eve\nann  (founder)"))):
        outcome = await run_command(api, row.id, line)
        assert not any("\n" in text for text in outcome.lines)


async def test_nick_shows_and_changes_the_name(api):
    assert "me" in (await run_command(api, None, "/nick")).lines[0]
    await run_command(api, None, "/nick ann lee")
    assert api.intents == [SetName(name="ann lee")]


# The node


async def test_status_shows_all_that_matters(api):
    text = "\n".join((await run_command(api, None, "/status")).lines)
    for part in ("127.0.0.1:4000", "links      1", "queued     2", "trouble    none", "not-cbor 3"):
        assert part in text


async def test_peers_say_why_they_are_not_reached(api):
    api.known_peers.append(
        PeerRow(
            device=named("device bob"),
            user=user("bob"),
            name="bob",
            online=False,
            path="",
            address="",
            rtt_ms=None,
            unacknowledged=4,
            addresses=("10.0.0.1:9",),
            failure="refused",
        )
    )
    (line,) = (await run_command(api, None, "/peers")).lines
    for part in ("bob", "offline", "10.0.0.1:9", "4 unacknowledged", "refused"):
        assert part in line


async def test_connect_and_quit(api):
    await run_command(api, None, "/connect 10.0.0.1:9")
    assert api.intents == [ConnectTo(address="10.0.0.1:9")]
    assert (await run_command(api, None, "/quit")).quit
    with pytest.raises(UsageError, match="Usage: /quit"):
        await run_command(api, None, "/quit now")


async def test_set_lists_shows_changes_and_refuses(api):
    lines = (await run_command(api, None, "/set")).lines
    assert [line.split(" = ")[0] for line in lines[: len(SETTINGS)]] == [setting.key for setting in SETTINGS]
    assert "/set KEY VALUE" in lines[-1]
    assert (await run_command(api, None, "/set signs")).fields == {"key": "ui.signs", "value": "auto"}
    assert "(1m to 24h, as 5m, 90m, 2h; default 15m)" in (await run_command(api, None, "/set net.every")).lines[0]
    assert "(on, off; default on)" in (await run_command(api, None, "/set receipts")).lines[0]
    assert "(any text; default %H:%M)" in (await run_command(api, None, "/set ui.clock")).lines[0]
    await run_command(api, None, "/set ui.signs ASCII")
    assert api.intents == [ChangeSetting(key="ui.signs", value="ascii")]
    assert (await run_command(api, None, "/set ui.signs")).fields["value"] == "ascii"
    with pytest.raises(UsageError, match=r"Did you mean 'ui\.signs'"):
        await run_command(api, None, "/set ui.sings ascii")
    with pytest.raises(UsageError, match="auto, unicode, ascii"):
        await run_command(api, None, "/set ui.signs latin")


# Lookup


async def test_a_channel_is_found_by_name_sign_case_and_id(api):
    dev = api.add_channel("Dev")
    bob = api.add_contact("bob")
    direct = api.add_channel("bob", "bob", kind=ChannelKind.DIRECT, partner=bob.user)
    for text in ("Dev", "dev", "#DEV", short(dev.id), id_text(dev.id)[:4], id_text(dev.id)):
        assert (await find_channel(api, text)).id == dev.id
    for text in ("@bob", "bob", short(direct.id)):
        assert (await find_channel(api, text)).id == direct.id
    with pytest.raises(NotFound):
        await find_channel(api, "#bob")


async def test_a_missing_channel_names_the_nearest(api):
    api.add_channel("planning")
    with pytest.raises(NotFound, match="Did you mean 'planning'"):
        await find_channel(api, "#planing")
    with pytest.raises(NotFound, match=r"There is no channel 'zzz'\.$"):
        await find_channel(api, "zzz")
    with pytest.raises(NotFound):
        await find_channel(api, "")


async def test_two_of_one_name_are_refused_with_both(api):
    one, two = api.add_channel("dev"), api.add_channel("dev")
    with pytest.raises(IntentRefused) as caught:
        await find_channel(api, "dev")
    assert caught.value.reason is Refusal.AMBIGUOUS
    assert caught.value.exit_code == 1
    assert short(one.id) in caught.value.message
    assert short(two.id) in caught.value.message


async def test_a_channel_that_one_left_does_not_hide_the_living_one(api):
    api.add_channel("dev", membership=Membership.LEFT)
    living = api.add_channel("dev")
    assert (await find_channel(api, "dev")).id == living.id


async def test_lookalikes_are_told_apart_by_their_suffix(api):
    first = UserId(id_beginning("abcd"))
    second = UserId(id_beginning("wxyz"))
    api.add_contact("ann~abcd", identifier=first)
    api.add_contact("ann~wxyz", identifier=second)
    assert (await find_contact(api, "ann~abcd")).user == first
    assert (await find_contact(api, "@wxyz")).user == second
    with pytest.raises(IntentRefused, match=r"ann~abcd.*ann~wxyz"):
        await find_contact(api, "ann")


async def test_a_name_that_looks_like_anothers_id_is_ambiguous(api):
    victim = UserId(id_beginning("abcdefgh"))
    api.add_contact("victim", identifier=victim)
    api.add_contact("abcdefgh")
    with pytest.raises(IntentRefused, match="victim"):
        await find_contact(api, "abcdefgh")
    assert (await find_contact(api, id_text(victim))).user == victim


async def test_a_grouped_fingerprint_is_an_id(api):
    bob = api.add_contact("bob")
    assert (await find_contact(api, bob.fingerprint[:19])).user == bob.user


async def test_members_and_people_are_found_in_their_places(api):
    row = api.add_channel("dev", "zoe")
    bob = api.add_contact("bob")
    assert (await find_member(api, row.id, "@zoe")).user == user("zoe")
    with pytest.raises(NotFound):
        await find_member(api, row.id, "bob")
    assert (await find_person(api, "bob", row.id)).contact == bob
    assert (await find_person(api, "zoe", row.id)).member is not None
    assert (await find_person(api, "me")).me is not None


async def test_a_destination_with_an_at_sign_opens_a_conversation(api):
    bob = api.add_contact("bob")
    dev = api.add_channel("dev")
    assert await find_destination(api, "dev") == dev.id
    opened = await find_destination(api, "@bob")
    assert api.intents == [OpenDirect(user=bob.user)]
    assert opened in api.rows
    with pytest.raises(NotFound):
        await find_destination(api, "bobby")


async def test_an_open_channel_that_is_gone_is_not_found(api):
    with pytest.raises(NotFound):
        await run_command(api, ChannelId(bytes(32)), "/names")


def test_spans_of_time_are_told_in_words():
    assert [span_words(ms) for ms in (3_600_000, 7 * 86_400_000, 129_600_000, 90_000)] == [
        "1 hour", "1 week", "1 day 12 hours", "1 minute 30 seconds",
    ]  # fmt: skip


async def test_the_lines_of_help_fit_a_narrow_terminal_beside_their_usages(api):
    outcome = await run_command(api, None, "/help")
    assert outcome.hang
    for line in outcome.lines[: len(outcome.lines) - 2]:
        assert line.startswith("/") or not line[: outcome.hang].strip()
        alone = any(line == command.usage for command in COMMANDS)
        assert alone or len(line) <= outcome.hang or line[outcome.hang - 1] == " " != line[outcome.hang]


async def test_trust_lists_the_warnings_and_takes_those_about_one_person_as_seen(api):
    bob, eve = api.add_contact("bob"), api.add_contact("bob~evee")
    api.alarms = (
        AlarmRow(
            user=eve.user, name=eve.name, kind=AlarmKind.SAME_NAME, since_ms=1, other=bob.user, other_name="bob", verified=True
        ),
    )
    listed = await run_command(api, None, "/trust")
    assert "whom you have verified" in listed.lines[0]
    assert listed.fields["alarms"][0]["kind"] == "same-name"
    assert (await run_command(api, None, "/trust bob")).lines[0].startswith("bob is your contact, and not verified")
    assert api.intents == [], "nothing was seen of a warning"
    await run_command(api, None, "/trust bob~evee")
    assert api.intents == [AcknowledgeAlarms(user=eve.user)]
    assert (await run_command(api, None, "/trust")).lines == ("There are no warnings about anybody's keys.",)


# Comparing words


async def test_an_answer_is_refused_until_the_words_were_shown(api):
    row = api.compare("bob")
    for said in ("yes", "no"):
        with pytest.raises(IntentRefused, match="not shown here"):
            await run_command(api, None, f"/verify {said}")
    assert api.intents == []
    shown = await run_command(api, None, "/verify")
    assert "apple bob-word" in shown.lines
    assert shown.compared == (row.id,)
    await run_command(api, None, "/verify yes", compared=shown.compared)
    assert api.intents == [AnswerComparison(comparison=row.id, answer=Answer.SAME)]


async def test_the_answer_to_one_comparison_is_not_given_to_the_next(api):
    first = api.compare("bob")
    shown = await run_command(api, None, "/verify")
    api.end_comparison(first, ComparisonState.CANCELLED)
    for name in ("bob", "eve"):
        later = api.compare(name)
        with pytest.raises(IntentRefused, match=f"{name} were not shown"):
            await run_command(api, None, "/verify yes", compared=shown.compared)
        api.end_comparison(later, ComparisonState.CANCELLED)
    assert api.intents == []


async def test_of_several_comparisons_the_one_that_is_named_is_answered(api):
    api.compare("bob")
    eve = api.compare("eve")
    shown = await run_command(api, None, "/verify")
    assert len(shown.compared) == 2
    for said in ("yes", "no", "cancel"):
        with pytest.raises(NotFound, match="not clear"):
            await run_command(api, None, f"/verify {said}", compared=shown.compared)
    with pytest.raises(NotFound, match="with cid"):
        await run_command(api, None, "/verify yes cid", compared=shown.compared)
    await run_command(api, None, "/verify no @Eve", compared=shown.compared)
    assert api.intents == [AnswerComparison(comparison=eve.id, answer=Answer.DIFFERENT)]


async def test_a_comparison_is_cancelled_without_looking(api):
    row = api.compare("bob", state=ComparisonState.WAITING)
    await run_command(api, None, "/verify cancel")
    assert api.intents == [AnswerComparison(comparison=row.id, answer=Answer.CANCEL)]
    api.comparisons = ()
    assert "Nothing is compared" in (await run_command(api, None, "/verify")).lines[0]
    with pytest.raises(NotFound, match="Nothing is compared"):
        await run_command(api, None, "/verify yes")


async def test_a_contact_whose_name_is_an_answer_is_named_in_quotes(api):
    api.add_contact("yes")
    await run_command(api, None, '/verify "yes"')
    assert api.intents == [BeginVerification(user=user("yes"))]


async def test_an_edit_is_answered_with_what_it_says_now():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob").id
    row = api.arrive(dev, api.name, "a typo hree", mine=True)
    outcome = await run_command(api, dev, f"/edit {id_text(row.id)[:12]} a typo here")
    assert outcome.lines == (f"Edited: {row.name}: a typo here",)


async def test_who_is_no_contact_is_told_how_to_become_one():
    api = ApiTwin()
    dev = api.add_channel("dev", "bob").id
    with pytest.raises(NotFound, match="/pair makes a link"):
        await run_command(api, dev, "/vouch nobody-here")


@pytest.mark.parametrize(
    ("words", "places", "text"),
    [
        ("#a #b hello there", ("#a", "#b"), "hello there"),
        ("#a @bob  two  spaces", ("#a", "@bob"), "two  spaces"),
        ('"#my channel" #b #c is good', ("#my channel", "#b", "#c"), "is good"),
        ("#a -- #b is good", ("#a",), "#b is good"),
        ("#a one\ntwo", ("#a",), "one\ntwo"),
        ("hello #a", (), "hello #a"),
        ("#a", ("#a",), ""),
        ("# a", (), "# a"),
    ],
)
def test_what_is_posted_has_its_channels_first(words, places, text):
    assert parted(words) == (places, text)


@pytest.mark.parametrize(
    ("typed", "key"), [("ui.keys", "ui.keys"), ("keys", "ui.keys"), ("Mode", "net.mode"), ("receipts", "receipts")]
)
def test_a_setting_is_found_by_its_name_or_by_what_stands_behind_the_dot(typed: str, key: str) -> None:
    assert find_setting(typed).key == key


@pytest.mark.parametrize("typed", ["", " ", "net", "net."])
def test_what_is_no_setting_is_found_nowhere(typed: str) -> None:
    with pytest.raises(UsageError, match="no setting"):
        find_setting(typed)
