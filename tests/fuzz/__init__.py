"""Fuzzing by outcomes instead of coverage: `python -m tests.fuzz TARGET [--count N] [--seed S]`."""
