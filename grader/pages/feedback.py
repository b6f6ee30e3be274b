"""The page that a student gets back for a submission."""

from collections.abc import Mapping
from dataclasses import replace

from grader.pages.render import render
from grader.pages.words import NOT_WRITTEN
from grader.results import CheckResult, ExerciseResult, Problem, Result


def feedback_page(
    student: str, title: str, result: Result, points_for_written: Mapping[str, tuple[float | None, float]]
) -> str:
    """A self-contained page: the score, and for every exercise what holds, what does not, and on which input.

    A hidden check appears by its sentence only.

    Args:
        student: whose submission it is.
        title: the lesson's title.
        result: what the checks found.
        points_for_written: for each written answer its score, None while it waits for the instructor, and its maximum.
    """
    exercises = [_for_student(exercise) for exercise in result.exercises]
    given = [earned for earned, _ in points_for_written.values() if earned is not None]
    return render(
        "feedback.html.j2",
        student=student,
        title=title,
        result=result,
        exercises=exercises,
        written=points_for_written,
        earned=result.earned + sum(given),
        points=result.points + sum(most for _, most in points_for_written.values()),
        waiting=len(points_for_written) - len(given),
    )


def _for_student(exercise: ExerciseResult) -> ExerciseResult:
    """`exercise` without anything that a hidden check saw."""
    return replace(exercise, checks=tuple(map(_sentence_only, exercise.checks)))


def _sentence_only(check: CheckResult) -> CheckResult:
    if check.hidden and check.problem:
        return replace(check, problem=Problem(NOT_WRITTEN if check.problem.message == NOT_WRITTEN else ""))
    return check
