"""Kinds of channels: each is a set of permissions and settings and nothing else, so each of these can be changed afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum

from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.ranks import MEMBER, MODERATOR, Permission
from multichat_tui.model.values import dataclass


class Preset(StrEnum):
    OPEN = "open"
    """All members invite whom they like: what a channel is as long as nobody has changed anything."""
    PRIVATE = "private"
    APPROVAL = "approval"
    BROADCAST = "broadcast"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRule:
    words: str
    """What it means, as a sentence."""
    send: int = MEMBER
    invite: int = MEMBER
    admit: int = MEMBER
    settings: Mapping[SettingKey, int] = field(default_factory=dict)
    """Beside the defaults."""
    reading: bool = False
    """Everybody with a link reads it without being in it; in all others nobody does."""

    @property
    def thresholds(self) -> Mapping[Permission, int]:
        return {Permission.SEND: self.send, Permission.INVITE: self.invite, Permission.ADMIT: self.admit}


PRESETS: Mapping[Preset, PresetRule] = {
    Preset.OPEN: PresetRule(words="All members write and invite."),
    Preset.PRIVATE: PresetRule(invite=MODERATOR, words="All members write; moderators and above invite."),
    Preset.APPROVAL: PresetRule(admit=MODERATOR, words="All members write and invite; moderators agree to who comes in."),
    Preset.BROADCAST: PresetRule(send=MODERATOR, words="Moderators and above write; all members read, react and invite."),
    Preset.PUBLIC: PresetRule(reading=True, words="Everybody with a link reads; all members write and invite."),
}
SET_BY_PRESETS = frozenset(key for rule in PRESETS.values() for key in rule.settings)
"""Settings that some kind sets: all others set these back to their defaults."""


def preset_of(
    threshold: Callable[[Permission], int], setting: Callable[[SettingKey], int], *, reading: bool = False
) -> Preset | None:
    """What kind a channel is; None: its rules are its own. `reading`: everybody with a link reads it."""
    for preset, rule in PRESETS.items():
        settings = dict.fromkeys(SET_BY_PRESETS, 0) | dict(rule.settings)
        if (
            rule.reading == reading
            and all(threshold(each) == rank for each, rank in rule.thresholds.items())
            and all(setting(key) == value for key, value in settings.items())
        ):
            return preset
    return None
