"""What earlier lessons taught, as a library for later ones: `from taught.attention import CausalSelfAttention`.

The module `taught.attention` is generated from the solutions of the lesson `attention`. It lies beside the notebooks
that import it; for the grader, and in a sandbox, it is made in memory. A lesson gets the modules that it imports, and
only those of lessons before it.
"""

import ast
import importlib.abc
import linecache
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

from grader.curriculum import order
from grader.lessons import Lesson, read
from grader.problems import Problem

IMPORT = re.compile(r"^\s*(?:from|import)\s+taught\.(\w+)", re.M)
GENERATED = '''"""What the lesson `{slug}` taught. Generated from its solutions by `grader build`; edits are lost."""

'''


@cache
def taught_before(lesson: Lesson) -> dict[str, str]:
    """The text of each module of `taught` that `lesson` needs, by the slug of the lesson that taught it; a module comes
    after those that it imports itself."""
    shipped = lesson.folder / "taught"  # where the solutions are not at hand
    if shipped.is_dir():
        return _shipped(shipped, _code(lesson))
    return {earlier.slug: _text(earlier) for earlier in lessons_needed(lesson)}


def lessons_needed(lesson: Lesson) -> list[Lesson]:
    """The earlier lessons that `lesson` imports from, and those that they import from, each before who needs it.

    Raises:
        Problem: a lesson imports what is not taught before it.
    """
    wanted = IMPORT.findall(_code(lesson))
    if not wanted:
        return []
    slugs = [slug for module in order(lesson.folder.parents[2]).values() for slug in module]
    earlier = slugs[: slugs.index(lesson.slug)]
    found: dict[str, Lesson] = {}
    for slug in wanted:
        folder = next(lesson.folder.parents[1].glob(f"*/{slug}/"), None)
        if slug not in earlier or folder is None:
            raise Problem(f"{lesson.slug} imports taught.{slug}, but no lesson {slug} comes before it.")
        taught = read(folder)
        found |= {needed.slug: needed for needed in [*lessons_needed(taught), taught]}
    return list(found.values())


def install(texts: Mapping[str, str]) -> None:
    """Makes the modules of `taught` in this process, in place of those that there were."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "taught"]:
        del sys.modules[name]
    package = sys.modules["taught"] = ModuleType("taught")
    package.__path__ = []
    for slug, text in texts.items():
        name, file = f"taught.{slug}", f"taught/{slug}.py"
        module = sys.modules[name] = ModuleType(name)
        module.__file__ = file
        setattr(package, slug, module)
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 - the author's own code


@contextmanager
def installed(texts: Mapping[str, str]) -> Iterator[None]:
    """The modules of `taught`, for a while."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "taught"}
    install(texts)
    try:
        yield
    finally:
        install({})
        del sys.modules["taught"]
        sys.modules.update(before)


class _Allowed(importlib.abc.MetaPathFinder):
    """Refuses the modules of `taught` that a lesson does not get, though they may lie beside its notebook."""

    def __init__(self, slugs: Sequence[str]):
        self.slugs = slugs

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        package, _, slug = name.partition(".")
        if package == "taught" and slug and slug not in self.slugs:
            raise ModuleNotFoundError(f"{name} holds what this lesson, or a later one, teaches", name=name)


def allow(slugs: Sequence[str]) -> None:
    """Lets this process import these modules of `taught` and no others."""
    sys.meta_path[:] = [_Allowed(slugs), *(finder for finder in sys.meta_path if not isinstance(finder, _Allowed))]


def install_cell(lesson: Lesson) -> str:
    """A cell that makes, in a sandbox, the modules of `taught` that `lesson` needs."""
    texts = taught_before(lesson)
    return f"__import__('grader.taught').taught.install({texts!r})" if texts else ""


def _code(lesson: Lesson) -> str:
    return "\n".join(cell.source for cell in lesson.cells if cell.is_code)


def _shipped(folder: Path, source: str) -> dict[str, str]:
    """The modules in `folder` that `source` imports, each after those that it imports itself."""
    found: dict[str, str] = {}
    for slug in IMPORT.findall(source):
        text = (folder / f"{slug}.py").read_text()
        found |= {**_shipped(folder, text), slug: text}
    return found


def _text(lesson: Lesson) -> str:
    """The lesson's setup and its solutions, without what only its notebook needs."""
    answers = lesson.answers()
    parts = [
        answers[cell.name] if cell.role == "exercise" else _without_check(cell.source)
        for cell in lesson.cells
        if cell.role in ("setup", "exercise")
    ]
    return GENERATED.format(slug=lesson.slug) + "\n\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _without_check(source: str) -> str:
    """A setup cell without the import of `lesson` and the `check` that it makes."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        match node:
            case ast.ImportFrom(module="grader", names=[ast.alias(name="lesson")]) | ast.Assign(targets=[ast.Name("check")]):
                del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines)
