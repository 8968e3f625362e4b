"""What every test shares: how long hypothesis may look, and nothing that would hide what a test sets up."""

import os

from hypothesis import HealthCheck, settings

# No deadline: a loaded machine is not a bug. A failing example is printed so that it can be pasted into a test.
settings.register_profile("quick", deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", parent=settings.get_profile("quick"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
