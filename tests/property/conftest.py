"""How many examples generated inputs get: few by default, many at night (`HYPOTHESIS_PROFILE=nightly`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Each example talks to two servers, so time says nothing about the test, and the first one starts them.
_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile("few", max_examples=60, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("nightly", max_examples=2000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "few"))
