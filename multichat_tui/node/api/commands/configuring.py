"""Slash commands about the settings of a channel; and what they share with the command line."""

from collections.abc import Sequence

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.errors import UsageError
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeKind, ConfigureChannel, NameRole
from multichat_tui.model.limits import MAX_SLOW_MS
from multichat_tui.model.presets import PRESETS, Preset
from multichat_tui.model.ranks import RANKS
from multichat_tui.model.snapshots import RoleRow
from multichat_tui.model.text import duration
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.commands.moderating import Done, refuse_direct, role_rank
from multichat_tui.node.api.commands.options import span_words
from multichat_tui.node.api.commands.shape import Call, Outcome, Plain
from multichat_tui.node.api.lookup import channel_label, id_text, nearest, one_line

OFF = "off"
RANK_CELLS = 4
KIND_CELLS = 11
"""The column of /kind where what each means begins."""
SURE = "for-good"
"""The word that confirms what cannot be taken back."""


# Deeds, for slash commands and the command line alike


def slow_span(text: str) -> int:
    """Milliseconds of a span like 30s or 5m; 0 for `off`. `errors.UsageError`."""
    if text.strip().lower() == OFF:
        return 0
    span_ms = duration(text)
    if span_ms is None or span_ms > MAX_SLOW_MS:
        raise UsageError(f"{one_line(text)[:20]!r} is no span of slow mode.", "Write it like 30s or 5m, at most 24h; or off.")
    return span_ms


async def configure(api: NodeApi, channel: ChannelId, key: SettingKey, value: int, reason: str, said: str) -> Done:
    """`said`: what is so now, with {channel} in it."""
    await api.submit(ConfigureChannel(channel=channel, key=key, value=value, reason=reason))
    label = channel_label((await api.channel(channel)).rows)
    fields: dict[str, Plain] = {"channel": id_text(channel), "setting": key.name.lower(), "value": value, "reason": reason}
    return Done(said=said.replace("{channel}", label), fields=fields)


async def set_slow(api: NodeApi, channel: ChannelId, span_ms: int, reason: str) -> Done:
    said = f"{{channel}}: one message in {span_words(span_ms)} from each member." if span_ms else "Slow mode is off in {channel}."
    return await configure(api, channel, SettingKey.SLOW_MODE, span_ms, reason, said)


async def archive(api: NodeApi, channel: ChannelId, reason: str) -> Done:
    said = "{channel} is archived: all can read it, and nobody writes."
    return await configure(api, channel, SettingKey.ARCHIVED, 1, reason, said)


async def unarchive(api: NodeApi, channel: ChannelId, reason: str) -> Done:
    return await configure(api, channel, SettingKey.ARCHIVED, 0, reason, "{channel} is open again.")


async def close(api: NodeApi, channel: ChannelId, reason: str) -> Done:
    said = "{channel} is closed for good: nobody writes or comes in any more."
    return await configure(api, channel, SettingKey.CLOSED, 1, reason, said)


async def value_of(api: NodeApi, channel: ChannelId, key: SettingKey) -> int:
    rows = (await api.rules(channel)).rows.settings
    return next((row.value for row in rows if row.key is key), 0)


KINDS = tuple(preset.value for preset in Preset)
KIND_FLAGS = tuple(f"--{preset.value}" for preset in Preset if preset is not Preset.OPEN)
READ_LINK = "/invite read makes the link to read it."


def kind_of(text: str) -> Preset:
    """The kind of this name. `errors.UsageError`."""
    word = text.strip().lower().removeprefix("--")
    if word in KINDS:
        return Preset(word)
    close = nearest(word, KINDS)
    advice = f"Did you mean {close}?" if close else f"It is one of {', '.join(KINDS)}."
    raise UsageError(f"There is no kind of channel {one_line(word)[:40]!r}.", advice)


async def change_kind(api: NodeApi, channel: ChannelId, kind: Preset, reason: str) -> Done:
    read = bool(await value_of(api, channel, SettingKey.READING))
    await api.submit(ChangeKind(channel=channel, kind=kind, reason=reason))
    label = channel_label((await api.channel(channel)).rows)
    fields: dict[str, Plain] = {"channel": id_text(channel), "kind": kind.value, "reason": reason}
    ends = " Links for reading end." if read and not PRESETS[kind].reading else ""
    return Done(said=f"{label} is {kind.value} now. {PRESETS[kind].words}{ends}", fields=fields)


# The commands


async def slow(call: Call) -> Outcome:
    channel = call.need_channel()
    if not call.words:
        span_ms = await value_of(call.api, channel, SettingKey.SLOW_MODE)
        now = f"Slow mode: one message in {span_words(span_ms)} from each member." if span_ms else "Slow mode is off."
        return Outcome(lines=(f"{now} /slow SPAN, such as /slow 30s, sets it; /slow off ends it.",), fields={"value": span_ms})
    first, reason = call.first_word()
    return (await set_slow(call.api, channel, slow_span(first), reason)).outcome()


async def kind(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words:
        first, reason = call.first_word()
        wanted = kind_of(first)
        return (await change_kind(call.api, channel, wanted, reason)).outcome(READ_LINK if PRESETS[wanted].reading else "")
    row = (await call.api.channel(channel)).rows
    refuse_direct(row)
    rules = (await call.api.rules(channel)).rows
    label = channel_label(row)
    now = f"{label} is {rules.kind.value}. {PRESETS[rules.kind].words}" if rules.kind else f"{label} has rules of its own."
    lines = [now, *(f"{preset.value:<{KIND_CELLS}}{rule.words}" for preset, rule in PRESETS.items())]
    return Outcome(
        lines=(*lines, "/kind KIND makes it one of these; /permissions says who may do what."),
        fields={"kind": rules.kind.value if rules.kind else None},
        hang=KIND_CELLS,
    )


async def name_role(api: NodeApi, channel: ChannelId, rank: int, name: str, reason: str) -> Done:
    """`name`: empty or `off` takes it away."""
    given = "" if name.strip().lower() == OFF else name
    await api.submit(NameRole(channel=channel, rank=rank, name=given, reason=reason))
    label = channel_label((await api.channel(channel)).rows)
    said = f"Rank {rank} is called {one_line(given)} in {label}." if given else f"Rank {rank} has no name in {label} any more."
    fields: dict[str, Plain] = {"channel": id_text(channel), "rank": rank, "name": given, "reason": reason}
    return Done(said=said, fields=fields)


def role_lines(rows: Sequence[RoleRow]) -> tuple[str, ...]:
    """All roles, the usual ones too, the highest first."""
    roles = {rank: name for name, rank in RANKS.items()} | {row.rank: one_line(row.name) for row in rows}
    return tuple(f"{rank:>{RANK_CELLS}}  {roles[rank]}" for rank in sorted(roles, reverse=True))


async def roles(call: Call) -> Outcome:
    channel = call.need_channel()
    if call.words:
        rank, rest = call.first_word()
        name, _, reason = rest.partition(" ")
        if not name:
            raise call.misused()
        return (await name_role(call.api, channel, role_rank(rank), name, reason.strip())).outcome()
    rows = (await call.api.rules(channel)).rows.roles
    return Outcome(
        lines=(*role_lines(rows), "/roles RANK NAME names another one, such as /roles 20 reviewer; /role gives it to somebody."),
        fields={"roles": [{"rank": row.rank, "name": row.name} for row in rows]},
    )


async def archive_channel(call: Call) -> Outcome:
    return (await archive(call.api, call.need_channel(), call.words)).outcome("/unarchive opens it again.")


async def unarchive_channel(call: Call) -> Outcome:
    return (await unarchive(call.api, call.need_channel(), call.words)).outcome()


async def close_channel(call: Call) -> Outcome:
    channel = call.need_channel()
    first, _, reason = call.words.partition(" ")
    if first.lower() != SURE:
        label = channel_label((await call.api.channel(channel)).rows)
        raise UsageError(
            f"This closes {label} for good: nobody writes or comes in any more, and nobody can open it again.",
            f"If you are sure: /close {SURE} [REASON]. /archive closes it for a while.",
        )
    return (await close(call.api, channel, reason.strip())).outcome()
