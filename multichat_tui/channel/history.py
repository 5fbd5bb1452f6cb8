"""Who is served what of the time in which they were no members (docs/protocol/control-log.md, 6.8).

The rule: of a record's author, who knew of their present membership, or of an earlier one that had not ended, a member is served
everything; of the rest what the channel's history policy grants, by the times that the record and the letting in carry.
Both who serves and who is served decide by it, each in their own present view.
"""

from multichat_tui.channel.control import ControlLog
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.history import ALL, NONE, days_of
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.intents import DAY_MS
from multichat_tui.model.records import Header


def policy_of(control: ControlLog) -> int:
    return control.view.setting(SettingKey.HISTORY)


def returned(control: ControlLog, user: UserId) -> bool:
    """Whether somebody's membership has ended before: then what they may have need not be all that is newer than something."""
    return any(ending.user == user for ending in control.view.endings)


def is_withheld(control: ControlLog, header: Header, user: UserId, since_ms: int) -> bool:
    """Whether a member is not served a record, whose control heads are held. `since_ms`: when the control record was written that
    began the present membership (`View.members`)."""
    policy = policy_of(control)
    if policy == ALL or header.log is Log.CONTROL or control.user_of(header.device) == user:
        return False
    began = control.view.members.get(user)
    if began is None:
        return True
    if control.mask(header.control_heads) >> began & 1:
        return False
    if returned(control, user) and control.state_at(header.control_heads).rank(user) is not None:
        return False
    return policy == NONE or header.timestamp_ms < since_ms - days_of(policy) * DAY_MS
