"""Numbered SQL, NNNN_what.sql: each takes a database from version NNNN - 1 to NNNN. Never changed once released."""
