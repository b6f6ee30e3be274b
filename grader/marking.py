"""From a learner's code to the result of every exercise."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.bench import Bench
from grader.checks import constants
from grader.known import Known, from_data, known_mistakes, likely
from grader.lessons import Lesson
from grader.results import NOT_WRITTEN, ExerciseResult
from grader.submission import Session


@dataclass(frozen=True)
class Marks:
    """What marking needs to know of a lesson: its file of checks, its exercises in order, which of them each one uses,
    and the known mistakes of one."""

    checks: Path
    uses: Mapping[str, set[str]]
    known: Callable[[Bench, str], list[Known]]


def marks_of(lesson: Lesson) -> Marks:
    """Everything the solutions know. What it has found out about mistakes it goes on knowing."""
    found: dict[str, list[Known]] = {}

    def known(bench: Bench, exercise: str) -> list[Known]:
        if exercise not in found:
            found[exercise] = known_mistakes(bench, lesson, exercise)
        return found[exercise]

    return Marks(lesson.folder / "checks.py", lesson.uses, known)


def marks_handed_out(checks: Path) -> Marks:
    """What can be checked without the solutions: the visible checks, and the mistakes that were handed out with them."""
    path = checks.with_suffix(".mistakes.json")
    mistakes = json.loads(path.read_text()) if path.is_file() else {}

    def known(bench: Bench, exercise: str) -> list[Known]:
        return from_data(mistakes.get(exercise, []))

    uses = {name: set(used) for name, used in constants(checks)["ABOUT"]["uses"].items()}
    return Marks(checks, uses, known)


def mark(bench: Bench, marks: Marks, exercise: str, session: Session, failing: set[str] = frozenset(),
         trouble: str = "", seed: int = 0) -> ExerciseResult:
    """Runs the checks of `exercise`. `failing`: the exercises before it that do not hold; `trouble`: what its cell
    raised."""
    results, notes = bench.run(marks.checks, exercise, session, seed)
    unmet = tuple(sorted(marks.uses[exercise] & failing))
    unwritten = any(r.problem and r.problem.message == NOT_WRITTEN for r in results)
    found = None
    if not all(r.holds for r in results) and not unwritten and not trouble:
        found = likely(marks.known(bench, exercise), results, notes)
    return ExerciseResult(exercise, tuple(results), found.name if found else "", found.hint if found else "", unmet, trouble)
