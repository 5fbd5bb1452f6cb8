"""Settings of channels: decided here; `choices` writes them. The same rules (`channel.permitting`) hold on every other node."""

from typing import NoReturn

from multichat_tui.channel.view import View
from multichat_tui.model.acts import Act, SetThreshold, Setting, Style, WideFence
from multichat_tui.model.channel_settings import READING_SEED_BYTES, RULES, SettingKey, role_name_of, slot_of
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.history import ALL
from multichat_tui.model.hyperlinks import holds_link
from multichat_tui.model.ids import Log
from multichat_tui.model.intents import ChangeKind, ConfigureChannel, NameRole
from multichat_tui.model.limits import MAX_CUSTOM_RANKS
from multichat_tui.model.lookalikes import skeleton
from multichat_tui.model.presets import PRESETS, SET_BY_PRESETS, Preset
from multichat_tui.model.ranks import FOUNDER, OF_CONTENT, Permission, holders_words, standing_words
from multichat_tui.model.snapshots import Membership
from multichat_tui.model.text import clean_name, describe_ms
from multichat_tui.node.joined import NEEDS_NEWER
from multichat_tui.node.looked_at import paced_record
from multichat_tui.node.moderating import clean_reason, need, wide_fence
from multichat_tui.node.roles import looks_usual
from multichat_tui.node.world import Channel, World


class Configuring:
    def __init__(self, world: World) -> None:
        self._world = world

    def decide(self, channel: Channel, intent: ConfigureChannel) -> tuple[Act, ...]:
        """`errors.IntentRefused`: every other node would refuse it, too."""
        if intent.key is SettingKey.READING:
            return self._reading(channel, intent)
        view, rule = channel.view, RULES.get(intent.key)
        if rule is None or slot_of(intent.key, intent.value) is None:
            raise IntentRefused(Refusal.LIMIT, "This setting does not take such a value.")
        if view.style is Style.DIRECT and not rule.direct:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation has no such setting.")
        mine = need(view, self._world.identity.user, rule.permission, "change settings")
        if mine < rule.rank:
            who = "Only founders" if rule.rank == FOUNDER else f"In this channel only {holders_words(rule.rank)}"
            raise IntentRefused(Refusal.NOT_ALLOWED, f"{who} do that. You are {standing_words(mine)}.")
        if intent.key is SettingKey.PROTOCOL_LEVEL and intent.value > channel.knows:
            raise IntentRefused(Refusal.NEWER, f"This version knows levels up to {channel.knows}: it would shut itself out.")
        before = view.setting(intent.key)
        if intent.value == before or (rule.final and intent.value < before):
            raise IntentRefused(Refusal.ALREADY, "That is so already." if intent.value == before else "That never goes back.")
        drawn = rule.fenced and intent.value > rule.default
        fence = wide_fence(channel) if drawn else WideFence()
        return (Setting(key=intent.key.value, value=intent.value, fence=fence, reason=clean_reason(intent.reason)),)

    def name_role(self, channel: Channel, intent: NameRole) -> tuple[Act, ...]:
        """`errors.IntentRefused`."""
        view, key = channel.view, SettingKey.ROLE_NAME
        if view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation has no roles.")
        mine = need(view, self._world.identity.user, Permission.CHANGE, "name roles")
        name = clean_name(intent.name) if intent.name.strip() else ""
        if role_name_of((intent.rank, "")) is None:
            raise IntentRefused(Refusal.LIMIT, "Only ranks from 1 to 99 can be named, and 50 is moderator.")
        if name is None or " " in name:
            raise IntentRefused(Refusal.BAD_NAME, "A role's name is one word of 1 to 48 visible characters.")
        if intent.rank >= mine:
            raise IntentRefused(Refusal.NOT_ALLOWED, f"You are {standing_words(mine)}: you name ranks below your own only.")
        named = {rank: given for rank, given in view.role_names.items() if rank != intent.rank}
        if view.role_names.get(intent.rank, "") == name:
            raise IntentRefused(Refusal.ALREADY, "It is called so already." if name else "That rank has no name of its own.")
        if name and (looks_usual(name) or skeleton(name.casefold()) in {skeleton(each.casefold()) for each in named.values()}):
            raise IntentRefused(Refusal.BAD_NAME, "Another role is called so, or looks like it.", "Choose another name.")
        if name and len(named) >= MAX_CUSTOM_RANKS:
            raise IntentRefused(Refusal.LIMIT, f"At most {MAX_CUSTOM_RANKS} ranks have names.", "/roles RANK off takes one away.")
        return (Setting(key=key.value, value=(intent.rank, name), reason=clean_reason(intent.reason)),)

    def change_kind(self, channel: Channel, intent: ChangeKind) -> tuple[Act, ...]:
        """All that is to be changed, in one record. `errors.IntentRefused`."""
        view = channel.view
        if view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation is of no other kind.", "/create makes a channel.")
        mine = need(view, self._world.identity.user, Permission.CHANGE, "change what kind of channel this is")
        if PRESETS[intent.kind].reading and view.setting(SettingKey.HISTORY) != ALL:
            refuse_reading()
        acts = kind_acts(self._world, channel, intent.kind, clean_reason(intent.reason))
        if not acts:
            raise IntentRefused(Refusal.ALREADY, "It is of that kind already.")
        touched = [act.permission for act in acts if isinstance(act, SetThreshold)]
        if any(max(view.threshold(each), PRESETS[intent.kind].thresholds[each]) > mine for each in touched):
            raise IntentRefused(
                Refusal.NOT_ALLOWED,
                f"You are {standing_words(mine)}: what needs more than that, before or after, is not yours to change.",
            )
        return acts

    def _reading(self, channel: Channel, intent: ConfigureChannel) -> tuple[Act, ...]:
        """A value of 1 lets everybody read by link, 0 ends that; a link from before does not open it again."""
        view = channel.view
        if view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A direct conversation has no such setting.")
        need(view, self._world.identity.user, Permission.CHANGE, "change settings")
        if intent.value not in (0, 1):
            raise IntentRefused(Refusal.LIMIT, "This setting does not take such a value.")
        if bool(view.reading_seed) == bool(intent.value):
            raise IntentRefused(Refusal.ALREADY, "That is so already.")
        if intent.value and view.setting(SettingKey.HISTORY) != ALL:
            refuse_reading()
        return (reading_act(self._world, on=bool(intent.value), reason=clean_reason(intent.reason)),)

    def check_message(self, channel: Channel, text: str, *, paced: bool = True) -> None:
        """Refuse what would not count anywhere (`content_rules`). `paced`: slow mode counts it. `errors.IntentRefused`."""
        view, me = channel.view, self._world.identity.user
        refuse_in(view)
        if holds_link(text):
            need(view, me, Permission.LINKS, "send links")
        span_ms, now = view.setting(SettingKey.SLOW_MODE), self._world.now
        if paced and span_ms and not view.may(me, Permission.MODERATE):
            wait_ms = self._last_message_ms(channel) + span_ms - now
            if wait_ms > 0:
                seconds_ms = -(-wait_ms // 1000) * 1000
                raise IntentRefused(
                    Refusal.TOO_SOON,
                    f"Slow mode: one message in {describe_ms(span_ms)}. You can write again in {describe_ms(seconds_ms)}.",
                )

    def _last_message_ms(self, channel: Channel) -> int:
        """When the newest message of our own devices was written; 0 for none."""
        me, txn = self._world.identity.user, self._world.txn
        ends = [end for (log, _), end in channel.chains.ends.items() if log is Log.CONTENT]
        mine = [paced_record(txn, end.id) for end in ends if channel.control.user_of(end.device) == me]
        return max((record.header.timestamp_ms for record in mine if record is not None), default=0)


def refuse_reading() -> NoReturn:
    raise IntentRefused(
        Refusal.NOT_ALLOWED,
        "This channel does not show its whole history to newcomers, so nobody can read it by link.",
        "/newcomers all changes that.",
    )


def kind_acts(world: World, channel: Channel, kind: Preset, reason: str) -> tuple[Act, ...]:
    """What makes a channel one of this kind, as far as it is not so already."""
    view, rule = channel.view, PRESETS[kind]
    acts: list[Act] = []
    for permission, rank in rule.thresholds.items():
        before = view.threshold(permission)
        if rank != before:
            fence = wide_fence(channel) if permission in OF_CONTENT and rank > before else WideFence()
            acts.append(SetThreshold(permission=permission, rank=rank, fence=fence, reason=reason))
    for key in sorted(SET_BY_PRESETS):
        value = rule.settings.get(key, RULES[key].default)
        if value != view.setting(key):
            acts.append(Setting(key=key.value, value=value, reason=reason))
    if rule.reading != bool(view.reading_seed):
        acts.append(reading_act(world, on=rule.reading, reason=reason))
    return tuple(acts)


def reading_act(world: World, *, on: bool, reason: str) -> Setting:
    """A new seed each time: links from before open nothing again."""
    seed = world.entropy(READING_SEED_BYTES) if on else b""
    return Setting(key=SettingKey.READING.value, value=seed, fence=WideFence(), reason=reason)


def refuse_in(view: View) -> None:
    """Of a channel that takes nothing any more: `errors.IntentRefused`."""
    if view.closed:
        raise IntentRefused(Refusal.CLOSED, "This channel is closed for good: nobody writes here.", "/create makes one.")
    if view.read_only:
        raise IntentRefused(Refusal.CLOSED, "This channel is archived: it can be read only.", "/unarchive opens it again.")


def why_silent(world: World, channel: Channel) -> str:
    """Why the user cannot write in a channel that they are in, in a sentence; empty: they can."""
    if not channel.rooted or channel.standing.membership is not Membership.JOINED:
        return ""
    if channel.beyond:
        return NEEDS_NEWER
    try:
        refuse_in(channel.view)
        need(channel.view, world.identity.user, Permission.SEND, "write")
    except IntentRefused as refused:
        return refused.message
    return ""
