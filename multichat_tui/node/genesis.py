"""A new identity in an empty profile: the name that the composition root uses."""

from multichat_tui.node.identity import complete_identity, create_identity, needs_account

__all__ = ["complete_identity", "create_identity", "needs_account"]
