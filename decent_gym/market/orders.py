"""A batch of orders on their way into the books."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from decent_gym.errors import InputError
from decent_gym.models import COMMODITIES, NO_DEVICE, WISH_FIELDS, no_wishes
from decent_gym.units import IntArray

SUBMITTED_FIELDS = (
    "id",
    "owner",
    "side",
    "price",
    "energy",
    "start",
    "until",
    "device",
    "cap",
)


@dataclass(frozen=True, slots=True)
class Orders:
    """Arrays of shape (W, C, R), int64; the first ``count[w, c]`` rows of each are meant.

    ``id`` below 0 means none.  ``status`` is filled by the operator: 0 where the
    order entered its book, else a code of :mod:`decent_gym.clearing.order_faults`.  ``wishes`` is
    (3, W, C, R), rows as in ``WISH_FIELDS``, or of length 0: no order says anything of the kind.

    Raises
    ------
    InputError
        An array of another shape or type, which a kernel would read past its end or as floats.
    """

    id: IntArray
    owner: IntArray
    side: IntArray
    price: IntArray
    energy: IntArray
    start: IntArray
    until: IntArray
    device: IntArray
    cap: IntArray
    count: IntArray
    status: IntArray
    wishes: IntArray = field(default_factory=lambda: no_wishes(0, 0, 0))

    def __post_init__(self) -> None:
        shape = np.shape(self.side)
        if len(shape) != 3 or shape[1] != COMMODITIES:
            raise InputError(f"orders: side must have shape (W, {COMMODITIES}, R), got {shape}")
        for name in (*SUBMITTED_FIELDS, "status", "count"):
            array = getattr(self, name)
            wanted = shape[:2] if name == "count" else shape
            if getattr(array, "dtype", None) != np.int64 or array.shape != wanted:
                raise InputError(
                    f"orders: {name} must be int64 of shape {wanted}, got "
                    f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
                )
        wishes, wide = self.wishes, (len(WISH_FIELDS), *shape)
        if getattr(wishes, "dtype", None) != np.int64 or (wishes.shape != wide and wishes.size):
            raise InputError(
                f"orders: wishes must be int64 of shape {wide} or empty, got "
                f"{getattr(wishes, 'dtype', type(wishes).__name__)} of shape {np.shape(wishes)}"
            )

    @classmethod
    def empty(cls, worlds: int, rows: int, wishes: bool = False) -> "Orders":
        """No orders yet, with room for `rows` per world and commodity, and for their wishes."""
        shape = (worlds, COMMODITIES, rows)
        columns = {name: np.zeros(shape, np.int64) for name in SUBMITTED_FIELDS}
        orders = cls(
            **columns,
            count=np.zeros(shape[:2], np.int64),
            status=np.zeros(shape, np.int64),
            wishes=no_wishes(*shape[:2], rows * wishes),
        )
        orders.id[:] = -1
        orders.device[:] = NO_DEVICE
        return orders

    def columns(self) -> tuple[IntArray, ...]:
        """The arrays in the order of ``SUBMITTED_FIELDS``."""
        return _COLUMNS(self)


_COLUMNS: Callable[[Orders], tuple[IntArray, ...]] = attrgetter(*SUBMITTED_FIELDS)
