"""Episodes as the columns of a table, one row per step, and back.

============================  =============  =====================================================
column                        type           row of step t
============================  =============  =====================================================
``episode``                   int32          number of the episode in the file
``seed``, ``start``           int64, int32   ``reset(seed=..., options={"start": ...})``
``step``                      int32          t = 0 ... T
``obs_<field>``               float32        what was seen before round t
``action_<lever>``            float32        what was done then
``reward``, ``term_<name>``   float64        EUR, what it brought
``truncated``                 bool           whether the episode ended with it
============================  =============  =====================================================

The row of step T closes the episode: it holds the last observation, and null where nothing was
done.  So the next observation always stands in the next row.  Entries are columns and not lists,
because people can then name them in a query, and because columns of fixed width cannot grow beyond
the number of their rows, whatever a file claims.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError
from decent_gym.offline.episode import Array, Episode, fault_of
from decent_gym.offline.origin import Origin


def schema_of(origin: Origin) -> Any:
    """The pyarrow schema of an origin's table; actions, rewards and terms may be null."""
    import pyarrow as pa

    seen = [pa.field(f"obs_{name}", pa.float32(), nullable=False) for name in origin.observations]
    done = [pa.field(f"action_{name}", pa.float32()) for name in origin.actions]
    terms = [pa.field(f"term_{name}", pa.float64()) for name in origin.terms]
    place = [
        pa.field("episode", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("step", pa.int32(), nullable=False),
    ]
    results = [pa.field("reward", pa.float64()), pa.field("truncated", pa.bool_())]
    return pa.schema([*place, *seen, *done, *results, *terms])


def batch_of(episodes: Sequence[Episode], first: int, schema: Any) -> Any:
    """A record batch of episodes, the first of which has the number `first`."""
    import pyarrow as pa

    n, length = len(episodes), len(episodes[0].observations)
    steps = np.tile(np.arange(length, dtype=np.int32), n)
    is_last = steps == length - 1
    place = [
        np.repeat(np.arange(first, first + n, dtype=np.int32), length),
        np.repeat(np.array([episode.seed for episode in episodes], np.int64), length),
        np.repeat(np.array([episode.start for episode in episodes], np.int32), length),
        steps,
    ]
    seen = np.concatenate([episode.observations for episode in episodes])
    columns: list[tuple[Array, Array | None]] = [(values, None) for values in (*place, *seen.T)]
    done = _closed([episode.actions for episode in episodes])
    columns += [(values, is_last) for values in done.T]
    columns.append((_closed([episode.rewards[:, None] for episode in episodes])[:, 0], is_last))
    columns.append((steps == length - 2, is_last))
    columns += [(values, is_last) for values in _closed([e.terms for e in episodes]).T]
    arrays = [
        pa.array(np.ascontiguousarray(values), mask=mask, type=field.type)
        for (values, mask), field in zip(columns, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _closed(parts: Sequence[Array]) -> Array:
    """Steps of episodes one after the other, a row of zeros behind each."""
    return np.concatenate([np.pad(part, ((0, 1), (0, 0))) for part in parts])


def episodes_of(table: Any, first: int, first_row: int, origin: Origin) -> list[Episode]:
    """The episodes of a table, which begins with episode `first` in row `first_row`, both from 0.

    Raises
    ------
    DataError
        Naming the column and the row.
    """
    length = origin.rounds + 1
    n, rest = divmod(table.num_rows, length)
    if rest or not n:
        raise DataError(
            f"rows from {first_row}: {table.num_rows} of them are no whole episodes of {length}"
        )
    columns = {name: _values(table, name, length, first_row) for name in table.column_names}
    steps = np.arange(length)
    _expect("step", columns["step"] == steps, first_row, f"0 to {length - 1} in every episode")
    numbers = np.arange(first, first + n)[:, None]
    _expect("episode", columns["episode"] == numbers, first_row, "the episodes' numbers, in order")
    for name in ("seed", "start"):
        values = columns[name]
        _expect(name, values == values[:, :1], first_row, "the same in all rows of an episode")
    is_end = columns["truncated"] == (steps == length - 2)
    _expect("truncated", is_end, first_row, "true at the last step and nowhere else")

    seen = _stacked(columns, "obs_", origin.observations)
    done = _stacked(columns, "action_", origin.actions)[:, :-1]
    terms = _stacked(columns, "term_", origin.terms)[:, :-1]
    episodes = []
    for i in range(n):
        episode = Episode(
            seed=int(columns["seed"][i, 0]),
            start=int(columns["start"][i, 0]),
            observations=seen[i],
            actions=done[i],
            rewards=columns["reward"][i, :-1],
            terms=terms[i],
        )
        fault = fault_of(episode, origin)
        if fault is not None:
            row = first_row + i * length + (fault.step or 0)
            raise DataError(f"column {fault.entry}, row {row}: {fault.what}")
        episodes.append(episode)
    return episodes


def _values(table: Any, name: str, length: int, first_row: int) -> Array:
    """A column as (n, length); null exactly in the closing rows, where it may be null at all."""
    column = table.column(name)
    may_be_null = table.schema.field(name).nullable
    is_null = column.is_null().to_numpy().reshape(-1, length)
    expected = np.zeros(length, np.bool_)
    expected[-1] = may_be_null
    wanted = "null in the row that closes an episode, and only there"
    _expect(name, is_null == expected, first_row, wanted if may_be_null else "never null")
    if may_be_null:
        column = column.fill_null(False if name == "truncated" else 0.0)
    return np.asarray(column.to_numpy(zero_copy_only=False)).reshape(-1, length)


def _stacked(columns: dict[str, Array], prefix: str, names: Sequence[str]) -> Array:
    """(n, length, len(names))."""
    return np.stack([columns[prefix + name] for name in names], axis=-1)


def _expect(column: str, is_right: npt.NDArray[np.bool_], first_row: int, wanted: str) -> None:
    if not is_right.all():
        row = first_row + int(is_right.reshape(-1).argmin())
        raise DataError(f"column {column}, row {row}: must be {wanted}")
