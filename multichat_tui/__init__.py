"""Multichat: a terminal chat client on a peer-to-peer network without any server."""

__version__ = "0.1.0"
