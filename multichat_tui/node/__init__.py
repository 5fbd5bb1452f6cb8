"""Joins the rooms: `api` is the node's face, `engine` its pure step, `service` the shell with thread, clock and links."""
