"""The known mistakes of an exercise: what each does under the checks, and which of them a learner's answer equals."""

import hashlib
import json
import linecache
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.bench import Bench, Notes, with_checks
from grader.cache import cache_folder
from grader.files import write_atomically
from grader.fingerprint import alike
from grader.lessons import Lesson
from grader.results import CheckResult
from grader.submission import LocalLine, Session
from grader.taught import installed, taught_before
from grader.variants import Variant


@dataclass(frozen=True)
class Known:
    """A known mistake: its name, its hint, the checks that it fails, and the notes of each check when it was made."""

    name: str
    hint: str
    fails: list[str]
    notes: dict[str, Notes]


def namespace(lesson: Lesson, *variants: Variant) -> dict[str, Any]:
    """What the lesson's notebook defines when it is answered by the author, but for `variants`."""
    defined: dict[str, Any] = {"__name__": f"{lesson.slug} solved"}
    answers = lesson.answers(*variants)
    with installed(taught_before(lesson)):
        for cell in lesson.cells:
            if cell.role in ("setup", "exercise"):
                _execute(answers.get(cell.name, cell.source), f"<{lesson.slug} {cell.name or cell.role}>", defined)
    return defined


def known_mistakes(bench: Bench, lesson: Lesson, exercise: str, seed: int = 0) -> list[Known]:
    """What each known mistake of `exercise` does under the lesson's checks, remembered between runs."""
    mistakes = [m for m in lesson.mistakes if m.exercise == exercise]
    path = _remembered(lesson, exercise, seed)
    if path.is_file():
        return from_data(json.loads(path.read_text()))
    found = []
    for mistake in mistakes:
        session = Session(LocalLine(namespace(lesson, mistake)))
        results, notes = bench.run(lesson.folder / "checks.py", exercise, session, seed)
        found.append(Known(mistake.name, mistake.hint, [r.name for r in results if not r.holds], notes))
    write_atomically(path, json.dumps(to_data(found)))
    return found


def likely(known: Iterable[Known], results: list[CheckResult], notes: dict[str, Notes]) -> Known | None:
    """The known mistake that fails the same checks as the learner's answer and did in each of them what it did; among
    several, the one that is most like it in the other checks too."""
    names = {r.name for r in results}
    failing = {r.name for r in results if not r.holds}

    def agrees(mistake: Known, name: str) -> bool:
        return alike(notes.get(name), mistake.notes.get(name))

    fitting = [
        mistake
        for mistake in known
        if failing and names.intersection(mistake.fails) == failing and all(agrees(mistake, name) for name in failing)
    ]
    return max(fitting, key=lambda mistake: sum(agrees(mistake, name) for name in names), default=None)


def handed_out(lesson: Lesson) -> str:
    """The text of the file beside the visible checks from which a notebook names mistakes without the solutions: what
    each known mistake does under the visible checks."""
    visible = {name for name, check in lesson.checks.items() if not check.hidden}
    found: dict[str, list[dict]] = {}

    def body(bench: Bench) -> None:
        for exercise in lesson.exercises:
            for known in to_data(known_mistakes(bench, lesson, exercise)):
                notes = {name: n for name, n in known["notes"].items() if name in visible}
                found.setdefault(exercise, []).append({**known, "notes": notes})

    with_checks([lesson.folder / "checks.py"], body)
    return json.dumps(found)


def to_data(known: list[Known]) -> list[dict]:
    """`known` as JSON-ready data."""
    return [asdict(k) for k in known]


def from_data(data: list[dict]) -> list[Known]:
    """The mistakes that `to_data` wrote."""
    return [Known(**item) for item in data]


def _remembered(lesson: Lesson, exercise: str, seed: int) -> Path:
    parts = [f.read_bytes() for f in sorted(lesson.folder.glob("*.py"))]
    parts += [text.encode() for text in taught_before(lesson).values()]
    parts += [f.read_bytes() for f in sorted(Path(__file__).parent.glob("*.py"))]
    parts.append(f"{exercise} {seed} {sys.version}".encode())
    return cache_folder() / "mistakes" / f"{hashlib.sha256(b'|'.join(parts)).hexdigest()[:24]}.json"


def _execute(source: str, name: str, namespace: dict[str, Any]) -> None:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 - the author's own code
