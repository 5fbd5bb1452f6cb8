"""Slash commands about ranks, removals, bans and permissions, against the twin."""

from dataclasses import replace

import pytest
from api_twin import ApiTwin, user

from multichat_tui.model.errors import IntentRefused, NotFound, UsageError
from multichat_tui.model.intents import (
    BanMember,
    GiveRank,
    LiftBan,
    Lockdown,
    PurgeMessages,
    RemoveMember,
    SendMessage,
    SetPermission,
    SetTopic,
    Together,
)
from multichat_tui.model.ranks import FOUNDER, MEMBER, MUTED, Permission, holders_words, standing_words
from multichat_tui.model.snapshots import BanRow, ChannelKind
from multichat_tui.node.api.commands import run_command
from multichat_tui.node.api.lookup import id_text

DAY_MS = 24 * 3_600_000


@pytest.fixture
def api():
    return ApiTwin()


@pytest.fixture
def dev(api):
    return api.add_channel("dev", "bob", "eve", "kim lee").id


# Roles


@pytest.mark.parametrize(
    ("word", "rank", "said"),
    [
        ("admin", 100, "bob is an admin in #dev now."),
        ("Moderators", 50, "bob is a moderator in #dev now."),
        ("member", 0, "bob is a member in #dev now."),
        ("20", 20, "bob is of rank 20 in #dev now."),
        ("muted", -1, "bob is muted in #dev now. /unsilence bob lets them write again."),
        ("-1", -1, "bob is muted in #dev now. /unsilence bob lets them write again."),
    ],
)
async def test_a_role_is_given_by_its_name_or_number(api, dev, word, rank, said):
    outcome = await run_command(api, dev, f"/role @bob {word}")
    assert api.intents == [GiveRank(channel=dev, user=user("bob"), rank=rank)]
    assert outcome.lines == (said,)
    assert (outcome.fields["user"], outcome.fields["rank"]) == (id_text(user("bob")), rank)


async def test_a_name_with_spaces_stands_in_quotes_and_the_rest_is_the_reason(api, dev):
    outcome = await run_command(api, dev, '/silence "kim lee" far too  loud')
    assert api.intents == [GiveRank(channel=dev, user=user("kim lee"), rank=MUTED, reason="far too  loud")]
    assert outcome.lines == ('kim lee is muted in #dev now. /unsilence "kim lee" lets them write again.',)
    await run_command(api, dev, "/role bob moderator for the night shift")
    assert api.intents[-1].reason == "for the night shift"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("/role bob modrator", "Did you mean moderator"),
        ("/role bob 101", "admin, moderator, member, muted"),
        ("/role bob -2", "from -1 to 100"),
        ("/role bob ²", "from -1 to 100"),
        ("/role bob founder", "Founders are those who made the channel"),
        ("/role bob", "/role NAME ROLE"),
        ("/permission sned moderator", "Did you mean send"),
        ("/permission xyz moderator", "invite"),
        ("/permission send captain", "founder"),
        ("/ban bob for=soon", "like 1h, 7d or 2w"),
        ("/ban bob for=", "like 1h, 7d or 2w"),
        ("/ban bob 1y spam", "like 1h, 7d or 2w"),
        ("/ban bob 999999999999d", "like 1h, 7d or 2w"),
        ("/silence bob 0h", "like 1h, 7d or 2w"),
        ("/silence bob -1h loud", "like 1h, 7d or 2w"),
        ("/silence bob 1.5h", "like 1h, 7d or 2w"),
        ("/bans all", "/bans"),
    ],
)
async def test_what_is_no_role_permission_or_span_changes_nothing_and_says_what_is_one(api, dev, line, advice):
    with pytest.raises(UsageError) as refused:
        await run_command(api, dev, line)
    assert advice in f"{refused.value.message} {refused.value.advice}"
    assert api.intents == []


@pytest.mark.parametrize("reason", ["2nd warning", "3 strikes", "1", "7th time", "h"])
async def test_what_begins_like_a_number_and_is_meant_for_no_span_is_a_reason(api, dev, reason):
    await run_command(api, dev, f"/silence bob {reason}")
    assert api.intents == [GiveRank(channel=dev, user=user("bob"), rank=MUTED, reason=reason)]


async def test_a_permission_is_given_to_a_role_of_the_channels_own(api, dev):
    await run_command(api, dev, "/roles 20 Reviewer")
    outcome = await run_command(api, dev, "/permission topic reviewer they know best")
    assert api.intents[-1] == SetPermission(channel=dev, permission=Permission.TOPIC, rank=20, reason="they know best")
    assert outcome.fields["rank"] == 20


async def test_a_ban_a_purge_and_an_announcement_are_one(api, dev):
    await run_command(api, dev, "/together /ban eve for=1d spam ; /purge eve last 1h spam ; eve is gone")
    (intent,) = api.intents
    assert isinstance(intent, Together)
    ban, purge, told = intent.intents
    assert ban == BanMember(channel=dev, user=user("eve"), lasts_ms=DAY_MS, reason="spam")
    assert isinstance(purge, PurgeMessages)
    assert (purge.user, purge.reason) == (user("eve"), "spam")
    assert told == SendMessage(channel=dev, text="eve is gone")


async def test_what_cannot_be_done_together_is_named(api, dev):
    with pytest.raises(IntentRefused, match="/invite cannot be done together") as refused:
        await run_command(api, dev, "/together /topic both ; /invite")
    assert "Nothing was done" in refused.value.advice
    assert api.intents == []


@pytest.mark.parametrize("line", ["/permissions", "/permission send", "/kind", "/joins"])
async def test_where_two_talk_there_are_no_rights_to_be_shown(api, line):
    direct = api.add_channel("bob", "bob", kind=ChannelKind.DIRECT).id
    with pytest.raises(IntentRefused, match="belongs to both alike"):
        await run_command(api, direct, line)


async def test_only_who_is_muted_is_unmuted(api, dev):
    await run_command(api, dev, "/role bob moderator")
    with pytest.raises(IntentRefused, match="bob is not muted"):
        await run_command(api, dev, "/unsilence bob")
    assert len(api.intents) == 1
    await run_command(api, dev, "/silence bob")
    assert (await run_command(api, dev, "/unsilence bob sorry")).lines == ("bob is a member in #dev now.",)
    assert api.intents[-1] == GiveRank(channel=dev, user=user("bob"), rank=MEMBER, reason="sorry")


async def test_these_commands_need_an_open_channel_and_somebody_in_it(api, dev):
    for line in (
        "/role bob admin",
        "/silence bob",
        "/unsilence bob",
        "/kick bob",
        "/ban bob",
        "/unban bob",
        "/bans",
        "/permissions",
    ):
        with pytest.raises(UsageError, match="open channel"):
            await run_command(api, None, line)
    for line in ("/role zoe admin", "/silence zoe", "/kick zoe"):
        with pytest.raises(NotFound, match="zoe"):
            await run_command(api, dev, line)
    assert api.intents == []


# Removals and bans


async def test_who_is_removed_can_be_banned_afterwards_by_name(api, dev):
    outcome = await run_command(api, dev, "/kick eve spam")
    assert api.intents == [RemoveMember(channel=dev, user=user("eve"), reason="spam")]
    assert outcome.lines == ("eve is removed from #dev. An invitation lets them back in; /ban eve keeps them out.",)
    await run_command(api, dev, "/ban eve")
    assert api.intents[-1] == BanMember(channel=dev, user=user("eve"))


async def test_a_ban_for_a_time_says_how_long_and_how_it_ends_before(api, dev):
    outcome = await run_command(api, dev, "/ban eve for=7d spam for=ever")
    assert api.intents == [BanMember(channel=dev, user=user("eve"), lasts_ms=7 * DAY_MS, reason="spam for=ever")]
    assert outcome.lines == ("eve is banned from #dev for 1 week. /unban eve lets them back in by an invitation.",)
    assert outcome.fields["lasts_ms"] == 7 * DAY_MS


async def test_a_member_is_meant_before_a_contact_of_the_same_name_who_is_outside(api, dev):
    stranger = api.add_contact("eve", identifier=user("another eve"))
    await run_command(api, dev, "/ban eve")
    assert api.intents[-1].user == user("eve") != stranger.user


async def test_a_contact_who_never_was_here_can_be_kept_out(api, dev):
    api.add_contact("zoe")
    await run_command(api, dev, "/ban zoe")
    assert api.intents[-1].user == user("zoe")


async def test_a_ban_is_lifted_from_who_is_no_member_any_more(api, dev):
    with pytest.raises(NotFound, match="Nobody is banned"):
        await run_command(api, dev, "/unban eve")
    await run_command(api, dev, "/ban eve")
    assert "eve" not in [row.name for row in (await api.members(dev)).rows]
    with pytest.raises(NotFound, match="Did you mean 'eve'"):
        await run_command(api, dev, "/unban evee")
    outcome = await run_command(api, dev, "/unban eve enough")
    assert api.intents[-1] == LiftBan(channel=dev, user=user("eve"), reason="enough")
    assert outcome.lines == ("eve is not banned from #dev any more. An invitation lets them back in.",)


async def test_bans_are_listed_with_their_end_and_reason(api, dev):
    assert (await run_command(api, dev, "/bans")).lines[0].startswith("Nobody is banned here.")
    rows = (
        BanRow(user=user("a"), name="a\x1b[2J", level=50, until_ms=0, reason="one\ntwo"),
        BanRow(user=user("b"), name="b", level=20, until_ms=1_700_000_000_000, reason=""),
        BanRow(user=user("c"), name="c", level=FOUNDER, until_ms=2**63 - 1, reason=""),
    )
    api.rules_rows[dev] = replace(api.rules_rows[dev], bans=rows)
    outcome = await run_command(api, dev, "/bans")
    assert outcome.lines[0].endswith("until it is lifted, by a moderator: one␊two")
    assert "until 2023-11-1" in outcome.lines[1]
    assert outcome.lines[1].endswith("by somebody of rank 20")
    assert outcome.lines[2].endswith("by a founder")
    assert all(line.isprintable() for line in outcome.lines)
    assert [row["until_ms"] for row in outcome.fields["bans"]] == [None, 1_700_000_000_000, 2**63 - 1]


# Permissions


async def test_permissions_are_listed_in_words_with_what_one_is(api, dev):
    outcome = await run_command(api, dev, "/permissions")
    assert outcome.lines[0] == "You are a founder in #dev."
    told = {line.split()[0]: line for line in outcome.lines[1:] if line and not line.startswith("/")}
    assert set(told) == {permission.name.lower() for permission in Permission}
    assert told["send"].endswith("all members")
    assert told["moderate"].endswith("moderators and above")
    assert outcome.lines[-1].startswith("/permission")
    assert outcome.fields["role"] == "founder"


async def test_a_member_sees_what_is_not_theirs_and_is_not_told_to_change_it(api, dev):
    api.rules_rows[dev] = replace(api.rules_rows[dev], rank=MEMBER)
    outcome = await run_command(api, dev, "/permissions")
    assert outcome.lines[0] == "You are a member in #dev."
    assert [line.split()[0] for line in outcome.lines if line.endswith("(not you)")] == [
        "moderate",
        "appoint",
        "change",
        "rename",
        "pin",
        "create",
    ]
    assert not any("/permission" in line for line in outcome.lines)
    assert [row["permission"] for row in outcome.fields["permissions"] if row["may"]] == [
        "send",
        "invite",
        "admit",
        "topic",
        "react",
        "links",
        "files",
        "profile",
    ]


@pytest.mark.parametrize(
    ("line", "permission", "rank", "said"),
    [
        ("/permission send moderator", Permission.SEND, 50, "In #dev moderators and above may write now."),
        ("/permission Topic founders", Permission.TOPIC, FOUNDER, "In #dev founders may set the topic now."),
        ("/permission invite muted", Permission.INVITE, -1, "In #dev all members, the muted too may invite people now."),
        ("/permission pin 20", Permission.PIN, 20, "In #dev those of rank 20 and above may pin messages now."),
    ],
)
async def test_a_permission_is_set_by_its_name(api, dev, line, permission, rank, said):
    outcome = await run_command(api, dev, line + " as agreed")
    assert api.intents == [SetPermission(channel=dev, permission=permission, rank=rank, reason="as agreed")]
    assert outcome.lines == (said,)
    shown = await run_command(api, dev, f"/permission {permission.name}")
    assert shown.fields["rank"] == rank
    assert len(api.intents) == 1


async def test_a_channel_is_locked_down_with_a_reason_and_opened_again(api, dev):
    outcome = await run_command(api, dev, "/lockdown they come  in dozens")
    assert api.intents == [Lockdown(channel=dev, on=True, reason="they come  in dozens")]
    assert outcome.lines[0].startswith("#dev is locked down")
    assert "/lockdown off" in outcome.lines[0]
    outcome = await run_command(api, dev, "/lockdown OFF all gone")
    assert api.intents[-1] == Lockdown(channel=dev, on=False, reason="all gone")
    assert outcome.lines == ("#dev is open again.",)


@pytest.mark.parametrize("rank", [-1, 0, 20, 50, 100, FOUNDER])
def test_every_rank_has_words(rank):
    assert standing_words(rank).isprintable()
    assert holders_words(rank) != holders_words(rank + 1) or rank == FOUNDER


# Several as one


async def test_commands_and_messages_are_done_together_and_nothing_is_done_if_one_is_refused(api, dev):
    outcome = await run_command(api, dev, "/together /ban bob for=7d spam ; /topic quiet ; bob is out; sorry")
    [done] = api.intents
    assert done == Together(
        channel=dev,
        intents=(
            BanMember(channel=dev, user=user("bob"), lasts_ms=7 * DAY_MS, reason="spam"),
            SetTopic(channel=dev, topic="quiet"),
            SendMessage(channel=dev, text="bob is out; sorry"),
        ),
    )
    assert outcome.fields["together"] == 3
    assert any("bob is banned" in line for line in outcome.lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/together /kick bob ; /kick nobody", "nobody"),
        ("/together /kick bob ; /invite", "cannot be done together"),
        ("/together /kick bob ; /names", "changes nothing"),
        ("/together /kick bob ; /together hi", "no command"),
        ("/together /kick bob ; /kcik bob", "no command"),
        ("/together", "/together COMMAND"),
        ("/together  ;  ", "/together COMMAND"),
    ],
)
async def test_what_cannot_be_done_together_leaves_all_undone(api, dev, line, said):
    with pytest.raises((IntentRefused, NotFound, UsageError), match=said):
        await run_command(api, dev, line)
    assert api.intents == []


async def test_a_part_with_two_slashes_is_a_message_with_one(api, dev):
    await run_command(api, dev, "/together //shrug ; hi")
    assert [part.text for part in api.intents[0].intents] == ["/shrug", "hi"]
