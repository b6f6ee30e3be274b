"""Checking a notebook's file from outside Jupyter: what it answers runs in a sandbox, as when it is graded."""

import importlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nbformat import NotebookNode

from grader.bench import with_checks
from grader.grading import grade
from grader.lessons import BEGIN, END, Cell, Lesson
from grader.marking import marks_handed_out, marks_of
from grader.notebooks import answers_in, read_submission
from grader.problems import Problem
from grader.progress import record_check
from grader.results import Result
from grader.sandbox import WarmParent
from grader.workspace import Opened


@contextmanager
def ready() -> Iterator[WarmParent]:
    """What `check_notebook` needs, kept warm: the first check takes seconds, those after it a fraction of one."""
    loading = threading.Thread(target=_load)  # the checks need torch, and so do the sandboxes: side by side
    loading.start()
    with WarmParent() as parent:
        loading.join()
        yield parent


def check_notebook(opened: Opened, parent: WarmParent) -> Result:
    """What the checks find about the lesson's notebook as it was saved, which is noted down as the learner's progress.

    Raises:
        Problem: there is no notebook that can be read; somebody may be writing it just now.
    """
    if not opened.notebook.is_file():
        raise Problem(f"There is no {opened.notebook}: {'run `grader build`' if opened.root else 'copy it there again'}.")
    notebook = read_submission(opened.notebook)
    solved = opened.solutions()
    lesson, marks = (solved, marks_of(solved)) if solved else (_lesson_in(notebook, opened), marks_handed_out(opened.checks))
    handed = answers_in(notebook, lesson)
    found: list[Result] = []
    try:
        with_checks([marks.checks], lambda bench: found.append(grade(bench, parent, lesson, marks, handed)))
    except RuntimeError as error:
        raise Problem(f"{opened.slug} cannot be checked: {error}") from None
    for result in found[0].exercises:
        with suppress(Problem):  # a folder that cannot be written to is no reason not to check
            record_check(opened.progress_file, opened.slug, result, handed.answers.get(result.exercise, ""))
    return found[0]


def _load() -> None:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)  # the sandbox computes, too


def _lesson_in(notebook: NotebookNode, opened: Opened) -> Lesson:
    """As much of the lesson as its notebook tells where the solutions are not at hand."""
    cells = []
    for cell in notebook["cells"]:
        identity = str(cell.get("id")) if isinstance(cell, dict) else ""
        if role := re.fullmatch(r"(setup|shown)-\d+", identity):
            cells.append(Cell(role[1], cell["source"]))
    for name in opened.exercises:
        cells += [Cell("exercise", f"{BEGIN}\n{END}", name), Cell("check", f'check("{name}")', name)]
    return Lesson(opened.slug, opened.module, opened.folder, opened.title, opened.minutes, 0, "", tuple(cells))
