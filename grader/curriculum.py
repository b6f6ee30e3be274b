"""Which lessons there are, where they lie, and in which order they are taught."""

from pathlib import Path

import yaml

from grader.lessons import Lesson, read
from grader.problems import Problem


def root(start: Path | None = None) -> Path:
    """The curriculum that `start` (the working folder) is in: the folder with `solutions/curriculum.yaml`."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "solutions" / "curriculum.yaml").is_file():
            return folder
    raise Problem("No solutions/curriculum.yaml here or above: run this in the folder of the curriculum.")


def order(root: Path) -> dict[str, list[str]]:
    """For each module the slugs of its lessons, in teaching order, also of those still to be written."""
    return yaml.safe_load((root / "solutions" / "curriculum.yaml").read_text())


def folders(root: Path) -> list[Path]:
    """The folders of the lessons that exist, in teaching order."""
    stated = [root / "solutions" / module / slug for module, slugs in order(root).items() for slug in slugs]
    for found in (root / "solutions").glob("*/*/lesson.py"):
        if found.parent not in stated:
            raise Problem(f"The lesson {found.parent.name} is not listed in solutions/curriculum.yaml.")
    return [folder for folder in stated if (folder / "lesson.py").is_file()]


def lessons(root: Path, slugs: tuple[str, ...] | list[str] = ()) -> list[Lesson]:
    """The lessons with these slugs, or all, in teaching order."""
    by_slug = {folder.name: folder for folder in folders(root)}
    for slug in slugs:
        if slug not in by_slug:
            raise Problem(f"There is no lesson {slug!r}; there are: {', '.join(by_slug)}.")
    return [read(folder) for slug, folder in by_slug.items() if not slugs or slug in slugs]
