"""Getting the newest curriculum with git, which by itself would stop at notebooks that a learner has worked on."""

import shutil
import subprocess
from pathlib import Path

from grader.problems import Problem
from grader.work import keep_beside


def pull(root: Path) -> str:
    """Brings the clone in `root` up to date with where it came from; every notebook stays as the learner left it. Gives a
    sentence about it, or an empty one when there was nothing to pull.

    Raises:
        Problem: git cannot do it; then everything is as it was.
    """
    if not (root / ".git").exists() or not shutil.which("git") or not _upstream(root):
        return ""
    _git(root, "fetch", "--quiet")
    count = int(_git(root, "rev-list", "--count", "HEAD..@{upstream}"))
    if not count:
        return ""
    renewed = _names(root, "HEAD...@{upstream}", "--", "requirements.txt")
    worked_on = [root / name for name in _names(root, "--diff-filter=M", "HEAD", "--", "modules")]
    contents = {path: path.read_bytes() for path in worked_on}
    copies = [keep_beside(path) for path in worked_on]  # until the notebooks are back, whatever happens
    try:
        if worked_on:
            _git(root, "checkout", "HEAD", "--", *map(str, worked_on))
        _git(root, "merge", "--ff-only", "--quiet", "@{upstream}")
    finally:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for copy in copies:
            copy.unlink()
    said = f"Pulled {count} {'change' if count == 1 else 'changes'} from {_upstream(root)}."
    return f"{said} Other packages are needed now: run `make setup`." if renewed else said


def _upstream(root: Path) -> str:
    try:
        return _git(root, "rev-parse", "--abbrev-ref", "@{upstream}").strip()
    except Problem:
        return ""


def _names(root: Path, *what: str) -> list[str]:
    return [name for name in _git(root, "diff", "-z", "--name-only", *what).split("\0") if name]


def _git(root: Path, *words: str) -> str:
    """What git says.

    Raises:
        Problem: git complains.
    """
    run = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise Problem(f"`git {words[0]}` does not work here: {reason}")
    return run.stdout
