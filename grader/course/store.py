"""The results of a course on disk: one small file a submission, written when its result comes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.files import write_atomically
from grader.results import Result, from_data, to_data


@dataclass(frozen=True)
class Graded:
    """A graded submission. `key` changes with everything that its result depends on; equal keys, equal results."""

    student: str
    key: str
    result: Result

    @property
    def lesson(self) -> str:
        return self.result.lesson


def path(course: Path, student: str, lesson: str) -> Path:
    """Where the result of a student's submission lies."""
    return course / "results" / student / f"{lesson}.json"


def save(course: Path, graded: Graded) -> None:
    """Keeps a result, in place of an older one of the same submission."""
    data = {"key": graded.key, "result": to_data(graded.result)}
    write_atomically(path(course, graded.student, graded.lesson), json.dumps(data, indent=1))


def load(course: Path, student: str, lesson: str) -> Graded | None:
    """The stored result, or None when there is none that can be read."""
    try:
        data = json.loads(path(course, student, lesson).read_text())
        return Graded(student, data["key"], from_data(data["result"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_all(course: Path) -> Iterator[Graded]:
    """Every stored result, by student and lesson."""
    for file in sorted((course / "results").glob("*/*.json")):
        if graded := load(course, file.parent.name, file.stem):
            yield graded
