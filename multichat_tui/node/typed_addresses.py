"""Addresses as people type them."""

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.invitations import MAX_ADDRESS_CHARACTERS


def typed_address(text: str, most: int = MAX_ADDRESS_CHARACTERS) -> str:
    """HOST:PORT, checked for shape only. `errors.IntentRefused`."""
    host, colon, port = text.strip().rpartition(":")
    good = colon and host and port.isdigit() and 0 < int(port) < 65536 and len(text) <= most
    if not good or any(not "!" <= char <= "~" for char in host):
        raise IntentRefused(Refusal.BAD_LINK, "An address is HOST:PORT.", "For instance 192.0.2.7:4711 or [2001:db8::7]:4711.")
    return f"{host}:{int(port)}"
