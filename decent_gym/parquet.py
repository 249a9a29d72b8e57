"""Opening Parquet files that may be anybody's; shared by all that read or write them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import DataError, DecentGymError, MissingExtraError

MOST_GROUPS: Final = 2**17
"""Groups of rows, columns and the like: what a footer may list of anything."""


def need_pyarrow(purpose: str) -> None:
    """Raise MissingExtraError without pyarrow; `purpose` opens its sentence."""
    try:
        import pyarrow.parquet  # noqa: F401 - only asked for
    except ImportError:
        raise MissingExtraError("pyarrow", "data", purpose) from None


def open_parquet(path: Path, longest_text: int) -> Any:
    """A ``pyarrow.parquet.ParquetFile`` that verifies page checksums and bounds its footer.

    Parameters
    ----------
    path : Path
    longest_text : int
        Bytes of the longest text in the footer.
    """
    import pyarrow.parquet as pq

    return pq.ParquetFile(
        path,
        page_checksum_verification=True,
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=longest_text,
        thrift_container_size_limit=MOST_GROUPS,
    )


@contextmanager
def blamed(path: str | Path, part: str, fault: type[DecentGymError] = DataError) -> Iterator[None]:
    """Whatever a file can make pyarrow raise, as a `fault` that names the file and `part` of it."""
    import pyarrow as pa

    try:
        yield
    except DataError as error:
        raise fault(f"{path}: {error}") from None
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is no UTF-8
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise fault(
            f"{path}: {part} cannot be read, it is damaged or no Parquet file: {reason}"
        ) from None


def check_schema(found: Any, expected: Any) -> None:
    """Refuse a file whose columns are not `expected`, before a row is read; pyarrow schemas.

    Raises
    ------
    DataError
        Naming the first column that differs.
    """
    for at in range(max(len(expected), len(found))):
        mine, theirs = (_shown(schema, at) for schema in (expected, found))
        if mine != theirs:
            raise DataError(f"column {at} must be {mine}, got {theirs}")


def _shown(schema: Any, at: int) -> str:
    if at >= len(schema):
        return "nothing"
    field = schema.field(at)
    return (
        f"{field.name!r:.80} of type {field.type!s:.80}{'' if field.nullable else ' without nulls'}"
    )
