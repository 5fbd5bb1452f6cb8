"""Tells when what one waits for has come about, or what one would not expect: a channel that was being joined, a removal, a
pairing."""

from multichat_tui.model.comparing import ComparisonId
from multichat_tui.model.ids import ChannelId, UserId
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.api.comparison_words import whom
from multichat_tui.ui.actions import hint
from multichat_tui.ui.cells import one_line
from multichat_tui.ui.desk import Desk, shown_name, standing


class Arrivals:
    """Compares the desk with what it was at the last look. What is there at the first look is no news."""

    def __init__(self) -> None:
        self._joining: set[ChannelId] = set()
        self._joined: set[ChannelId] = set()
        self._removed: set[ChannelId] = set()
        self._contacts: set[UserId] | None = None
        self._asked: set[ComparisonId] = set()

    def look(self, desk: Desk) -> tuple[str, bool] | None:
        """The news, and whether they are bad; None: there are none."""
        told: tuple[str, bool] | None = None
        joining = {row.id for row in desk.channels.values() if row.membership is Membership.JOINING}
        for channel in self._joining - joining:
            row = desk.channels.get(channel)
            if row is not None and row.membership is Membership.JOINED:
                told = f"You are in {one_line(shown_name(row))} now.", False
            elif row is not None and row.membership is Membership.REFUSED:
                told = f"Joining {one_line(shown_name(row))} failed: {one_line(standing(row))}", True
        self._joining = joining
        joined = {row.id for row in desk.channels.values() if row.membership is Membership.JOINED}
        removed = {row.id for row in desk.channels.values() if row.membership is Membership.REMOVED}
        for channel in removed & self._joined:
            told = f"You were removed from {one_line(shown_name(desk.channels[channel]))}.", True
        for channel in joined & self._removed:
            told = f"You are in {one_line(shown_name(desk.channels[channel]))} again.", False
        self._joined, self._removed = joined, removed
        contacts = {row.user for row in desk.contacts.values() if not row.pending}
        if self._contacts is not None:
            for user in contacts - self._contacts:
                told = (
                    f"{one_line(desk.contacts[user].name)} is your contact now. /verify compares words, to be sure who it is.",
                    False,
                )
        self._contacts = contacts if desk.contacts_read else None
        comparisons = () if desk.status is None else desk.status.comparisons
        for comparison in comparisons:
            if comparison.id not in self._asked and not comparison.begun_here and not comparison.state.over:
                told = f"{whom(comparison)} wants to compare words with you: {hint('trust')} shows them.", False
        self._asked = {comparison.id for comparison in comparisons}
        return told
