"""Settings of the property tests: no time limit per example, because a busy machine is not a wrong rule."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, print_blob=True)
settings.load_profile("unit")
