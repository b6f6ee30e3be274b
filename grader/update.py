"""A new version of a lesson without losing what a learner wrote in the old one, and one exercise as it was at first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.build import build
from grader.curriculum import lessons
from grader.notebooks import read_submission, unsolved_notebook, write_notebook
from grader.problems import Problem
from grader.progress import record_reset
from grader.work import keep_beside, marked, moved, reset
from grader.workspace import Opened


@dataclass(frozen=True)
class Updated:
    """A file that is now the new version, or gone. `kept`: where the notebook as it was lies, if somebody had worked on
    it; `answers`, `own_cells`: what was taken over from it."""

    path: Path
    kept: Path | None = None
    answers: tuple[str, ...] = ()
    own_cells: int = 0


def update(root: Path) -> Iterator[Updated]:
    """Brings `modules/` up to date; answers, and cells of the learner's own, go into the new notebooks.

    Raises:
        Problem: a notebook cannot be read (the others are done before that), or something cannot be written.
    """
    written, worked_on = build(root)
    yield from map(Updated, written)
    by_name = {(lesson.module, lesson.slug): lesson for lesson in lessons(root)}
    problems = []
    for path in worked_on:
        try:
            old = read_submission(path)
        except Problem as problem:
            problems.append(str(problem))
            continue
        fresh = marked(unsolved_notebook(by_name[path.parent.name, path.stem]))
        notebook, answers, own_cells = moved(old, fresh)
        kept = keep_beside(path)
        write_notebook(notebook, path)
        yield Updated(path, kept, tuple(answers), own_cells)
    if problems:
        raise Problem(f"Left as it was: {' '.join(problems)}")


def start_again(lesson: Opened, exercise: str) -> Path | None:
    """Puts an exercise back to how it was handed out. Gives where the notebook as it was is kept, or None when there was
    nothing to do.

    Raises:
        Problem: the notebook cannot be read or written, or nobody here knows how the exercise was handed out.
    """
    solved = lesson.solutions()
    if solved is None:
        raise Problem("How the exercise looked at first is not known in this folder: copy its cell from the notebook as "
                      "it was handed out.")
    notebook = read_submission(lesson.notebook)
    if not reset(notebook, unsolved_notebook(solved), exercise):
        return None
    kept = keep_beside(lesson.notebook)
    write_notebook(notebook, lesson.notebook)
    record_reset(lesson.progress_file, lesson.slug, exercise)
    return kept
