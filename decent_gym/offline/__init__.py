"""Recorded experience: whole episodes to Parquet or Minari, and back (extra ``data``).

Everything that has episodes is an :class:`EpisodeSource`: :func:`collect` runs a policy,
:func:`read_parquet` and :func:`read_minari` read what was written.  Whatever takes one, takes any.
"""

from decent_gym.offline.collecting import Policy, collect
from decent_gym.offline.episode import Episode, EpisodeSource, content_digest
from decent_gym.offline.minari_reader import read_minari
from decent_gym.offline.minari_writer import write_minari
from decent_gym.offline.origin import Origin
from decent_gym.offline.parquet_reader import read_parquet
from decent_gym.offline.parquet_writer import write_parquet

__all__ = [
    "Episode",
    "EpisodeSource",
    "Origin",
    "Policy",
    "collect",
    "content_digest",
    "read_minari",
    "read_parquet",
    "write_minari",
    "write_parquet",
]
