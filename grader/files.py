"""Writing files so that a reader, or an interrupted run, never meets a part of one."""

import os
import tempfile
from pathlib import Path

from grader.problems import Problem


def write_atomically(path: Path, text: str) -> None:
    """Writes `text` to `path`: others see the old file or the new one.

    Raises:
        Problem: the folder cannot be written to, or the disk is full.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise Problem(f"{path} cannot be written: {error.strerror}. Free some space or choose another folder.") from None


def remove_parts(folder: Path) -> None:
    """Removes what a writer that was killed left in `folder`. Nobody else may be writing there."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
