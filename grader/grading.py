"""Grading: submissions in, results out, side by side in as many workers as there are cores.

Each worker holds the checks and talks to sandboxes; the code of a submission runs only in those.
"""

import contextlib
import gc
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.bench import Bench, with_checks
from grader.lessons import Lesson
from grader.marking import Marks, mark, marks_of
from grader.notebooks import Handed, answers_in, read_submission
from grader.problems import Problem
from grader.results import CheckResult, ExerciseResult, Result
from grader.results import Problem as CheckProblem
from grader.sandbox import Limits, Sandbox, WarmParent, refusal
from grader.submission import Session, SubmissionStopped
from grader.taught import install_cell

FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Job:
    """One submission to grade: a notebook's path, or what one hands in. `name` says whose it is."""

    name: Hashable
    lesson: str
    submission: Path | Handed


def grade_all(lessons: Iterable[Lesson], jobs: list[Job], limits: Limits = Limits(),
              trusted: bool = True) -> Iterator[tuple[Hashable, Result]]:
    """Grades `jobs` and gives each name and result as it comes. `trusted`: they are from people whom one trusts.

    Raises:
        Problem: they are not, and this machine cannot hold their code in.
    """
    by_slug = {lesson.slug: lesson for lesson in lessons}
    if not jobs:
        return
    todo, done = FORK.Queue(), FORK.Queue()
    with WarmParent() as parent:
        if not trusted:
            with Sandbox(parent, limits) as sandbox:
                if reason := refusal(sandbox.layers):
                    raise Problem(reason)
        count = min(len(jobs), cores())
        for job in [*jobs, *[None] * count]:
            todo.put(job)
        foreman = FORK.Process(target=_lead, args=(count, by_slug, parent, todo, done, limits))
        foreman.start()
        try:
            for _ in jobs:
                yield _next(done, foreman)
        finally:
            foreman.terminate()
            foreman.join()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade(bench: Bench, parent: WarmParent, lesson: Lesson, marks: Marks, submission: Path | Handed,
          limits: Limits = Limits()) -> Result:
    """The result of one submission of `lesson`."""
    started, processor = time.monotonic(), time.process_time()
    try:
        handed = submission if isinstance(submission, Handed) else answers_in(read_submission(submission), lesson)
    except Problem as problem:
        return Result(lesson.slug, _nothing(lesson, str(problem)), failed=str(problem))
    with contextlib.closing(_Running(parent, lesson, handed, limits)) as running:
        results: list[ExerciseResult] = []
        for name in lesson.exercises:
            failing = {r.exercise for r in results if not r.full}
            session = Session(running.sandbox())
            results.append(mark(bench, marks, name, session, failing, running.trouble.get(name, "")))
    spent = time.process_time() - processor + running.cpu_seconds
    seconds, layers = time.monotonic() - started, tuple(sorted(running.layers))
    return Result(lesson.slug, tuple(results), seconds=seconds, cpu_seconds=spent, layers=layers)


class _Running:
    """A submission's cells, run in a sandbox; run again in a new one, without the cells that ended it, if it ended."""

    def __init__(self, parent: WarmParent, lesson: Lesson, handed: Handed, limits: Limits):
        self._parent, self._lesson, self._limits = parent, lesson, limits
        self._cells = dict(enumerate(handed.cells))
        self._deadline = time.monotonic() + limits.submission
        self._current: Sandbox | None = None
        self.trouble: dict[str, str] = {}
        self.cpu_seconds = 0.0
        self.layers: frozenset[str] = frozenset()

    def sandbox(self) -> "Sandbox | _Over":
        """A sandbox in which the cells have run."""
        while self._current is None or not self._current.alive:
            self.close()
            if time.monotonic() > self._deadline:
                return _Over()
            self._current = Sandbox(self._parent, self._limits)
            self.layers = self._current.layers
            self._run_cells(self._current)
        return self._current

    def _run_cells(self, sandbox: Sandbox) -> None:
        for source in filter(None, [install_cell(self._lesson), *(c.source for c in self._lesson.cells if c.role == "setup")]):
            if trouble := sandbox.run_cell(source):
                raise RuntimeError(f"the setup of {self._lesson.slug} does not run in a sandbox: {trouble}")
        sandbox.keep(self._lesson.exercises)
        for number, (exercise, source) in list(self._cells.items()):
            try:
                trouble = sandbox.run_cell(source)
            except SubmissionStopped as stopped:
                del self._cells[number]
                self._note(exercise, f"Its cell {stopped}.")
                return
            if trouble.startswith("TimeoutError"):
                del self._cells[number]
            self._note(exercise, trouble)

    def _note(self, exercise: str, trouble: str) -> None:
        if exercise and trouble:
            self.trouble[exercise] = trouble

    def close(self) -> None:
        """Ends the sandbox."""
        if self._current is not None:
            self._current.end()
            self.cpu_seconds += self._current.cpu_seconds
            self._current = None


class _Over:
    """The line to a submission whose time is over."""

    def exchange(self, *_: object) -> bytes:
        raise SubmissionStopped("has used up the time of its submission")

    def listener(self, number: int) -> None:
        return None


def _nothing(lesson: Lesson, reason: str) -> tuple[ExerciseResult, ...]:
    """What a submission earns that cannot be graded."""
    problem = CheckProblem(reason)
    return tuple(
        ExerciseResult(name, tuple(
            CheckResult(function, "", check.points, check.hidden, problem)
            for function, check in lesson.checks.items() if check.exercise == name
        ))
        for name in lesson.exercises
    )


def _end_with_parent() -> None:
    """Leaves nothing behind of a worker whose grader was killed: it ends its sandbox if it can, and itself."""
    multiprocessing.parent_process().join()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(5)
    os._exit(1)


def _lead(count: int, lessons: dict[str, Lesson], parent: WarmParent, todo, done, limits: Limits) -> None:
    """The foreman: collects the checks, and forks the workers, which then share the memory that this took."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    import torch

    torch.set_num_threads(1)  # workers run side by side
    marks = {slug: marks_of(lesson) for slug, lesson in lessons.items()}

    def serve(bench: Bench) -> None:
        gc.collect()
        gc.freeze()
        workers = [FORK.Process(target=_work, args=(bench, lessons, marks, parent, todo, done, limits), daemon=True)
                   for _ in range(count)]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        finally:
            for worker in workers:
                worker.terminate()

    with_checks([lesson.folder / "checks.py" for lesson in lessons.values()], serve)


def _work(bench: Bench, lessons: dict[str, Lesson], marks: dict[str, Marks], parent: WarmParent, todo, done,
          limits: Limits) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while (job := todo.get()) is not None:
        try:
            result = grade(bench, parent, lessons[job.lesson], marks[job.lesson], job.submission, limits)
        except Exception as error:  # noqa: BLE001 - one bad submission costs one submission
            reason = f"The grader failed on it: {type(error).__name__}: {error}"
            result = Result(job.lesson, _nothing(lessons[job.lesson], reason), failed=reason)
        done.put((job.name, result))


def _next(done, foreman) -> tuple[Hashable, Result]:
    while True:
        try:
            return done.get(timeout=1)
        except queue.Empty:
            if not foreman.is_alive():
                raise RuntimeError("the grader's workers ended before their work was done") from None
