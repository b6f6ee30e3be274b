"""`grader watch`: one exercise after the other, checked again whenever its notebook is saved."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from grader.checking import check_notebook, ready
from grader.problems import Problem
from grader.results import Result
from grader.terminal import briefly, exercise_text, next_text, progress_text, shown, tell_hint
from grader.workspace import Opened, upcoming

LOOK = 0.2  # seconds between looks at the file
KEYS = "h hint · n next · l list · q quit"


def watch(lessons: Sequence[Opened], lesson: Opened, exercise: str) -> None:
    """Shows an exercise of `lesson`, the first that does not hold unless it is named, until the learner quits.

    Raises:
        Problem: nobody can press keys here.
    """
    if not sys.stdin.isatty():
        raise Problem("`grader watch` needs a terminal, for its keys: `grader check` checks once.")
    click.echo(f"Getting ready to watch {shown(lesson.notebook)} …")
    try:
        with _single_keys() as key, ready() as parent:
            _Watch(lessons, lambda opened: check_notebook(opened, parent), lesson, exercise).run(key)
    except KeyboardInterrupt:
        pass  # as good as q
    click.echo("\nWhat you have done is kept; `grader watch` goes on from here.")


class _Watch:
    """The exercise that is shown, and what was found when its notebook was checked last."""

    def __init__(self, lessons: Sequence[Opened], check: Callable[[Opened], Result], lesson: Opened, exercise: str):
        self._lessons, self._check, self._lesson, self._exercise = lessons, check, lesson, exercise
        self._seen: object = None  # the file as it was looked at last
        self._waiting = False

    def run(self, key: Callable[[float], str]) -> None:
        while True:
            self._look()
            match key(LOOK).lower():
                case "h":
                    self._hint()
                case "n":
                    self._next()
                case "l":
                    self._say(progress_text(self._lessons))
                case "q":
                    return

    def _look(self) -> None:
        """Checks the notebook if it was saved since the last look."""
        now = _signature(self._lesson.notebook)
        if now == self._seen:
            return
        self._seen = now
        if not self._waiting:
            click.echo("\nChecking …")
        try:
            result = self._check(self._lesson)
        except Problem as problem:  # an editor may be in the middle of writing it
            if not self._waiting:
                self._say(f"Waiting for the file to be complete. ({problem})")
            self._waiting = True
            return
        self._waiting = False
        by_name = {each.exercise: each for each in result.exercises}
        if not self._exercise:
            failing = [each.exercise for each in result.exercises if not each.full]
            self._exercise = (failing or self._lesson.exercises[-1:])[0]
        found = by_name[self._exercise]
        number = self._lesson.exercises.index(self._exercise) + 1
        head = f"{time.strftime('%H:%M:%S')} · {self._lesson.slug} · exercise {number} of {len(by_name)}"
        text = exercise_text(self._lesson, briefly(found), "press h")
        self._say(f"{head} · {shown(self._lesson.notebook)}\n\n{text}" + ("\n\nPress n to go on." if found.full else ""))

    def _hint(self) -> None:
        try:
            for text in tell_hint(self._lesson, self._exercise or self._lesson.exercises[0]):
                self._say(text)
        except Problem as problem:
            self._say(str(problem))

    def _next(self) -> None:
        """Leads on to the next exercise that does not hold, after this one if there is any."""
        left = list(upcoming(self._lessons))
        here = (self._lesson.slug, self._exercise or self._lesson.exercises[0])
        order = [(lesson.slug, name) for lesson in self._lessons for name in lesson.exercises]
        after = [step for step in left if order.index((step[0].slug, step[1])) > order.index(here)] or left
        if not after:
            return self._say(next_text(self._lessons))
        self._lesson, self._exercise = after[0]
        self._seen = None
        self._look()

    def _say(self, text: str) -> None:
        click.echo(f"\n{'─' * 80}\n{text}\n\n{KEYS}")


@contextmanager
def _single_keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for a key and gives it, or nothing; keys are not shown while it lives."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)

    def key(seconds: float) -> str:
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") or "q"  # no terminal any more

    try:
        yield key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _signature(path: Path) -> object:
    """What changes when a file is saved."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return status.st_mtime_ns, status.st_size, status.st_ino
