"""From `solutions/` to `modules/`: what a learner opens, generated and the same byte for byte each time."""

import ast
import json
from pathlib import Path

from grader.curriculum import lessons
from grader.files import write_atomically
from grader.lessons import Lesson
from grader.notebooks import notebook_text, unsolved_notebook
from grader.taught import taught_before
from grader.work import MARK, is_untouched, marked, version_of

GENERATED = "# Generated from the lesson's source by `grader build`. The visible checks; edits are lost.\n"


def built_files(lesson: Lesson) -> dict[str, str]:
    """What a learner gets of a lesson: the text of each file by its path in the module's folder."""
    return {
        f"{lesson.slug}.ipynb": notebook_text(marked(unsolved_notebook(lesson))),
        f"checks/{lesson.slug}.py": visible_checks(lesson),
        **{f"taught/{slug}.py": text for slug, text in taught_before(lesson).items()},
    }


def build(root: Path) -> tuple[list[Path], list[Path]]:
    """Writes `modules/` and removes what no lesson makes any more, but never a notebook that somebody has worked on.

    Returns:
        the paths that changed, and the notebooks that hold work on another version of their lesson.
    """
    wanted, changed, worked_on = _wanted(root), [], []
    for path in _stale(root, wanted):
        if path not in wanted:
            path.unlink()
        elif path.suffix != ".ipynb" or not path.is_file() or is_untouched(path):
            write_atomically(path, wanted[path])
        else:
            if version_of(path) != json.loads(wanted[path])["metadata"][MARK]["version"]:
                worked_on.append(path)
            continue
        changed.append(path)
    return changed, worked_on


def stale(root: Path) -> list[Path]:
    """The paths in `modules/` that are not as `build` would write them for somebody who has none."""
    return _stale(root, _wanted(root))


def _stale(root: Path, wanted: dict[Path, str]) -> list[Path]:
    modules = root / "modules"
    generated = {p for pattern in ("*/checks/*.py", "*/taught/*.py") for p in modules.glob(pattern)}
    left = {*generated, *(p for p in modules.glob("*/*.ipynb") if p not in wanted and is_untouched(p))} - set(wanted)
    different = [path for path, text in wanted.items() if not path.is_file() or path.read_bytes() != text.encode()]
    return different + sorted(left)


def visible_checks(lesson: Lesson) -> str:
    """The lesson's `checks.py` without the hidden checks and without what only they use."""
    source = (lesson.folder / "checks.py").read_text()
    tree = ast.parse(source)
    visible = [name for name, check in lesson.checks.items() if not check.hidden]
    defined = {name: node for node in tree.body for name in _defines(node)}
    kept = {"HINTS", "AFTER"} & set(defined)
    wanted = [*visible, *kept]
    kept |= set(visible)
    while wanted:
        used = {n.id for n in ast.walk(defined[wanted.pop()]) if isinstance(n, ast.Name)}
        new = (used & set(defined)) - kept
        kept |= new
        wanted += new
    nodes = [node for node in tree.body if not _defines(node) or kept.intersection(_defines(node))]
    used = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
    parts = [_text(source, node) for node in nodes if _needed(node, used)]
    uses = {name: sorted(uses) for name, uses in lesson.uses.items()}
    about = {"lesson": lesson.slug, "title": lesson.title, "minutes": lesson.minutes, "uses": uses,
             "taught": list(taught_before(lesson))}
    return GENERATED + "\n".join(parts).strip() + f"\n\nABOUT = {json.dumps(about)}\n"


def _wanted(root: Path) -> dict[Path, str]:
    return {
        root / "modules" / lesson.module / name: text
        for lesson in lessons(root)
        for name, text in built_files(lesson).items()
    }


def _defines(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _needed(node: ast.stmt, used: set[str]) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name).split(".")[0] in used for alias in node.names)
    return True


def _text(source: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    lines = source.splitlines()[first - 1 : node.end_lineno]
    gap = "\n\n" if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else ""
    return gap + "\n".join(lines)
