"""How far a learner has come: one small file of the learner's own, `.progress.json`.

It lies where the learner's lessons are: in a checkout, in the curriculum's folder, beside `modules/`; in a folder that
was handed out without the solutions, beside the folder `checks`, where the notebooks are. It is never sent anywhere.
Deleting it loses nothing but history: the next check of an exercise tells again whether it holds. A file that cannot be
read counts as none, and an entry that makes no sense is left out.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from grader import curriculum
from grader.files import write_atomically
from grader.pages.words import unwritten
from grader.problems import Problem
from grader.results import ExerciseResult

ENOUGH = 3  # failed attempts, after which the solution may be seen
NAME = ".progress.json"
PATIENCE = 5.0  # seconds to wait for another writer


@dataclass(frozen=True)
class Progress:
    """A learner's history with one exercise. Times are in UTC, as ISO 8601 writes them; empty: never."""

    attempts: int = 0  # answers that failed
    hints: int = 0  # hints seen
    best: float = 0.0  # points
    points: float = 0.0  # points possible
    solved: bool = False  # whether it held fully when it was checked last
    first_solved: str = ""
    checked: str = ""  # when it was checked last
    failed: str = ""  # a digest of the answer that failed last, where the answer's source was known


Lessons = dict[str, dict[str, Progress]]  # by the lesson's slug and the exercise's name


def progress_file(folder: Path | None = None) -> Path:
    """The learner's file for lessons whose notebooks lie in `folder` (the working folder)."""
    folder = (folder or Path.cwd()).resolve()
    try:
        return curriculum.root(folder) / NAME
    except Problem:
        return folder / NAME


def load(path: Path) -> Lessons:
    """What the file says of each lesson and exercise; nothing when there is no file, or none that can be read."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        slug: {name: _entry(entry) for name, entry in exercises.items() if isinstance(entry, dict)}
        for slug, exercises in (data.items() if isinstance(data, dict) else ())
        if isinstance(exercises, dict)
    }


def record_check(path: Path, slug: str, result: ExerciseResult, answer: str = "") -> Progress:
    """Notes down what a check found, and gives what is known of the exercise now. An answer that nobody has begun is no
    attempt, and neither is the same one twice in a row; `answer` is its source, where it is known.

    Raises:
        Problem: the file cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    digest = hashlib.sha256(answer.encode(errors="replace")).hexdigest()[:16] if answer else ""

    def noted(before: Progress) -> Progress:
        tried = not result.full and not (unwritten(result) and not result.trouble) and (not digest or digest != before.failed)
        return replace(
            before,
            attempts=before.attempts + tried,
            best=min(max(before.best, result.earned), result.points),
            points=result.points,
            solved=result.full,
            first_solved=before.first_solved or (now if result.full else ""),
            checked=now,
            failed=digest if tried else before.failed,
        )

    return _change(path, slug, result.exercise, noted)


def record_hints(path: Path, slug: str, exercise: str, hints: int) -> Progress:
    """Notes down that so many hints of an exercise have been seen.

    Raises:
        Problem: the file cannot be written.
    """
    return _change(path, slug, exercise, lambda before: replace(before, hints=max(before.hints, hints)))


def record_reset(path: Path, slug: str, exercise: str) -> Progress:
    """Notes down that an exercise is untouched again; its history stays.

    Raises:
        Problem: the file cannot be written.
    """
    return _change(path, slug, exercise, lambda before: replace(before, solved=False, failed=""))


def _change(path: Path, slug: str, exercise: str, change: Callable[[Progress], Progress]) -> Progress:
    """Changes one entry, after and before any other writer."""
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=PATIENCE):
            lessons = load(path)
            after = change(lessons.get(slug, {}).get(exercise, Progress()))
            lessons.setdefault(slug, {})[exercise] = after
            data = {slug: {name: asdict(entry) for name, entry in entries.items()} for slug, entries in lessons.items()}
            write_atomically(path, json.dumps(data, indent=1, sort_keys=True) + "\n")
            return after
    except Timeout:
        raise Problem(f"{path} is being written by another program: try again.") from None
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}. Check the folder's permissions.") from None


def _entry(data: dict[str, Any]) -> Progress:
    """An entry of the file, without what is no value of its kind."""
    nothing = asdict(Progress())
    fitting = {name: data[name] for name in nothing if name in data and _fits(data[name], nothing[name])}
    return Progress(**fitting)


def _fits(value: Any, example: Any) -> bool:
    if isinstance(example, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(example)
