"""Measurements beside a floor: the least that a Python program can do for the same job, measured in the same run.

`python -m benchmarks` prints the table; docs/performance.md tells how to read it. Nothing here is imported by the package, and no
test times anything.
"""
