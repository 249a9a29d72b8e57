"""Settings that hold for every test."""

from hypothesis import settings

# The first call of a kernel compiles it, which no deadline per example can allow for.
settings.register_profile("decent_gym", deadline=None)
settings.load_profile("decent_gym")
