"""What a learner reads in a terminal: the panel of a lesson, hints one at a time, progress, and what to do next.

Plain text that is only ever added to, 80 columns wide: a screen reader reads it as it comes, and no colour is needed.
"""

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import indent, wrap

from grader.pages.panel import WIDTH, Advice, panel_text
from grader.pages.words import plain, score, unwritten
from grader.progress import ENOUGH, record_hints
from grader.results import ExerciseResult, Problem, Result
from grader.workspace import Opened, upcoming

BAR = 20  # columns


def exercise_text(lesson: Opened, result: ExerciseResult, how: str) -> str:
    """The panel of one exercise, and `how` to get a hint."""
    following = dict(zip(lesson.exercises, lesson.exercises[1:])).get(result.exercise, "")
    text = panel_text(result, Advice(after=lesson.after.get(result.exercise, ""), following=following))
    hints, seen = lesson.hints.get(result.exercise, []), lesson.progress()[result.exercise].hints
    if result.full or len(hints) <= seen:
        return text
    left = len(hints) - seen
    return f"{text}\n\n  {left} {'hint' if left == 1 else 'hints'} left: {how}."


def briefly(result: ExerciseResult) -> ExerciseResult:
    """`result` with what happened in the first check that does not hold, and of the others only that they do not."""
    if unwritten(result):
        return result
    failing = [check.name for check in result.checks if not check.holds]
    checks = [replace(check, problem=Problem("")) if check.name in failing[1:] else check for check in result.checks]
    return replace(result, checks=tuple(checks))


def lesson_text(lesson: Opened, result: Result, how: str) -> str:
    """Each exercise of a lesson in a line, and the panel of the first one that does not hold."""
    lines = [f"{lesson.slug} · {score(result.earned, result.points)} · {lesson.title}", ""]
    for each in result.exercises:
        lines.append(f"  {_state(each)}{each.exercise} · {score(each.earned, each.points)}")
    failing = next((each for each in result.exercises if not each.full), None)
    return "\n".join([*lines, "", exercise_text(lesson, briefly(failing), how)] if failing else lines)


def hint_text(lesson: Opened, exercise: str) -> tuple[str, int]:
    """The next hint, and its number; after the last one, and enough attempts, the solution."""
    hints, progress = lesson.hints.get(exercise, []), lesson.progress()[exercise]
    number = progress.hints + 1
    if number <= len(hints):
        return f"{exercise} · hint {number} of {len(hints)}\n{_wrapped(hints[number - 1])}", number
    gone = f"You have seen all hints for `{exercise}`." if hints else f"There are no hints for `{exercise}`."
    if progress.attempts < ENOUGH and not progress.solved:
        made = f"{progress.attempts} {'attempt' if progress.attempts == 1 else 'attempts'}"
        said = f"{gone} After {ENOUGH} attempts that were checked the solution is shown here; you have made {made}."
        return _wrapped(said, ""), len(hints)
    solved = lesson.solutions()
    if solved is None:
        return _wrapped(f"{gone} The solution is not in this folder: ask whoever handed the lesson out.", ""), len(hints)
    solution = solved.exercise(exercise).solved()
    about = lesson.after.get(exercise) or _first_sentence(solution)
    return f"{gone} One right answer of several:\n\n{indent(solution, '    ')}\n\n{_wrapped(about)}", len(hints)


def tell_hint(lesson: Opened, exercise: str) -> Iterator[str]:
    """The next hint, noted down after it was told.

    Raises:
        Problem: it cannot be noted down, so that the same hint comes again.
    """
    text, number = hint_text(lesson, exercise)
    yield text
    record_hints(lesson.progress_file, lesson.slug, exercise, number)


def progress_text(lessons: Sequence[Opened]) -> str:
    """How far the learner is: for each module its lessons, each with a bar, and the same in words."""
    lines: list[str] = []
    width = max(len(lesson.slug) for lesson in lessons)
    for number, lesson in enumerate(lessons):
        if number == 0 or lesson.module != lessons[number - 1].module:
            inside = [each for each in lessons if each.module == lesson.module]
            done = sum(_done(each) == len(each.exercises) for each in inside)
            lines += ["", f"{lesson.module} · {done} of {len(inside)} {'lesson' if len(inside) == 1 else 'lessons'} done"]
        done, count = _done(lesson), len(lesson.exercises)
        bar = ("#" * (BAR * done // max(count, 1))).ljust(BAR, ".")
        state = "done" if done == count else f"about {minutes_left(lesson)} minutes left"
        lines.append(f"  {lesson.slug:<{width}}  [{bar}]  {done} of {count} {'exercise' if count == 1 else 'exercises'} · {state}")
    return "\n".join(lines[1:])


def next_text(lessons: Sequence[Opened]) -> str:
    """What to do next, where, and how long it takes."""
    going_on = next(upcoming(lessons), None)
    if going_on is None:
        return "Every exercise of every lesson holds. Well done!"
    lesson, exercise = going_on
    number = lesson.exercises.index(exercise) + 1
    text = (f"Next: `{exercise}`, exercise {number} of {len(lesson.exercises)} in {lesson.slug} ({lesson.title}). "
            f"About {minutes_left(lesson)} minutes to the end of the lesson.")
    return f"{_wrapped(text, '')}\nOpen {shown(lesson.notebook)}"


def minutes_left(lesson: Opened) -> int:
    """Minutes of work left in a lesson, in fives."""
    left = lesson.minutes * (len(lesson.exercises) - _done(lesson)) / max(len(lesson.exercises), 1)
    return max(5, 5 * round(left / 5)) if left else 0


def shown(path: Path) -> str:
    """`path` as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _state(result: ExerciseResult) -> str:
    if result.full:
        return "✓ holds            "
    return "· not written yet  " if unwritten(result) and not result.trouble else "✗ does not hold    "


def _done(lesson: Opened) -> int:
    return sum(progress.solved for progress in lesson.progress().values())


def _first_sentence(source: str) -> str:
    """What the docstring of an answer says first."""
    defined = [node for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    text = next(filter(None, map(ast.get_docstring, defined)), "what its checks say.")
    return " ".join(text.split("\n\n")[0].split())


def _wrapped(text: str, before: str = "  ") -> str:
    return "\n".join(before + line for part in plain(text).splitlines() for line in wrap(part, WIDTH - len(before)) or [""])
