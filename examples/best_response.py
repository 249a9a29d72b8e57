"""What lying would earn one trader: liquidity cures shading, and some mechanisms need no cure.

    python -m examples.best_response              about two minutes
    python -m examples.best_response --books 4000

First table: n truthful traders a side at one price in the middle of the valid interval, a buyer
whose value is 0.80 EUR/kWh; the constant shading that earns it most.  Second table: the same buyer
with drawn values among eight a side, under every mechanism.  Both are in docs/best-response.md.
"""

import argparse
from collections.abc import Sequence

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.metrics import best_shade, regret_of_truth
from decent_gym.replay import order_flow

VALUE = 800_000
"""micro-euro per kWh"""
SIDES = (1, 2, 4, 8, 16)
PUBLISHED = (0.267, 0.159, 0.084, 0.038, 0.023)
BEST_OF_MANY = 10
"""The second table tries a hundred limits a book, so it takes a tenth of the books."""


def liquidity(books: int, seed: int) -> None:
    """Print the best constant shading by number of traders."""
    print("| n a side | shading, EUR/kWh | known | gains, EUR a book |\n|---:|---:|---:|---:|")
    for n, known in zip(SIDES, PUBLISHED, strict=True):
        flow = order_flow("uniform", books=books, buyers=n, sellers=n, seed=seed, fixed={n: VALUE})
        shade, gain = best_shade(flow, Rules(utility=None), "buyer_1")
        print(f"| {n} | {VALUE * shade / 1e9:.3f} | {known} | {gain:.5f} |")


def mechanisms(books: int, seed: int) -> None:
    """Print what the best responses to eight a side earn, by mechanism."""
    flow = order_flow("uniform", books=books, seed=seed)
    print(
        "| mechanism | truth earns | best answer to each book | regret (95 %) | a lie gains in "
        "| best shading | gains |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for name in MECHANISMS:
        found = regret_of_truth(flow, Rules(name, utility=None), "buyer_1")
        low, high = found.interval or (0.0, 0.0)
        print(
            f"| `{name}` | {found.profit_of_truth:.4f} | {found.profit_of_best_response:.4f} "
            f"| {found.regret:.4f} ({low:.4f} to {high:.4f}) | {100 * found.lying_gains:.0f} % "
            f"| {found.shade / 10:.1f} % | {found.regret_of_shade:.4f} |"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--books", type=int, default=50_000, help="of the first table")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    liquidity(args.books, args.seed)
    print()
    mechanisms(max(1, args.books // BEST_OF_MANY), args.seed)


if __name__ == "__main__":
    main()
