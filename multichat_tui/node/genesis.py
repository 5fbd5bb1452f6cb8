"""A new identity in an empty profile: the name that the composition root uses."""

from multichat_tui.node.identity import create_identity

__all__ = ["create_identity"]
