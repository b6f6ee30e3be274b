"""Starting a lesson: a folder with a small lesson that works, for its author to replace piece by piece."""

import re
from pathlib import Path

from grader.curriculum import order
from grader.files import write_atomically
from grader.problems import Problem

EXAMPLE = Path(__file__).parent / "new_lesson"


def new_lesson(root: Path, module: str, slug: str) -> Path:
    """Makes the folder of a lesson that the curriculum lists, with the example in it."""
    listed = order(root)
    if module not in listed:
        raise Problem(f"There is no module {module!r}; there are: {', '.join(listed)}.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise Problem(f"{slug!r} cannot be a lesson's name: use small letters, digits and _.")
    if slug not in listed[module]:
        raise Problem(f"{slug!r} is not in solutions/curriculum.yaml: put it where it is taught in {module}.")
    folder = root / "solutions" / module / slug
    if folder.exists():
        raise Problem(f"The lesson {slug!r} is there already, in {folder}.")
    for name in ("lesson.py", "checks.py", "variants.py"):
        write_atomically(folder / name, (EXAMPLE / name).read_text().replace("SLUG", slug))
    return folder
