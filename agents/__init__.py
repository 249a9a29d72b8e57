"""Policies with ``predict(obs)``; they run from a checkout and use the public API only."""
