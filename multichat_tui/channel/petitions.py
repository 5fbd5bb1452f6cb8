"""Requests to be let in, where somebody has to agree to that: which wait for an answer, and which were refused.

Any member's node writes down the request of somebody who holds an invitation (`Ask`), so that all who may decide see it, whoever
was reached and whoever is online. Whoever may let people in answers it by an ordinary `Admit`, or by a `RefuseJoin`.
"""

from collections.abc import Iterator

from multichat_tui.channel.authority import Authority
from multichat_tui.channel.operations import Operation
from multichat_tui.model.acts import Ask, RefuseJoin
from multichat_tui.model.channel_settings import SettingKey
from multichat_tui.model.ids import UserId
from multichat_tui.model.joins import Join
from multichat_tui.model.ranks import MEMBER
from multichat_tui.model.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """`encoded` is the join as it was signed; `brought_by` wrote it down."""

    operation: int
    user: UserId
    join: Join
    encoded: bytes
    brought_by: UserId


def may_ask(past: Authority, operation: Operation, rank: int) -> bool:
    """Once for each account and invitation, while it leaves places that nobody has taken or waits for."""
    join = operation.asked
    if join is None or rank < MEMBER or len(operation.acts) != 1 or past.number(SettingKey.CLOSED):
        return False
    user = join.certificate.user
    if user in past.subjects.founders or past.rank(user) is not None:
        return False
    before = [op for op in past.subjects.asks(join.join_key).newest_first(past.mask) if past.effective(op)]
    if any(_petitioner(op) == user for op in before):
        return False
    open_ones = {_petitioner(op) for op in before if not _refused(past, op)}
    for name, invite in past.invitations(join.join_key):
        placed = {admit.joiner for admit in past.placed(name)}
        if len(placed | open_ones) < invite.uses and not past.closed(name) and not past.banned(user, invite.rank, past.mask):
            return True
    return False


def may_refuse(past: Authority, act: RefuseJoin) -> bool:
    """Only what was asked for."""
    return has_asked(past, act.user, act.join_key)


def waiting(now: Authority) -> Iterator[Petition]:
    """Those that nobody has answered, in their order."""
    for op in sorted(now.subjects.asked.newest_first(now.mask), key=lambda op: op.order):
        join, act = op.asked, op.acts[0]
        if join is None or not isinstance(act, Ask) or not now.effective(op) or _refused(now, op):
            continue
        user = join.certificate.user
        open_still = any(not now.closed(name) for name, _ in now.invitations(join.join_key))
        if now.rank(user) is None and open_still and not let_in(now, op):
            yield Petition(operation=op.index, user=user, join=join, encoded=act.join, brought_by=op.user)


def let_in(now: Authority, ask: Operation) -> bool:
    """Whether somebody was let in when they had asked so, also if they are out again: one link asks once."""
    assert ask.asked is not None
    user, key = ask.asked.certificate.user, ask.asked.join_key
    admits = (admit for name, _ in now.invitations(key) for admit in now.placed(name))
    return any(admit.joiner == user and not ask.follows(admit.index) for admit in admits)


def has_asked(now: Authority, user: UserId, join_key: bytes) -> bool:
    """Whether somebody's request by this invitation is written down, whatever became of it."""
    return any(_petitioner(op) == user and now.effective(op) for op in now.subjects.asks(join_key).newest_first(now.mask))


def refusal(now: Authority, user: UserId, join_key: bytes) -> RefuseJoin | None:
    """What somebody was told about their request by this invitation; the last of several."""
    found = [op for op in now.subjects.refusals(user, join_key).newest_first(now.mask) if now.effective(op)]
    last = max(found, key=lambda op: op.order, default=None)
    if last is None:
        return None
    return next(act for act in last.acts if isinstance(act, RefuseJoin) and (act.user, act.join_key) == (user, join_key))


def _refused(now: Authority, ask: Operation) -> bool:
    assert ask.asked is not None
    return refusal(now, _petitioner(ask), ask.asked.join_key) is not None


def _petitioner(ask: Operation) -> UserId:
    assert ask.asked is not None
    return ask.asked.certificate.user
