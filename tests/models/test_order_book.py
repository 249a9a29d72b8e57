"""Books as tables, and the shapes that others rely on."""

import numpy as np

from decent_gym.models import COMMODITIES, ORDER_FIELDS, Commodity, Offer, OrderBook, Side
from decent_gym.units import ENERGY_CAP


def filled(rng: np.random.Generator) -> OrderBook:
    book = OrderBook.empty(3, 4)
    for column in book.columns():
        column[:] = rng.integers(-9, 99, column.shape)
    book.count[:] = rng.integers(0, 5, book.count.shape)
    return book


def test_columns_are_in_the_order_of_records():
    book = OrderBook.empty(2, 5)
    assert book.capacity == 5
    assert all(
        column is getattr(book, name)
        for name, column in zip(ORDER_FIELDS, book.columns(), strict=True)
    )
    assert {column.shape for column in book.columns()} == {(2, COMMODITIES, 5)}
    assert {str(column.dtype) for column in (*book.columns(), book.count)} == {"int64"}


def test_a_table_is_a_copy_of_the_taken_slots():
    book = filled(np.random.default_rng(3))
    for w in range(3):
        for c in Commodity:
            n = book.count[w, c]
            table = book.table(w, c)
            assert table.shape == (n, len(ORDER_FIELDS))
            for name, column in zip(ORDER_FIELDS, table.T, strict=True):
                assert column.tolist() == getattr(book, name)[w, c, :n].tolist()
            before = [column.copy() for column in book.columns()]
            table[:] = 0
            assert all((a == b).all() for a, b in zip(before, book.columns(), strict=True))


def test_a_grown_book_reads_the_same():
    book = filled(np.random.default_rng(4))
    bigger = book.grown(9)
    assert bigger.capacity == 9 and bigger.count.tolist() == book.count.tolist()
    for w in range(3):
        for c in Commodity:
            assert bigger.table(w, c).tobytes() == book.table(w, c).tobytes()
    bigger.count[:] = 0
    assert book.count.any()


def test_an_offer_has_few_words():
    offer = Offer("a", Side.SELL, Commodity.HEAT, 5, 7)
    assert (offer.start, offer.valid_until, offer.id) == (None, None, None)
    assert (offer.device, offer.max_per_round) == (-1, ENERGY_CAP)
    assert hash(offer) == hash(Offer("a", Side.SELL, Commodity.HEAT, 5, 7))
