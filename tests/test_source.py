"""The source itself: what a linter sees."""

import subprocess
import sys

from conftest import REPOSITORY


def test_the_linter_has_nothing_to_say():
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
