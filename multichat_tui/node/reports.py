"""Reports: members ask the moderators to look at something. Listed here, and settled by who may moderate.

A report goes with the content of its channel, its text to the moderators of that moment alone (`recipients`); what became of it
to them and its author. It counts if its author was a member in the state that its record cites (muted ones may report too), and
lies within the fences that ended their membership since; a settlement if its author might moderate in the state that it cites. Of
one member the newest are kept, of one report the first settlements: the same on every node that holds the same records, whatever
the order in which they came.
"""

from multichat_tui.model.acts import Report, Settlement, Style
from multichat_tui.model.acts import SettleReport as SettleAct
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import Log, UserId
from multichat_tui.model.intents import SendReport, SettleReport
from multichat_tui.model.limits import MAX_NAMED_RECIPIENTS, MAX_REPORTED, MAX_REPORTS_PER_MEMBER
from multichat_tui.model.moderation import ReportState
from multichat_tui.model.ranks import Permission
from multichat_tui.node.moderating import clean_reason, need
from multichat_tui.node.report_rows import ReportRows
from multichat_tui.node.world import Channel, World


class Reports:
    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = ReportRows(world)

    def report(self, channel: Channel, intent: SendReport) -> Report:
        """`errors.IntentRefused`, `errors.NotFound`."""
        world = self._world
        view, me = channel.view, world.identity.user
        if view.style is Style.DIRECT:
            raise IntentRefused(Refusal.NOT_ALLOWED, "Nobody moderates a direct conversation.", "/block shuts somebody out.")
        if view.rank(me) is None:
            raise IntentRefused(Refusal.NOT_A_MEMBER, "You are not in this channel.")
        reason = clean_reason(intent.reason)
        if not reason:
            raise IntentRefused(Refusal.EMPTY, "A report says what is wrong.", "Moderators see nothing but your words.")
        if intent.user == me:
            raise IntentRefused(Refusal.NOT_ALLOWED, "That is you.", "/leave leaves the channel.")
        if len(intent.targets) > MAX_REPORTED:
            raise IntentRefused(Refusal.LIMIT, f"A report names at most {MAX_REPORTED} messages.")
        if intent.user is None and not intent.targets:
            raise IntentRefused(Refusal.EMPTY, "A report is about somebody, or about messages.")
        for target in intent.targets:
            stored = world.txn.record(target)
            if stored is None or stored.channel != channel.id or stored.header.log is not Log.CONTENT:
                raise NotFound("That message is not in this channel.")
        open_ones = [row for row in self._rows.rows(channel) if row.mine and row.state is ReportState.OPEN]
        if len(open_ones) >= MAX_REPORTS_PER_MEMBER:
            raise IntentRefused(Refusal.LIMIT, "You have as many open reports here as one may.", "Wait until some are settled.")
        return Report(reason=reason, user=intent.user, targets=tuple(dict.fromkeys(intent.targets)))

    def moderators(self, channel: Channel, intent: SendReport) -> tuple[UserId, ...]:
        """Whom a report is for: those who may moderate, but for ourselves and whom it is about; of many those of the highest
        ranks."""
        view = channel.view
        least = view.threshold(Permission.MODERATE)
        stored = [self._world.txn.record(target) for target in intent.targets]
        authors = {channel.control.user_of(record.header.device) for record in stored if record is not None}
        without = {self._world.identity.user, intent.user, *authors}
        ranks = {user: view.rank(user) or 0 for user in view.members if user not in without}
        found = sorted((user for user, rank in ranks.items() if rank >= least), key=lambda user: (-ranks[user], user))
        if not found:
            raise IntentRefused(Refusal.NOT_ALLOWED, "There is no other moderator here who could look at that.")
        return tuple(sorted(found[:MAX_NAMED_RECIPIENTS]))

    def settlement(self, channel: Channel, intent: SettleReport) -> SettleAct:
        """`errors.IntentRefused`, `errors.NotFound`."""
        need(channel.view, self._world.identity.user, Permission.MODERATE, "settle reports")
        row = next((row for row in self._rows.rows(channel) if row.id == intent.report), None)
        if row is None:
            raise NotFound("There is no such report in this channel.", "/reports lists them.")
        if row.user == self._world.identity.user:
            raise IntentRefused(Refusal.NOT_ALLOWED, "A report about yourself is settled by somebody else.")
        if row.state is not ReportState.OPEN:
            raise IntentRefused(Refusal.ALREADY, f"{row.settled_by} has settled that report already.")
        outcome = Settlement.ACTED if intent.acted else Settlement.DISMISSED
        return SettleAct(report=intent.report, outcome=outcome, reason=clean_reason(intent.reason))
