"""What the checks found about a submission, as plain data that is stored, shown and graded from."""

from dataclasses import asdict, dataclass
from typing import Any

NOT_WRITTEN = "Not written yet."


@dataclass(frozen=True)
class Problem:
    """Why a check does not hold. `call` is the learner's code as it was called last before the check failed.
    `differences`: where a tensor differs from the expected one, a line for each row, a sign for each value: `.` where
    it is right, else how far off it is, from 1 to 9 (the furthest)."""

    message: str
    call: str = ""
    expected: str = ""
    seen: str = ""
    where: str = ""
    differences: str = ""


@dataclass(frozen=True)
class CheckResult:
    """One check: its sentence, whether it holds, and if not, why."""

    name: str
    sentence: str
    points: float
    hidden: bool
    problem: Problem | None

    @property
    def holds(self) -> bool:
        return self.problem is None

    @property
    def earned(self) -> float:
        return self.points if self.holds else 0.0


@dataclass(frozen=True)
class ExerciseResult:
    """All checks of one exercise. `mistake` and `hint`: the known mistake that it looks like, if any."""

    exercise: str
    checks: tuple[CheckResult, ...]
    mistake: str = ""
    hint: str = ""
    unmet: tuple[str, ...] = ()  # failing exercises that this one builds on
    trouble: str = ""  # what its cell raised

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> float:
        return sum(check.earned for check in self.checks)

    @property
    def full(self) -> bool:
        return self.earned == self.points


@dataclass(frozen=True)
class Result:
    """A submission's result. `failed`: why it could not be graded, as a sentence; then every exercise earns nothing."""

    lesson: str
    exercises: tuple[ExerciseResult, ...] = ()
    failed: str = ""
    seconds: float = 0.0  # wall time
    cpu_seconds: float = 0.0  # processor time of the sandbox and of the checks
    layers: tuple[str, ...] = ()  # what held the submission in, as `grader.sandbox.layers` names it

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)

    @property
    def earned(self) -> float:
        return sum(exercise.earned for exercise in self.exercises)


def to_data(result: Result) -> dict[str, Any]:
    """`result` as JSON-ready data."""
    return asdict(result)


def from_data(data: dict[str, Any]) -> Result:
    """The result that `to_data` wrote."""

    def check(c: dict) -> CheckResult:
        return CheckResult(**{**c, "problem": Problem(**c["problem"]) if c["problem"] else None})

    def exercise(e: dict) -> ExerciseResult:
        return ExerciseResult(**{**e, "checks": tuple(map(check, e["checks"])), "unmet": tuple(e["unmet"])})

    exercises, layers = tuple(map(exercise, data["exercises"])), tuple(data.get("layers", ()))
    return Result(**{**data, "exercises": exercises, "layers": layers})
