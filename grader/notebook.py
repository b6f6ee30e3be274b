"""`check` in a learner's notebook: the exercise's checks, run on what the notebook defines, and shown as a panel."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader import curriculum, taught
from grader.bench import Bench, with_checks
from grader.checks import constants
from grader.marking import Marks, mark, marks_handed_out, marks_of
from grader.pages.panel import Advice, panel_html, panel_text
from grader.problems import Problem
from grader.progress import ENOUGH, progress_file, record_check, record_hints
from grader.results import ExerciseResult
from grader.submission import LocalLine, Session


class Score(float):
    """The points that an exercise earned, a number for nbgrader, which a notebook shows as the panel."""

    def __new__(cls, result: ExerciseResult, advice: Advice) -> "Score":
        score = super().__new__(cls, result.earned)
        score.result, score.advice = result, advice
        return score

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # nbgrader reads the plain text as the score; people get the panel
        return {"text/html": panel_html(self.result, self.advice), "text/plain": repr(float(self))}

def checker(slug: str) -> Callable[[str], float]:
    """The function `check` for the notebook of the lesson `slug`."""
    failing: set[str] = set()
    with suppress(Problem):  # which the first check tells
        taught.allow(constants(_visible_checks(slug))["ABOUT"]["taught"])

    def check(exercise: str, hints: int = 0) -> float:
        """Checks an exercise of this notebook, shows what holds and what does not, and gives the points.

        `hints`: how many hints to print in a terminal; a notebook's panel opens them one by one.
        """
        try:
            result, advice = _checked(slug, exercise, _namespace(), failing)
        except Problem as problem:
            print(problem, file=sys.stderr)
            return 0.0
        (failing.discard if result.full else failing.add)(exercise)
        with suppress(Problem):  # a folder that cannot be written to is no reason not to check
            attempts = _remember(slug, result, min(hints, len(advice.hints)))
            if attempts >= ENOUGH and not result.full:
                advice = replace(advice, solution=_solution(slug, exercise))
        if not _shows_html():
            print(panel_text(result, advice, hints))
        return Score(result, advice)

    return check

def _checked(slug: str, exercise: str, namespace: dict[str, Any], failing: set[str]) -> tuple[ExerciseResult, Advice]:
    marks = _marks(slug)
    if exercise not in marks.uses:
        raise Problem(f"There is no exercise {exercise!r} in this lesson; there are: {', '.join(marks.uses)}.")
    found: list[ExerciseResult] = []

    def body(bench: Bench) -> None:
        found.append(mark(bench, marks, exercise, Session(LocalLine(namespace)), failing))

    with_checks([marks.checks], body)
    said, names = constants(marks.checks), list(marks.uses)
    following = dict(zip(names, names[1:])).get(exercise, "")
    hints, after = (said.get(name, {}).get(exercise) for name in ("HINTS", "AFTER"))
    return found[0], Advice(tuple(hints or ()), after or "", following)

def _solution(slug: str, exercise: str) -> str:
    """The author's answer, where the solutions are at hand."""
    try:
        [lesson] = curriculum.lessons(curriculum.root(), [slug])
    except Problem:
        return ""
    return lesson.exercise(exercise).solved()

def _remember(slug: str, result: ExerciseResult, hints: int) -> int:
    """Notes down in the learner's own file what was found, and how many hints were told; gives how many attempts have
    failed."""
    try:
        path = progress_file(curriculum.root())
    except Problem:
        path = progress_file(_visible_checks(slug).parents[1])
    known = record_check(path, slug, result)
    if hints:
        record_hints(path, slug, result.exercise, hints)
    return known.attempts

def _marks(slug: str) -> Marks:
    """What there is to check with: the solutions if they are at hand, else the checks beside the notebook."""
    try:
        return marks_of(curriculum.lessons(curriculum.root(), [slug])[0])
    except Problem:
        return marks_handed_out(_visible_checks(slug))

def _visible_checks(slug: str) -> Path:
    checks = next((f for f in (Path("checks") / f"{slug}.py", *Path().glob(f"*/checks/{slug}.py")) if f.is_file()), None)
    if checks is None:
        raise Problem(f"The folder `checks` with {slug}.py is not beside this notebook: "
                      "open the notebook in the folder that you were given.")
    return checks

def _namespace() -> dict[str, Any]:
    """What the notebook (or the script) that calls `check` defines."""
    try:
        from IPython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    return shell.user_ns if shell else sys.modules["__main__"].__dict__

def _shows_html() -> bool:
    """Whether what runs this is a notebook, and not a terminal."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and shell.has_trait("kernel")
