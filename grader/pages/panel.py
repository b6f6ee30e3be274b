"""What `check("softmax")` shows in a notebook, and the same for a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from grader.pages.render import render
from grader.pages.words import build_first, map_words, next_words, plain, praise, score, unwritten
from grader.results import CheckResult, ExerciseResult, Problem

WIDTH = 80  # columns


@dataclass(frozen=True)
class Advice:
    """What an author has to say beside the result. `hints`: from the faintest. `after`: told when everything holds.
    `following`: the lesson's next exercise. `solution`: the author's answer, once it may be seen."""

    hints: tuple[str, ...] = ()
    after: str = ""
    following: str = ""
    solution: str = ""


def panel_html(result: ExerciseResult, advice: Advice = Advice()) -> str:
    """The panel as a fragment of HTML that fits into any notebook, light or dark, and needs no script. Each hint opens
    inside the one before it, and the solution inside the last."""
    return render("panel.html.j2", result=result, advice=advice)


def panel_text(result: ExerciseResult, advice: Advice = Advice(), shown: int = 0) -> str:
    """The panel as plain text, 80 columns wide. Of the hints, the first `shown` are told; one more is the solution."""
    return "\n".join(_lines(result, advice, shown))


def _lines(result: ExerciseResult, advice: Advice, shown: int) -> Iterator[str]:
    points, hints = score(result.earned, result.points), advice.hints
    if result.full:
        yield from _block(f"{result.exercise} · {points} · {praise(result)}")
        for text in filter(None, (advice.after, next_words(advice.following))):
            yield from _block(text, "  ")
        return
    if unwritten(result) and not result.trouble:
        yield from _block(f"{result.exercise} · {points} · not written yet")
    else:
        yield from _block(f"{result.exercise} · {points}")
        if result.unmet:
            yield from ("", *_block(build_first(result.unmet), "  "))
        if result.trouble:
            yield from ("", "  Its cell did not run through:", *_block(result.trouble, "    "))
        yield ""
        for check in result.checks:
            yield from _check(check)
    if result.hint:
        yield from ("", *_block(f"This looks like: {result.mistake}", "  "), *_block(result.hint, "    "))
    for number, hint in enumerate(hints[:shown], 1):
        yield from ("", f"  Hint {number} of {len(hints)}", *_block(hint, "    "))
    if len(hints) > shown:
        left = len(hints) - shown
        yield from ("", f'  {left} {"hint" if left == 1 else "hints"} left: check("{result.exercise}", hints={shown + 1}).')
    elif advice.solution and shown == len(hints):
        yield from ("", f'  A solution can be seen: check("{result.exercise}", hints={shown + 1}).')
    elif advice.solution:
        yield from ("", "  A solution", "", *advice.solution.splitlines(), "", *_block(advice.after, "  "))


def _check(check: CheckResult) -> Iterator[str]:
    sign = "✓ holds          " if check.holds else "✗ does not hold  "
    sentence = check.sentence + (" (hidden check)" if check.hidden else "")
    yield from _block(sentence, " " * (2 + len(sign)), first=f"  {sign}")
    if check.problem:
        yield from _problem(check.problem)


def _problem(problem: Problem) -> Iterator[str]:
    yield from _block(problem.message, " " * 6)
    for word in ("call", "expected", "seen", "where"):
        if value := getattr(problem, word):
            yield from _block(value, " " * 18, first=f"        {word:<10}")
    if problem.differences:
        rows = problem.differences.splitlines()
        yield from _block(map_words(rows), " " * 8)
        yield from (" " * 18 + row for row in rows)


def _block(text: str, indent: str = "", first: str | None = None) -> Iterator[str]:
    """`text` wrapped, each line behind `indent` and the first one behind `first`."""
    before = indent if first is None else first
    for line in plain(text).splitlines():
        for piece in wrap(line, WIDTH - len(indent), replace_whitespace=False) or [""]:
            yield before + piece
            before = indent
