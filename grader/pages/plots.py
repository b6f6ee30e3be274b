"""Plots as SVG for a page: drawn the same every time, in the page's own text colour and font."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grader.pages.words import plain

COLOUR = "#4a7fc1"  # readable on white and on black
GREY = "#8a8f98"
LONGEST_NAME = 32  # characters beside a bar
LINE = 0.27  # inches for a bar

SETTINGS = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and printed sharply
    "text.parse_math": False,  # a name may contain a dollar sign
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def distribution(title: str, shares: Sequence[float]) -> Markup:
    """How many of `shares` (0 to 1) fall into each tenth; the last one includes 1."""
    counts = [0] * 10
    for share in shares:
        counts[min(int(share * 10 + 1e-9), 9)] += 1
    figure, axes = _blank(2.85, 1.5)
    bars = axes.bar([5 + 10 * i for i in range(10)], counts, width=9, color=COLOUR)
    axes.bar_label(bars, [str(count or "") for count in counts], padding=2)
    axes.set(xlim=(0, 100), ylim=(0, 1.2 * max(*counts, 1)), xticks=[0, 50, 100], yticks=[])
    axes.set_xticklabels(["0 %", "50 %", "100 %"])
    return _svg(figure, title)


def pass_rates(title: str, rates: Mapping[str, tuple[int, int]]) -> Markup:
    """A bar for each name: how many of how many."""
    figure, axes = _blank(8.4, 0.1 + LINE * len(rates))
    figure.set_layout_engine("none")
    axes.set_position((0.3, 0, 0.7, 1))  # the same for all lessons, so that their bars can be compared
    shares = [passed / total if total else 0 for passed, total in rates.values()]
    rows = range(len(rates))
    axes.barh(rows, [1] * len(rates), height=0.62, color=GREY, alpha=0.18)
    axes.barh(rows, shares, height=0.62, color=COLOUR)
    for row, share, (passed, total) in zip(rows, shares, rates.values()):
        axes.text(1.02, row, f"{100 * share:.0f} % · {passed} of {total}", va="center")
    axes.set(xlim=(0, 1.3), ylim=(len(rates) - 0.5, -0.5), xticks=[])
    axes.set_yticks(rows, [plain(name, LONGEST_NAME) for name in rates])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
    return _svg(figure, title)


def _blank(width: float, height: float) -> tuple[Figure, Axes]:
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
        axes = figure.add_subplot(facecolor="none")
    return figure, axes


def _svg(figure: Figure, title: str) -> Markup:
    """The figure as an element of a page, with `title` as its accessible name."""
    file = io.StringIO()
    about = {"Title": title, "Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure.savefig(file, format="svg", metadata=about)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace("<svg", '<svg role="img"', 1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # Groups are numbered from one in every figure, but an id must be unique in the page.
    return Markup(re.sub(r'<g id="[^"]*">', "<g>", svg))
