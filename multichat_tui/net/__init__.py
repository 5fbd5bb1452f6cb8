"""Moves frames between devices and understands none of them: discovery on the LAN, TCP links, and a simulated network."""
