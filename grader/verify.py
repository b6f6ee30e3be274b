"""Proving a lesson: right answers score full, the untouched notebook nothing, and every mistake is caught and named."""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbclient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from grader import progress
from grader.build import built_files
from grader.checks import constants
from grader.files import write_atomically
from grader.grading import Job, grade_all
from grader.lessons import Lesson
from grader.notebooks import Handed, solved_notebook
from grader.problems import Problem
from grader.providers.recorded import SHIPPED, store, write_answers
from grader.results import Result
from grader.variants import Mistake, Variant

SHARE_NAMED = 0.9  # of the mistakes of a lesson, at least


@dataclass(frozen=True)
class Proof:
    """What came of one version of a lesson. `complaints`: what is not as it must be; `named`, for a mistake: whether a
    learner who made it is told so."""

    lesson: str
    version: str
    seconds: float
    complaints: tuple[str, ...] = ()
    named: bool | None = None


def prove(lessons: list[Lesson]) -> Iterator[Proof]:
    """Grades every version of every lesson as if it were a submission, side by side, and says what came of each."""
    versions = {}
    for lesson in lessons:
        versions[lesson.slug, "untouched"] = lesson, None, handed(lesson, untouched=True)
        versions[lesson.slug, "solution"] = lesson, None, handed(lesson)
        for variant in lesson.variants:
            try:
                versions[lesson.slug, variant] = lesson, variant, handed(lesson, variant)
            except Problem as problem:
                yield Proof(lesson.slug, variant_name(variant), 0.0, (str(problem),))
    jobs = [Job(name, name[0], answers) for name, (_, _, answers) in versions.items()]
    for name, result in grade_all(lessons, jobs):
        lesson, variant, _ = versions[name]
        if name[1] == "untouched":
            yield judge_untouched(lesson, result)
        else:
            yield judge(lesson, variant, result)


def handed(lesson: Lesson, *variants: Variant, untouched: bool = False) -> Handed:
    """What a student hands in who answers as the author does, but for `variants`; or who does not answer at all."""
    answers = lesson.answers(*variants)
    cells = [cell for cell in lesson.cells if cell.role == "exercise"]
    return Handed(cells=[(c.name, c.unsolved if untouched else answers[c.name]) for c in cells], written={})


def judge(lesson: Lesson, variant: Variant | None, result: Result) -> Proof:
    """Whether a version scored what it deserves; `variant` None is the author's solution."""
    spoiled = {variant.exercise, *variant.spoils} if isinstance(variant, Mistake) else set()
    complaints = [result.failed] if result.failed else []
    found = {exercise.exercise: exercise for exercise in result.exercises}
    for name, exercise in found.items():
        if name not in spoiled and not exercise.full:
            failing = "; ".join(f"{c.name}: {c.problem.message} {c.problem.where}" for c in exercise.checks if c.problem)
            complaints.append(f"{name} should score full, but {failing}")
        if name in spoiled and exercise.full:
            complaints.append(f"{name} should lose marks")
    named = found[variant.exercise].mistake == variant.name if isinstance(variant, Mistake) else None
    return Proof(lesson.slug, variant_name(variant), result.seconds, tuple(complaints), named)


def judge_untouched(lesson: Lesson, result: Result) -> Proof:
    """Whether the notebook as it is handed out scores nothing."""
    scoring = [c.name for exercise in result.exercises for c in exercise.checks if c.earned]
    complaints = (f"the untouched notebook passes {', '.join(scoring)}",) if scoring else ()
    return Proof(lesson.slug, "untouched", result.seconds, complaints)


def prove_running(lesson: Lesson) -> Proof:
    """Whether the solved notebook runs from top to bottom, in a real kernel, within the time that it states, and each of
    its checks holds where it stands."""
    notebook = solved_notebook(lesson)
    started = time.monotonic()
    complaints: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in built_files(lesson).items():  # where a learner runs it
            write_atomically(Path(folder) / name, text)
        client = nbclient.NotebookClient(
            notebook, timeout=max(600, 3 * lesson.seconds), kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})  # so that several can run side by side
        except (CellExecutionError, CellTimeoutError) as error:
            complaints = (f"the notebook does not run: {str(error).strip().splitlines()[-1]}",)
        else:
            known = progress.load(progress.progress_file(Path(folder))).get(lesson.slug, {})
            missed = [name for name in lesson.exercises if name not in known or not known[name].solved]
            complaints = tuple(f'check("{name}") does not hold where it stands in the notebook' for name in missed)
    seconds = time.monotonic() - started
    if seconds > lesson.seconds:
        complaints += (f"the notebook runs {seconds:.0f} s, and its header promises {lesson.seconds} s",)
    return Proof(lesson.slug, "whole notebook", seconds, complaints)


def shortfalls(lesson: Lesson, proofs: list[Proof]) -> list[str]:
    """What `lesson` lacks as a whole, given all its proofs: too few variants, or too few mistakes named."""
    lacking = []
    said = constants(lesson.folder / "checks.py")
    for name in lesson.exercises:
        mistakes = sum(m.exercise == name for m in lesson.mistakes)
        alternatives = sum(a.exercise == name for a in lesson.alternatives)
        if not all(said.get(what, {}).get(name) for what in ("HINTS", "AFTER")):
            lacking.append(f"{lesson.slug}: `{name}` needs HINTS and a sentence in AFTER, in checks.py")
        if mistakes < 4 or alternatives < 2:
            lacking.append(f"{lesson.slug}: `{name}` has {mistakes} mistakes (at least 4 where there is room) "
                           f"and {alternatives} alternatives (at least 2)")
    told = [p.named for p in proofs if p.lesson == lesson.slug and p.named is not None]
    if sum(told) < SHARE_NAMED * len(told):
        lacking.append(f"{lesson.slug}: only {sum(told)} of {len(told)} mistakes are named")
    return lacking


def forget_answers(lesson: Lesson) -> None:
    """Lets the checks ask the model everything anew."""
    (lesson.folder / SHIPPED).unlink(missing_ok=True)
    for file in store().parent.glob(f"{store().name}*"):
        file.unlink()


def keep_answers(lesson: Lesson) -> None:
    """Ships what the model has answered since `forget_answers` with the lesson: whoever grades it need not wait."""
    if store().is_file():
        write_answers(lesson.folder / SHIPPED)


def variant_name(variant: Variant | None) -> str:
    """How a version is called in a table."""
    if variant is None:
        return "solution"
    kind = "mistake" if isinstance(variant, Mistake) else "alternative"
    return f"{variant.exercise} · {kind} · {variant.name}"
