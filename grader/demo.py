"""A class of 24 made from the lessons' own variants, so that what everybody deserves is known before grading."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.v4 import new_code_cell

from grader.files import write_atomically
from grader.lessons import Lesson
from grader.notebooks import notebook_text, unsolved_notebook
from grader.problems import Problem
from grader.results import Result
from grader.variants import Mistake, Variant

LESSONS = ("attention", "reliability", "chains")  # one of each module
PERFECT = ("ada", "alan")
DIFFERENT = ("barbara", "claude", "donald")
SPECIAL = {"edsger": "untouched", "frances": "crash at the top", "grace": "endless loop",
           "hedy": "invalid JSON", "jean": "cells deleted and doubled"}
MISTAKEN = ("john", "joan", "karen", "katherine", "kristen", "leslie", "linus", "margaret", "niklaus", "radia", "shafi",
            "tim", "tony", "yann")
FULL, LESS, NOTHING = "full", "less", "nothing"


@dataclass(frozen=True)
class Work:
    """What a student hands in for a lesson, and what each exercise of it deserves: full, less (than full) or nothing."""

    student: str
    lesson: str
    story: str
    deserved: dict[str, str]
    text: str = field(repr=False)


def make_class(lessons: list[Lesson]) -> Iterator[Work]:
    """The work of all students for all lessons."""
    for lesson in lessons:
        everything_full = dict.fromkeys(lesson.exercises, FULL)
        for student in PERFECT:
            yield Work(student, lesson.slug, "perfect", everything_full, _text(lesson))
        for student, variants in zip(DIFFERENT, _spread(lesson, lesson.alternatives, len(DIFFERENT))):
            yield Work(student, lesson.slug, "right, but different", everything_full, _text(lesson, variants))
        for student, mistakes in zip(MISTAKEN, _spread(lesson, lesson.mistakes, len(MISTAKEN))):
            story = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
            yield Work(student, lesson.slug, story, _deserved(lesson, mistakes), _text(lesson, mistakes))
        for student, story in SPECIAL.items():
            yield _special(lesson, student, story)


def hand_in(course: Path, work: Work) -> None:
    """Puts a student's work where nbgrader collects it."""
    folder = course / "submitted" / work.student / work.lesson
    notebook = folder / f"{work.lesson}.ipynb"
    if not notebook.is_file() or notebook.read_text() != work.text:
        write_atomically(notebook, work.text)
        write_atomically(folder / "timestamp.txt", "2026-11-20 18:00:00 UTC")


def as_deserved(work: Work, result: Result) -> bool:
    """Whether every exercise of a result got what the work deserves."""

    def holds(exercise) -> bool:
        match work.deserved[exercise.exercise]:
            case "full":
                return exercise.full
            case "less":
                return not exercise.full
        return exercise.earned == 0

    return len(result.exercises) == len(work.deserved) and all(map(holds, result.exercises))


def row(work: Work, result: Result) -> str:
    """A line of the demo's table."""
    counts = [f"{n} {word}" for word in (FULL, LESS, NOTHING) if (n := list(work.deserved.values()).count(word))]
    sign = "✓" if as_deserved(work, result) else "✗ NOT AS DESERVED"
    return (f"{work.student:<10} {work.lesson:<12} {work.story:<26} {result.earned:5.4g} of {result.points:<4.4g} "
            f"{', '.join(counts):<28} {result.seconds:6.2f} {sign}")


HEADING = f"{'student':<10} {'lesson':<12} {'handed in':<26} {'given':>13} {'exercises deserve':<28} {'seconds':>7}"


def _spread(lesson: Lesson, variants: list, students: int) -> list[list]:
    """Shares variants out so that every one is somebody's. Who has the fewest gets the next, if possible without
    having one in that exercise already, and only if the edits fit together."""
    shares: list[list] = [[] for _ in range(students)]
    for variant in variants:
        for share in sorted(shares, key=lambda share: (sum(v.exercise == variant.exercise for v in share), len(share))):
            if _fits(lesson, [*share, variant]):
                share.append(variant)
                break
        else:
            raise Problem(f"{lesson.slug}: {variant.name!r} fits with nobody's other mistakes.")
    for share, again in zip(shares, itertools.cycle(variants)):
        if not share:
            share.append(again)
    return shares


def _fits(lesson: Lesson, variants: list[Variant]) -> bool:
    try:
        lesson.answers(*variants)
    except Problem:
        return False
    return True


def _deserved(lesson: Lesson, mistakes: list[Mistake]) -> dict[str, str]:
    spoiled = {name for m in mistakes for name in (m.exercise, *m.spoils)}
    return {name: LESS if name in spoiled else FULL for name in lesson.exercises}


def _special(lesson: Lesson, student: str, story: str) -> Work:
    notebook = _answered(lesson, [])
    deserved = dict.fromkeys(lesson.exercises, FULL)
    last = lesson.exercises[-1]
    position = {c.metadata.get("nbgrader", {}).get("grade_id"): n for n, c in enumerate(notebook.cells)}
    match story:
        case "untouched":
            notebook, deserved = unsolved_notebook(lesson), dict.fromkeys(lesson.exercises, NOTHING)
        case "crash at the top":
            crash = "import os\nos.kill(os.getpid(), 9)  # the kernel is gone"
            notebook.cells.insert(0, new_code_cell(crash, id="crash"))
        case "endless loop":
            answer = notebook.cells[position[last]]
            answer.source = lesson.exercise(last).solved(Mistake(last, "endless loop", "while True:\n    pass", ""))
            deserved[last] = NOTHING
        case "invalid JSON":
            return Work(student, lesson.slug, story, dict.fromkeys(lesson.exercises, NOTHING),
                        notebook_text(notebook)[:-200])
        case "cells deleted and doubled":
            doubled = position[lesson.exercises[0]]
            gone = {position[last], position[f"check-{last}"], position[f"check-{lesson.exercises[0]}"]}
            kept = [cell for n, cell in enumerate(notebook.cells) if n not in gone]
            copy = type(notebook.cells[doubled])(notebook.cells[doubled], id="doubled")  # JupyterLab keeps the rest
            notebook.cells = [*kept, copy]
            deserved[last] = NOTHING
    return Work(student, lesson.slug, story, deserved, notebook_text(notebook))


def _text(lesson: Lesson, variants: list[Variant] = ()) -> str:
    return notebook_text(_answered(lesson, variants))


def _answered(lesson: Lesson, variants: list[Variant]):
    notebook = unsolved_notebook(lesson)
    answers = lesson.answers(*variants)
    written = {cell.name: cell for cell in lesson.cells if cell.role == "written"}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
        elif name in written:
            cell.source = written[name].solved()
    return notebook
