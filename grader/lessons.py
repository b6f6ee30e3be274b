"""Reading a lesson: the folder in `solutions/` that is the single source of its notebook, checks and variants."""

import ast
import importlib.util
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from textwrap import dedent, indent
from types import ModuleType

import yaml

from grader.checks import Check
from grader.problems import Problem
from grader.variants import Alternative, Mistake, Variant

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"


@dataclass(frozen=True)
class Cell:
    """A cell of a lesson. `role`: text, shown (code that only the learner's notebook runs), setup (also run before
    grading), exercise, check or written (a written answer, graded by hand). `name`: the exercise's."""

    role: str
    source: str
    name: str = ""
    points: float = 0

    @property
    def is_code(self) -> bool:
        return self.role not in ("text", "written")

    @property
    def grade_id(self) -> str:
        return {"check": f"check-{self.name}", "exercise": self.name, "written": self.name}[self.role]

    @property
    def unsolved(self) -> str:
        """The source as a learner gets it."""
        if self.role == "written":
            return _replaced(self.source, "*Your answer here.*")
        return _replaced(self.source, STUB) if self.role == "exercise" else self.source

    def solved(self, *variants: Variant) -> str:
        """The source with its solution, changed as `variants` say, without the marks.

        Raises:
            Problem: a variant does not fit the solution, or does not fit it after those before it.
        """
        source = self.source
        for variant in variants:
            if not variant.right and len(variants) > 1:
                raise Problem(f"{variant.name!r} replaces the whole solution of `{self.name}`: no other variant fits.")
            if not variant.right:
                source = _replaced(source, dedent(variant.text).strip("\n"))
            elif source.count(variant.right) == 1:
                source = source.replace(variant.right, variant.text)
            else:
                raise Problem(f"The text {variant.right!r} of {variant.name!r} must occur once in the solution of "
                              f"`{self.name}`, not {source.count(variant.right)} times.")
        return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


@dataclass(frozen=True)
class Lesson:
    """A lesson as its author wrote it. `seconds`: how long the solved notebook may run on two cores."""

    slug: str
    module: str
    folder: Path
    title: str
    minutes: int
    seconds: int
    difficulty: str
    cells: tuple[Cell, ...]

    @property
    def exercises(self) -> list[str]:
        """The names of the exercises that are checked, in their order."""
        return [cell.name for cell in self.cells if cell.role == "check"]

    def exercise(self, name: str) -> Cell:
        return next(cell for cell in self.cells if cell.role == "exercise" and cell.name == name)

    @cached_property
    def checks(self) -> dict[str, Check]:
        """What each check of the lesson says about itself, by the function's name."""
        return checks_in(self.folder / "checks.py")

    @cached_property
    def variants(self) -> list[Variant]:
        return _module(self.folder / "variants.py").VARIANTS

    @property
    def alternatives(self) -> list[Alternative]:
        return [v for v in self.variants if isinstance(v, Alternative)]

    @property
    def mistakes(self) -> list[Mistake]:
        return [v for v in self.variants if isinstance(v, Mistake)]

    @cached_property
    def uses(self) -> dict[str, set[str]]:
        """For each exercise, the earlier exercises that its solution calls, directly or not."""
        found: dict[str, set[str]] = {}
        for name in self.exercises:
            names = {n.id for n in ast.walk(ast.parse(self.exercise(name).source)) if isinstance(n, ast.Name)}
            direct = names & set(found)
            found[name] = direct.union(*(found[d] for d in direct))
        return found

    def answers(self, *variants: Variant) -> dict[str, str]:
        """The source of every exercise's answer: the author's, changed as `variants` say."""
        return {
            name: self.exercise(name).solved(*(v for v in variants if v.exercise == name)) for name in self.exercises
        }


def read(folder: Path) -> Lesson:
    """The lesson in `folder`, a subfolder of a module's folder in `solutions/`."""
    import jupytext  # half a second, which a learner without the solutions need not wait for

    source = folder / "lesson.py"
    if not source.is_file():
        raise Problem(f"{folder} has no lesson.py, so there is no lesson in it.")
    header, *cells = jupytext.read(source, fmt="py:percent").cells
    if header.cell_type != "raw":
        raise Problem(f"{source} must begin with a header: title, minutes, seconds and difficulty between --- lines.")
    about = yaml.safe_load(header.source.strip().strip("-"))
    points = _points(checks_in(folder / "checks.py"))
    lesson = Lesson(
        folder.name, folder.parent.name, folder, about["title"], about["minutes"], about["seconds"],
        about["difficulty"], tuple(_cell(cell, points) for cell in cells),
    )
    _require_consistent(lesson, points)
    return lesson


def checks_in(path: Path) -> dict[str, Check]:
    """What the checks in a file say about themselves, by the function's name, without running the file."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "check":
                    words = [ast.literal_eval(a) for a in mark.args]
                    named = {k.arg: ast.literal_eval(k.value) for k in mark.keywords}
                    found[node.name] = replace(Check("", 1, False, 10), **dict(zip(("exercise", "points"), words)), **named)
    return found


def _cell(cell, points: dict[str, float]) -> Cell:
    marks = cell.metadata
    if "exercise" in marks:
        return Cell("exercise", cell.source, marks["exercise"])
    if "check" in marks:
        name = marks["check"]
        return Cell("check", f'check("{name}")', name, points.get(name, 0))
    if "written" in marks:
        return Cell("written", cell.source, marks["written"], float(marks["points"]))
    if cell.cell_type == "code":
        return Cell("setup" if marks.get("title") == "setup" else "shown", cell.source)
    return Cell("text", cell.source)


def _points(checks: dict[str, Check]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for check in checks.values():
        sums[check.exercise] = sums.get(check.exercise, 0) + check.points
    return sums


def _require_consistent(lesson: Lesson, points: dict[str, float]) -> None:
    written = [cell.name for cell in lesson.cells if cell.role == "exercise"]
    for name in lesson.exercises:
        if name not in written or name not in points:
            raise Problem(f"{lesson.slug}: `{name}` needs an exercise cell before its check cell, and a check.")
    for name in {*written, *points} - set(lesson.exercises):
        raise Problem(f"{lesson.slug}: `{name}` has no check cell in lesson.py.")


def _replaced(source: str, text: str) -> str:
    """`source` with `text` in place of what its solution marks enclose."""

    def fill(match: re.Match) -> str:
        return indent(text, match.group(1))

    filled, count = re.subn(rf"^([ \t]*){BEGIN}\n.*?{END}$", fill, source, flags=re.S | re.M)
    if not count:
        raise Problem(f"An answer needs the marks {BEGIN!r} and {END!r} around its solution: {source[:60]!r}…")
    return filled


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
