"""nbgrader's own `autograde`, and the button in its formgrader, with our grader behind them.

A course's `nbgrader_config.py` names `Engine` as what reads notebooks for `autograde`. Reading comes before everything
that nbgrader does to a notebook, so a malformed one is a result too, and no preprocessor runs a student's code.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import NbGraderException

from grader.course.gradebook import autograded
from grader.course.store import load
from grader.curriculum import lessons
from grader.notebooks import notebook_text


class Engine(NotebookExporter):
    """Grades, when nbgrader makes it, what is about to be autograded; then gives the autograded notebooks to write."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        directory = self.parent.coursedir
        self._course = Path(directory.root)
        # Now, because nbgrader with --force removes first what tells which written answers have changed.
        self._grade(directory.assignment_id, directory.student_id, again=self.parent.force)
        [self._lesson] = lessons(self._course, [directory.assignment_id])

    def from_filename(self, filename: str, resources: dict | None = None, **_: Any) -> tuple[str, dict]:
        """The autograded notebook of a submission: nbgrader asks twice, to write it clean and to write it graded."""
        graded = load(self._course, resources["nbgrader"]["student"], self._lesson.slug)
        if graded is None:
            raise NbGraderException(f"{filename} has not been graded.")
        text = notebook_text(autograded(self._course, graded, self._lesson))
        return text, {**resources, "output_extension": self.file_extension}

    def _grade(self, slug: str, student: str, again: bool) -> None:
        """In a process of its own: forking the server that formgrader runs in would fork its threads' locks too."""
        command = [sys.executable, "-P", "-m", "grader", "grade", ".", slug, "--student", student]
        with subprocess.Popen(command + ["--again"] * again, cwd=self._course, text=True, encoding="utf-8",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            said = ""
            for line in process.stdout:
                said = line.strip()
                self.log.info(said)
        if process.returncode not in (0, 2):  # 2: some could not be graded, which is a result
            self.log.error(said)
            raise NbGraderException(said)
