"""Figures without pyplot: no global state, no window, the same pixels every time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from decent_gym.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design": told apart with every kind of colour blindness.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
YELLOW: Final = "#F0E442"
INK: Final = "#222222"
GREY: Final = "#777777"
PALE: Final = "#DDDDDD"

DPI: Final = 100


def new_figure(purpose: str, width: float, height: float) -> "Figure":
    """An empty white figure of so many inches with an Agg canvas.

    Raises
    ------
    MissingExtraError
        Without matplotlib, saying that `purpose` needs it.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", purpose) from None
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", edgecolor="white")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: "Axes", size: float = 8) -> None:
    """One look for all axes, whatever style the user has set for other figures."""
    axes.set_facecolor("white")
    axes.tick_params(labelsize=size, colors=INK, length=3, width=0.8)
    axes.grid(True, color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(GREY)


def legend(owner: Any, handles: Sequence[Any], **where: Any) -> None:
    """A frameless legend of figure or axes."""
    owner.legend(handles=list(handles), frameon=False, labelcolor=INK, **where)
