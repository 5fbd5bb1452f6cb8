"""Slash commands about channels."""

from multichat_tui.model.errors import IntentRefused, NotFound, UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import (
    CreateChannel,
    InviteToChannel,
    LeaveChannel,
    RenameChannel,
    SetTopic,
)
from multichat_tui.model.presets import PRESETS, Preset
from multichat_tui.model.ranks import FOUNDER, role_of
from multichat_tui.model.snapshots import ChannelKind, ChannelRow, Membership
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands import workspaces
from multichat_tui.node.api.commands.configuring import READ_LINK, SURE, kind_of
from multichat_tui.node.api.commands.options import expiry_ms, link_kind, span_words, split_options, use_count
from multichat_tui.node.api.commands.people import join_link, pair_link
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, find_channel, find_person, id_text, one_line

ANYWAY = "anyway"
"""The word by which the only founder leaves a channel that stays open."""
FOUNDERS = role_of(FOUNDER)
READ_WORDS = ("read", "--read")
"""What asks for a link that lets people read only."""


async def invite_to_read(call: Call, named: str) -> Outcome:
    channel = (await find_channel(call.api, named)).id if named else call.need_channel()
    row = (await call.api.channel(channel)).rows
    link = (await call.api.submit(InviteToChannel(channel=channel, read=True))).link or ""
    lines = (
        f"With this link everybody can read {channel_label(row)}, without being in it, until /public off:",
        link,
        "They type: /join and the link. A member must be online.",
    )
    return Outcome(lines=lines, fields={"channel": id_text(channel), "link": link, "read": True})


async def create(call: Call) -> Outcome:
    words = call.need_words()
    first, _, rest = words.partition(" ")
    kind = kind_of(first) if first.startswith("--") and rest.strip() else Preset.OPEN
    name, _, last = words.rpartition(" ")
    if first.startswith("--") and rest.strip():
        words = rest.strip()
    elif last.startswith("--") and name.strip():
        kind, words = kind_of(last), name.strip()
    accepted = await call.api.submit(CreateChannel(name=words.removeprefix("#"), kind=kind))
    if accepted.channel is None:
        return Outcome(lines=("The channel was made.",))
    row = (await call.api.channel(accepted.channel)).rows
    means = "" if kind is Preset.OPEN else f" {PRESETS[kind].words}"
    line = f"{channel_label(row)} is made.{means} /invite makes a link that lets somebody in."
    if PRESETS[kind].reading:
        line = f"{channel_label(row)} is made.{means} {READ_LINK} /invite makes one that lets somebody in."
    fields: dict[str, Plain] = {"channel": id_text(accepted.channel), "name": row.name, "kind": kind.value}
    return Outcome(lines=(line,), fields=fields, open_channel=accepted.channel)


async def join(call: Call) -> Outcome:
    kind = link_kind(call.need_words())
    if kind == "join":
        return await join_link(call, "")
    if kind == "pair":
        return await pair_link(call, "That is a pairing link, not one of a channel: pairing with its maker. ")
    on_list = await workspaces.find_on_any_list(call.api, call.channel, call.words)
    if on_list is not None:
        workspace, row = on_list
        if row.joined:
            return Outcome(lines=(f"You are in #{one_line(row.name)}.",), open_channel=row.channel)
        done = await workspaces.join_listed(call.api, workspace, row)
        return Outcome(lines=(done.said,), fields=done.fields, open_channel=row.channel)
    inside = bool(await workspaces.all_workspaces(call.api))
    raise UsageError(
        "That is no invitation link, and no channel on the list of a workspace." if inside else "That is no invitation link.",
        "/join LINK takes a link that begins with multichat:join/; a member makes one with /invite.",
    )


async def leave(call: Call) -> Outcome:
    name = call.words.removesuffix(ANYWAY).strip() if call.words.split()[-1:] == [ANYWAY] else call.words
    channel = (await find_channel(call.api, name)).id if name else call.need_channel()
    row = (await call.api.channel(channel)).rows
    if name == call.words and await is_last_founder(call.api, row):
        raise UsageError(
            f"You are the only founder of {channel_label(row)}: when you have left, nobody can close it, or name an admin.",
            f"/close {SURE} closes it for all first; /leave {ANYWAY} leaves it to the others.",
        )
    await call.api.submit(LeaveChannel(channel=channel))
    return Outcome(lines=(f"You left {channel_label(row)}.",), fields={"channel": id_text(channel), "name": row.name})


async def is_last_founder(api: NodeApi, row: ChannelRow) -> bool:
    """Whether others stay behind in an open channel that nobody could ever close."""
    if row.kind is ChannelKind.DIRECT or row.closed or row.membership is not Membership.JOINED or row.members < 2:
        return False
    founders = [member for member in (await api.members(row.id)).rows if member.role == FOUNDERS]
    return len(founders) == 1 and founders[0].me


async def invite(call: Call) -> Outcome:
    rest, options = split_options(call.words, "uses", "expires")
    words = [word for word in rest.split() if word.lower() not in READ_WORDS]
    if len(words) < len(rest.split()):
        return await invite_to_read(call, " ".join(words))
    channel = await _invites_to(call.api, rest) if rest else call.need_channel()
    intent = InviteToChannel(
        channel=channel,
        uses=use_count(options["uses"]) if "uses" in options else 1,
        expires_in_ms=expiry_ms(options["expires"]) if "expires" in options else InviteToChannel(channel=channel).expires_in_ms,
    )
    row = (await call.api.channel(channel)).rows
    link = (await call.api.submit(intent)).link or ""
    people = "one person" if intent.uses == 1 else f"{intent.uses} people"
    return Outcome(
        lines=(
            f"This link lets {people} into {channel_label(row)} for {span_words(intent.expires_in_ms)}:",
            link,
            "They type: /join and the link. Some member must be online to let them in.",
        ),
        fields={"link": link, "channel": id_text(channel), "uses": intent.uses, "expires_in_ms": intent.expires_in_ms},
    )


async def _invites_to(api: NodeApi, name: str) -> ChannelId:
    """The channel of this name; who names a person, as elsewhere people are invited, is told how it is done here."""
    try:
        found = await find_channel(api, name)
        if found.kind is not ChannelKind.DIRECT:
            return found.id
        missing = NotFound(f"{one_line(name)} is no channel.")
    except NotFound as error:
        missing = error
    try:
        person = await find_person(api, name)
    except IntentRefused:
        raise missing from None
    quoted = f'"{one_line(person.name)}"' if " " in person.name else one_line(person.name)
    raise NotFound("People come into a channel by a link.", f"/invite alone makes one; /msg {quoted} LINK hands it over.")


async def topic(call: Call) -> Outcome:
    channel = call.need_channel()
    if not call.words:
        row = (await call.api.channel(channel)).rows
        line = f"Topic of {channel_label(row)}: {one_line(row.topic)}" if row.topic else f"{channel_label(row)} has no topic."
        return Outcome(lines=(line,), fields={"topic": row.topic})
    await call.api.submit(SetTopic(channel=channel, topic=call.words))
    return Outcome(lines=("The topic is set.",), fields={"topic": call.words})


async def rename(call: Call) -> Outcome:
    channel = call.need_channel()
    await call.api.submit(RenameChannel(channel=channel, name=call.need_words().removeprefix("#")))
    row = (await call.api.channel(channel)).rows
    return Outcome(lines=(f"The channel is called {channel_label(row)} now.",), fields={"name": row.name})


async def names(call: Call) -> Outcome:
    channel = (await find_channel(call.api, call.words)).id if call.words else call.need_channel()
    members = (await call.api.members(channel)).rows
    online = sum(1 for row in members if row.online or row.me)
    lines = [f"{len(members)} {'member' if len(members) == 1 else 'members'}, {online} online"]
    for row in members:
        marks = [row.role, "you" if row.me else "online" if row.online else "offline"]
        marks += ["verified"] if row.verified else []
        marks += ["place not settled yet"] if row.provisional else []
        marks += ["COPIED OR LYING"] if row.forked else []
        lines.append(f"{one_line(row.name)}  ({', '.join(marks)})")
    return Outcome(
        lines=tuple(lines),
        fields={
            "members": [
                {"name": row.name, "user": id_text(row.user), "role": row.role, "online": row.online, "me": row.me}
                for row in members
            ]
        },
    )
