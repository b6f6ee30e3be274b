"""The lessons as they lie before a learner, with the solutions at hand (a checkout) or without (a folder handed out)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import curriculum
from grader.checks import constants
from grader.lessons import Lesson
from grader.problems import Problem
from grader.progress import Progress, load, progress_file


@dataclass(frozen=True)
class Opened:
    """A lesson of the learner's. `checks`: its visible checks; `uses`: its exercises in order, and which earlier ones
    each builds on; `after`: what to say of an exercise that holds; `root`: the curriculum's folder, where the solutions
    are at hand."""

    slug: str
    title: str
    minutes: int
    checks: Path
    uses: Mapping[str, set[str]]
    hints: Mapping[str, list[str]]
    after: Mapping[str, str]
    root: Path | None

    @property
    def folder(self) -> Path:
        return self.checks.parents[1]

    @property
    def module(self) -> str:
        return self.folder.name

    @property
    def notebook(self) -> Path:
        return self.folder / f"{self.slug}.ipynb"

    @property
    def exercises(self) -> list[str]:
        return list(self.uses)

    @property
    def progress_file(self) -> Path:
        return progress_file(self.root or self.folder)

    def progress(self) -> dict[str, Progress]:
        """What is known of each exercise."""
        known = load(self.progress_file).get(self.slug, {})
        return {name: known.get(name, Progress()) for name in self.uses}

    def solutions(self) -> Lesson | None:
        """The lesson as its author wrote it, where that is at hand."""
        return curriculum.lessons(self.root, [self.slug])[0] if self.root else None


def opened(folder: Path | None = None) -> list[Opened]:
    """The lessons that a learner in `folder` (the working folder) has, in teaching order where that is known.

    Raises:
        Problem: there are none.
    """
    folder = (folder or Path.cwd()).resolve()
    try:
        root = curriculum.root(folder)
    except Problem:
        found = [*sorted(folder.glob("checks/*.py")), *sorted(folder.glob("*/checks/*.py"))]
        if not found:
            raise Problem("There are no lessons here: run this in the folder of the curriculum, or in the one that you "
                          "were given, which holds the folder `checks`.") from None
        return [_opened(checks, None) for checks in found]
    listed = curriculum.order(root).items()
    paths = [root / "modules" / module / "checks" / f"{slug}.py" for module, slugs in listed for slug in slugs]
    found = [_opened(path, root) for path in paths if path.is_file()]
    if not found:
        raise Problem("There are no lessons in modules/: run `grader build` first.")
    return found


def find(lessons: Sequence[Opened], words: Sequence[str]) -> tuple[Opened, str]:
    """The lesson and the exercise that a learner means by `attention`, `softmax`, `attention softmax` or
    `attention/softmax`; the exercise is empty when only a lesson is named. Without words: the lesson to go on with.

    Raises:
        Problem: there is no such thing, or more than one, or nothing in it to check.
    """
    lesson, exercise = _find(lessons, [name for word in words for name in word.split("/") if name])
    if not lesson.uses:
        raise Problem(f"{lesson.slug} has no exercises that are checked: open {lesson.notebook}.")
    return lesson, exercise


def upcoming(lessons: Sequence[Opened]) -> Iterator[tuple[Opened, str]]:
    """What does not hold yet, in the order to do it: in the lesson that was checked last, in its module, elsewhere."""
    known = {lesson.slug: lesson.progress() for lesson in lessons}
    last = max(lessons, key=lambda lesson: max((each.checked for each in known[lesson.slug].values()), default=""))
    for lesson in sorted(lessons, key=lambda lesson: (lesson != last, lesson.module != last.module)):
        for name, progress in known[lesson.slug].items():
            if not progress.solved:
                yield lesson, name


def _find(lessons: Sequence[Opened], names: Sequence[str]) -> tuple[Opened, str]:
    by_slug = {lesson.slug: lesson for lesson in lessons}
    match names:
        case []:
            return next(upcoming(lessons), (lessons[-1], ""))[0], ""
        case [slug] if slug in by_slug:
            return by_slug[slug], ""
        case [exercise]:
            having = [lesson for lesson in lessons if exercise in lesson.uses]
            if len(having) == 1:
                return having[0], exercise
            if having:
                raise Problem(f"{exercise!r} is an exercise of {' and of '.join(x.slug for x in having)}: "
                              f"say which, for example {having[0].slug}/{exercise}.")
            raise Problem(f"There is no lesson and no exercise {exercise!r}; the lessons are: {', '.join(by_slug)}.")
        case [slug, exercise] if slug in by_slug:
            if exercise not in by_slug[slug].uses:
                raise Problem(f"There is no exercise {exercise!r} in {slug}; there are: {', '.join(by_slug[slug].uses)}.")
            return by_slug[slug], exercise
    raise Problem(f"There is no lesson {names[0]!r}; there are: {', '.join(by_slug)}. Say LESSON, or LESSON EXERCISE.")


def _opened(checks: Path, root: Path | None) -> Opened:
    try:
        known = constants(checks)
        about = known["ABOUT"]
        uses = {name: set(used) for name, used in about["uses"].items()}
        said = known.get("HINTS", {}), known.get("AFTER", {})
        return Opened(about["lesson"], about["title"], about["minutes"], checks, uses, *said, root)
    except (SyntaxError, LookupError, TypeError, AttributeError):
        do = "run `grader build`" if root else "copy it again from where you got it"
        raise Problem(f"{checks} is not as it was written for this lesson: {do}.") from None
