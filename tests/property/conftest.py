"""How examples are drawn: no deadline (tests never time), failures print what replays them, nothing is written to the tree."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "multichat", deadline=None, max_examples=150, print_blob=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("multichat")
