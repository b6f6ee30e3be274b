"""What a learner wrote in a notebook: whether there is any, and keeping it when the notebook changes."""

import hashlib
import json
import re
import shutil
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from nbformat import NotebookNode

from grader.notebooks import read_submission
from grader.problems import Problem

MARK = "genai_pathways"  # what we keep in a notebook's metadata
UNNAMED = re.compile(r"about|(text|shown)-\d+")  # ids of the course's cells that nbgrader does not know


def version(notebook: NotebookNode) -> str:
    """A digest of what stands in a notebook's cells."""
    cells = [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def marked(notebook: NotebookNode) -> NotebookNode:
    """`notebook` with its version in it, by which it can be told later whether somebody has worked on it."""
    notebook.metadata[MARK] = {"version": version(notebook)}
    return notebook


def version_of(path: Path) -> str:
    """The version of the lesson that a notebook was built from; empty when it does not say."""
    try:
        return read_submission(path)["metadata"][MARK]["version"]
    except (Problem, LookupError, TypeError):
        return ""


def is_untouched(path: Path) -> bool:
    """Whether a notebook is as it was built, with nothing changed and nothing run."""
    try:
        notebook = read_submission(path)
        cells = notebook["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
            return False
        if MARK in notebook["metadata"]:
            return notebook["metadata"][MARK]["version"] == version(notebook)
        # one that was built before notebooks said their version
        return bool(cells) and all(_identity(cell) and not (_is_answer(cell) and _changed(cell)) for cell in cells)
    except (Problem, LookupError, TypeError, AttributeError):
        return False


def keep_beside(path: Path) -> Path:
    """Copies a notebook to `NAME.DATE.ipynb`, or if that is taken to `NAME.DATE-2.ipynb` and so on."""
    today, number = date.today().isoformat(), 1
    kept = path.with_name(f"{path.stem}.{today}.ipynb")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem}.{today}-{number}.ipynb")
    shutil.copyfile(path, kept)
    return kept


def moved(old: NotebookNode, new: NotebookNode) -> tuple[NotebookNode, list[str], int]:
    """`new`, a lesson as it is handed out, with what a learner wrote in `old`, another version of it.

    An answer goes into its cell; what has no cell (any more) comes after the cell that it came after.

    Returns:
        the notebook, the names of the answers in it, and the number of the learner's own cells.
    """
    new = deepcopy(new)
    answers = {_grade_id(cell): cell for cell in new.cells if _grade_id(cell) and cell.metadata.nbgrader.solution}
    course = {_identity(cell) for cell in new.cells}
    found: dict[str, NotebookNode] = {}
    own: dict[str, list[NotebookNode]] = {}  # by the cell that they come after
    after = new.cells[0].id
    for cell in old["cells"]:
        name, identity = _grade_id(cell), _identity(cell)
        if name in answers and _changed(cell):
            if name in found:  # copied or split: the last one counts, and none is lost
                own.setdefault(after, []).append(found[name])
            found[name] = cell
        elif cell["source"].strip() and (not identity or name not in course and _is_answer(cell) and _changed(cell)):
            own.setdefault(after, []).append(cell)
        after = identity if identity in course else after
    for name, cell in found.items():
        answers[name].source = cell["source"]
    cells = []
    for cell in new.cells:
        cells += [cell, *map(_as_own, own.get(_identity(cell), []))]
    new.cells = cells
    return new, list(found), sum(map(len, own.values()))


def reset(notebook: NotebookNode, untouched: NotebookNode, name: str) -> bool:
    """Puts the cell of the exercise `name` back to what it is in the `untouched` notebook. Gives whether that changes
    anything."""
    fresh = next(cell for cell in untouched.cells if _grade_id(cell) == name)
    present = [number for number, cell in enumerate(notebook["cells"]) if _grade_id(cell) == name]
    if [notebook["cells"][number]["source"] for number in present] == [fresh.source]:
        return False
    check = [number for number, cell in enumerate(notebook["cells"]) if _grade_id(cell) == f"check-{name}"]
    place = [*present, *check, len(notebook["cells"])][0]
    cells = [cell for number, cell in enumerate(notebook["cells"]) if number not in present]
    notebook["cells"] = [*cells[:place], fresh, *cells[place:]]
    return True


def _as_own(cell: NotebookNode) -> NotebookNode:
    """A cell that nbgrader does not know, whatever it was."""
    cell = deepcopy(cell)
    cell["metadata"] = {key: value for key, value in cell.get("metadata", {}).items() if key != "nbgrader"}
    cell["id"] = uuid4().hex[:8]  # it may have been copied with that of the course's cell
    return cell


def _marks(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return marks if isinstance(marks, dict) else {}


def _grade_id(cell: dict[str, Any]) -> str:
    return str(_marks(cell).get("grade_id", ""))


def _identity(cell: dict[str, Any]) -> str:
    """Which of the course's cells it is; empty for one of the learner's own."""
    own = str(cell.get("id", ""))
    return _grade_id(cell) or (own if UNNAMED.fullmatch(own) else "")


def _is_answer(cell: dict[str, Any]) -> bool:
    return bool(_marks(cell).get("solution"))


def _changed(cell: dict[str, Any]) -> bool:
    """Whether an answer's cell is not as it was handed out, which nbgrader notes down in it."""
    from nbgrader.utils import compute_checksum

    try:
        return compute_checksum(NotebookNode(cell)) != _marks(cell).get("checksum")
    except (AttributeError, KeyError, TypeError):  # whoever meddled with it has changed it
        return True
