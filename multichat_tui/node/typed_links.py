"""Invitation links as people type or paste them."""

from multichat_tui.model.codec import Rejected
from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.invitations import Invitation, InvitationKind, parse_link


def read_link(text: str, kind: InvitationKind) -> Invitation:
    """The invitation of a typed link, or a refusal in words."""
    invitation = parse_link(text)
    if isinstance(invitation, Rejected):
        raise IntentRefused(Refusal.BAD_LINK, f"This is no usable invitation: {invitation.detail}.", "Copy the whole link again.")
    if invitation.kind is not kind:
        other = "/pair LINK" if invitation.kind is InvitationKind.PAIR else "/join LINK"
        what = "becoming contacts" if invitation.kind is InvitationKind.PAIR else "a channel"
        raise IntentRefused(Refusal.BAD_LINK, f"This link is an invitation to {what}.", f"Use {other}.")
    return invitation
