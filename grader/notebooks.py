"""A lesson as a notebook: the instructor's version, the learner's, and what is taken from one that is handed in."""

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.files import write_atomically
from grader.lessons import BEGIN, END, Cell, Lesson
from grader.problems import Problem

LARGEST_NOTEBOOK = 20_000_000  # bytes
LARGEST_PARSED = 100_000  # characters: parsing takes a hundred times the memory of the text
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Handed:
    """What is taken from a student's notebook; nothing else in it counts.

    `cells`: the code to run, in order: the exercise that it answers, or "" for a cell of the student's own; its source.
    `written`: the written answers by name; one that was left as it was is not there."""

    cells: tuple[tuple[str, str], ...]
    written: dict[str, str]

    @property
    def answers(self) -> dict[str, str]:
        """The source that answers each exercise."""
        return {name: source for name, source in self.cells if name}


def solved_notebook(lesson: Lesson) -> NotebookNode:
    """The instructor's version of `lesson`, which nbgrader calls the source: solutions between their marks."""
    counts: dict[str, int] = {}
    cells = [new_markdown_cell(_about(lesson), id="about")]
    for cell in lesson.cells:
        counts[cell.role] = counts.get(cell.role, 0) + 1
        identity = cell.grade_id if cell.name else f"{cell.role}-{counts[cell.role]}"
        new_cell = new_code_cell if cell.is_code else new_markdown_cell
        cells.append(new_cell(cell.source, id=identity[:64], metadata=_nbgrader_metadata(cell, identity)))
    notebook = new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL), "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    return notebook


def unsolved_notebook(lesson: Lesson) -> NotebookNode:
    """What a learner opens: the very notebook that nbgrader generates from the instructor's version."""
    from nbgrader.preprocessors import ClearSolutions, ComputeChecksums, LockCells

    notebook = solved_notebook(lesson)
    for preprocessor in (LockCells(), ClearSolutions(**stubs()), ComputeChecksums()):
        notebook, _ = preprocessor.preprocess(notebook, {})
    return notebook


def stubs() -> dict[str, Any]:
    """nbgrader's settings for what takes the place of a solution, so that it writes what `Cell.unsolved` says."""
    code, text = (Cell(role, f"{BEGIN}\n{END}").unsolved for role in ("exercise", "written"))
    return {"code_stub": {"python": code}, "text_stub": text}


def notebook_text(notebook: NotebookNode) -> str:
    """The text of a notebook's file, as nbformat writes it: equal notebooks give equal texts."""
    return nbformat.writes(notebook) + "\n"


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Writes `notebook` to `path`."""
    write_atomically(path, notebook_text(notebook))


def read_submission(path: Path) -> NotebookNode:
    """The notebook that a student handed in, in today's format. Cells, metadata and ids may be anything.

    Raises:
        Problem: there is no notebook that can be read.
    """
    try:
        # A link could lead to the solutions, or to another student's work; a pipe would never end.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read(LARGEST_NOTEBOOK + 1)
    except FileNotFoundError:
        raise Problem(f"There is no {path.name}: hand in the notebook under this name.") from None
    except OSError:
        raise Problem(f"{path.name} cannot be read: hand in the notebook as an ordinary file.") from None
    if len(data) > LARGEST_NOTEBOOK:
        limit = f"{LARGEST_NOTEBOOK // 1_000_000} MB"
        raise Problem(f"{path.name} is larger than {limit}: clear its outputs and hand it in again.")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise Problem(f"{path.name} is not valid JSON, so it is no notebook: save it in JupyterLab again.") from None
    foreign = Problem(f"{path.name} is not a notebook that can be read: save it in JupyterLab again.")
    try:
        if content["nbformat"] < 4:
            content = nbformat.convert(nbformat.from_dict(content), 4)
        if content["nbformat"] == 4 and isinstance(content["cells"], list):
            for cell in content["cells"]:
                if isinstance(cell, dict):
                    cell["source"] = _source(cell)
            return nbformat.from_dict(content)
    except Exception:  # noqa: BLE001 - an old notebook can be malformed in any way
        raise foreign from None
    raise foreign


def answers_in(notebook: dict[str, Any], lesson: Lesson) -> Handed:
    """What counts in a student's `notebook`, whatever its cells and their metadata look like.

    A cell answers an exercise when nbgrader's id says so. When several do (a copied or a split cell), the last one that
    defines the exercise and is not the stub is the answer. When none does, or only stubs, it is the last cell of the
    student's own that defines the exercise. The student's other code is kept in its order; stubs that are not needed,
    cells of the course's and cells that only call `check` are left out."""
    cells = list(_handed_cells(notebook, lesson))
    course = {_plain(cell.source) for cell in lesson.cells if cell.role in ("setup", "shown", "check")}
    code = [c for c in cells if c.identity in lesson.exercises or c.is_own_code and _plain(c.source) not in course]
    answers: dict[int, str] = {}
    stubs_left: set[int] = set()
    for name in lesson.exercises:
        stub = _plain(lesson.exercise(name).unsolved)
        stubs_left |= {c.position for c in code if c.identity == name and _plain(c.source) == stub}
        marked = [c for c in code if c.identity == name]
        written = [c for c in marked if c.position not in stubs_left]
        own = [c for c in code if c.is_own_code and c.position not in answers and _defines(c.source, name)]
        candidates = written or own or marked
        if candidates:
            defining = [c for c in candidates if _defines(c.source, name)]
            answers[(defining or candidates)[-1].position] = name
    kept = [c for c in code if c.position in answers or c.position not in stubs_left and not _only_checks(c.source)]
    return Handed(tuple((answers.get(c.position, ""), c.source) for c in kept), _written(cells, lesson))


@dataclass(frozen=True)
class _HandedCell:
    """A cell as handed in. `identity`: the id of the course's cell that it is, or "" for one of the student's own."""

    position: int
    identity: str
    is_code: bool
    source: str

    @property
    def is_own_code(self) -> bool:
        return self.is_code and not self.identity


def _handed_cells(notebook: dict[str, Any], lesson: Lesson) -> Iterator[_HandedCell]:
    """The cells of `notebook` that have a source."""
    counted = sum(cell.role == "setup" for cell in lesson.cells)
    course = {f"setup-{number + 1}" for number in range(counted)}
    course |= {cell.grade_id for cell in lesson.cells if cell.name}
    answers = {cell.grade_id for cell in lesson.cells if cell.role in ("exercise", "written")}
    for position, cell in enumerate(notebook["cells"]):
        if not isinstance(cell, dict):
            continue
        source = _source(cell)
        if not source.strip():
            continue
        marks = cell.get("metadata")
        marks = marks.get("nbgrader") if isinstance(marks, dict) else None
        grade_id, cell_id = marks.get("grade_id") if isinstance(marks, dict) else None, cell.get("id")
        if isinstance(grade_id, str) and grade_id in course:
            identity = grade_id
        else:  # an editor that drops metadata may have kept the cell's id
            identity = cell_id if isinstance(cell_id, str) and cell_id in answers else ""
        yield _HandedCell(position, identity, cell.get("cell_type") == "code", source)


def _source(cell: dict[str, Any]) -> str:
    """The source of a cell, which a file may give in lines, without what no file can hold: half a surrogate pair."""
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str)).encode("utf-8", "replace").decode()


def _written(cells: list[_HandedCell], lesson: Lesson) -> dict[str, str]:
    """For each written answer the last cell that is not the stub."""
    stubs_by_name = {cell.name: _plain(cell.unsolved) for cell in lesson.cells if cell.role == "written"}
    return {
        c.identity: c.source
        for c in cells
        if c.identity in stubs_by_name and _plain(c.source) != stubs_by_name[c.identity]
    }


def _plain(source: str) -> str:
    """`source` without what does not count when cells are compared."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _statements(source: str) -> list[ast.stmt]:
    """The top-level statements of a cell, without its magics; none when it is no Python."""
    for text in (source, re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.M)):
        try:
            return ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return []


def _defines(source: str, name: str) -> bool:
    """Whether a cell defines or assigns `name` at its top level."""
    if name not in source or len(source) > LARGEST_PARSED:
        return False
    for statement in _statements(source):
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        names = [getattr(statement, "name", None), *(getattr(target, "id", None) for target in targets)]
        if name in names:
            return True
    return False


def _only_checks(source: str) -> bool:
    """Whether a cell does nothing but call `check`."""
    if "check" not in source or len(source) > LARGEST_PARSED:
        return False
    calls = [getattr(statement, "value", None) for statement in _statements(source)]
    return bool(calls) and all(isinstance(c, ast.Call) and getattr(c.func, "id", "") == "check" for c in calls)


def _about(lesson: Lesson) -> str:
    time = f"the whole notebook runs within {lesson.seconds} s on two cores"
    return f"# {lesson.title}\n\n*{lesson.minutes} minutes · {lesson.difficulty} · {time}*"


def _nbgrader_metadata(cell: Cell, grade_id: str) -> dict[str, Any]:
    """What tells nbgrader the part that a cell plays; nothing for text and for code that is only shown."""
    if cell.role in ("text", "shown"):
        return {}
    marks = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": cell.role in ("check", "written"),
        "solution": cell.role in ("exercise", "written"),
        "locked": cell.role in ("check", "setup"),
        "task": False,
    }
    if marks["grade"]:
        marks["points"] = cell.points
    return {"nbgrader": marks}
