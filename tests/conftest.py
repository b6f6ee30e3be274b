"""What tests share: the repository's own lessons, and a small curriculum of one example lesson."""

from pathlib import Path

import pytest

from grader.curriculum import lessons
from grader.lessons import Lesson
from grader.new import new_lesson

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def example_root(tmp_path: Path) -> Path:
    """A curriculum with the one lesson that `grader new` makes."""
    root = tmp_path / "curriculum"
    (root / "solutions").mkdir(parents=True)
    (root / "solutions" / "curriculum.yaml").write_text("1_first: [example]\n")
    new_lesson(root, "1_first", "example")
    return root


@pytest.fixture
def example(example_root: Path) -> Lesson:
    """The lesson that `grader new` makes: one exercise, `perplexity`, worth 4 points."""
    return lessons(example_root)[0]
