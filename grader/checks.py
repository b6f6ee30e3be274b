"""What a lesson's `checks.py` imports.

A check is a pytest function whose docstring is the sentence that the learner reads. It reaches the learner's code only
through the fixture `submission`, and may ask for `random`, `clock`, `provider` and `model` (see `grader.bench`).
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.show import show
from grader.submission import Raised, Remote

LARGEST_MAP = (16, 32)  # rows and columns of the differences that are shown
__all__ = ["check", "assert_close", "assert_equal", "assert_that", "gradients", "inputs_after", "raises", "Raised"]


@dataclass(frozen=True)
class Check:
    """What `check` says about a pytest function. `seconds`: how long one run of it may take."""

    exercise: str
    points: float
    hidden: bool
    seconds: float


def check(exercise: str, points: float = 1, hidden: bool = False, seconds: float = 10) -> Callable:
    """Marks a pytest function as a check of `exercise`. A hidden check stays with the solutions."""

    def mark(function: Callable) -> Callable:
        if not function.__doc__:
            raise ValueError(f"the check {function.__name__} needs a docstring: it is what the learner reads")
        function.check = Check(exercise, points, hidden, seconds)
        return function

    return mark


class Unexpected(AssertionError):
    """A check's finding, with the values that a person wants to see."""

    def __init__(self, message: str, expected: str = "", seen: str = "", differences: str = ""):
        super().__init__(message)
        self.message, self.expected, self.seen, self.differences = message, expected, seen, differences


def assert_that(condition: object, message: str, expected: object = None, seen: object = None) -> None:
    """Fails with `message`, a full sentence for the learner, unless `condition` holds."""
    if not condition:
        raise Unexpected(message, *("" if v is None else v if isinstance(v, str) else show(v) for v in (expected, seen)))


def assert_equal(seen: object, expected: object, message: str = "The result is not the expected one.") -> None:
    """Fails unless both are equal and of one kind; for numbers with rounding and tensors use `assert_close`."""
    if isinstance(seen, bool) != isinstance(expected, bool) or not _equal(seen, expected):
        raise Unexpected(message, show(expected), show(seen))


def assert_close(seen: Any, expected: Any, message: str = "", rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Fails unless `seen` is a number, tensor or array like `expected`: same shape and dtype, values within
    `atol + rtol * |expected|`."""
    import torch

    if isinstance(expected, (int, float)):
        if isinstance(seen, bool) or not isinstance(seen, (int, float)):
            raise Unexpected("The result is not a number.", show(float(expected)), show(seen))
        if not abs(seen - expected) <= atol + rtol * abs(expected):  # also for nan
            raise Unexpected(message or "The number is not the expected one.", show(float(expected)), show(float(seen)))
        return
    if not isinstance(seen, type(expected)):
        raise Unexpected(f"The result is not a {type(expected).__name__.lower()}.", show(expected), show(seen))
    if seen.shape != expected.shape:
        raise Unexpected("The shape is not the expected one.", f"shape {tuple(expected.shape)}", f"shape {tuple(seen.shape)}")
    if seen.dtype != expected.dtype:
        raise Unexpected("The dtype is not the expected one.", str(expected.dtype), str(seen.dtype))
    one, other = torch.as_tensor(seen).double(), torch.as_tensor(expected).double()
    wrong = ~torch.isclose(one, other, rtol=rtol, atol=atol, equal_nan=True)
    if wrong.any():
        at = tuple(int(i) for i in wrong.nonzero()[0])
        share = f"{int(wrong.sum())} of {wrong.numel()} values differ, the first at index {at}." if at else ""
        text = f"{message or 'The values are not the expected ones.'} {share}".strip()
        raise Unexpected(text, _around(other, at), _around(one, at), _differences((one - other).abs(), wrong, at))


def _differences(far: Any, wrong: Any, at: tuple[int, ...]) -> str:
    """A map of the rows and columns around the index `at`, as `Problem.differences` has it."""
    import torch

    if not at or wrong.numel() == 1:
        return ""
    far = torch.where(wrong, far.nan_to_num(nan=torch.inf), 0)[at[:-2]]
    far = far if far.ndim == 2 else far[None]
    rows, columns = (slice(i // size * size, i // size * size + size) for i, size in zip((0, *at)[-2:], LARGEST_MAP))
    far = far[rows, columns]
    furthest = max(far[far.isfinite()].tolist(), default=0) or 1
    digits = (9 * far / furthest).ceil().clamp(max=9).int().tolist()
    return "\n".join("".join(str(digit or ".") for digit in row) for row in digits)


def gradients(function: Remote, *args: object, upstream: Any = None, **kwargs: object) -> list:
    """Calls `function` and gives the gradient of `(result * upstream).sum()` for each floating-point tensor among the
    arguments, in order; None where no gradient arrives."""
    session = function._session
    return session.request("gradients", function, list(args), kwargs, upstream, label=function._label,
                           args=args, kwargs=kwargs)


def inputs_after(function: Remote, *args: object, **kwargs: object) -> tuple[list, dict]:
    """Calls `function` and gives its positional and keyword arguments as they stand afterwards."""
    return tuple(function._session.request("inputs_after", function, list(args), kwargs, label=function._label,
                                           args=args, kwargs=kwargs))


@contextmanager
def raises(kind: str, message: str = "") -> Iterator[list[Raised]]:
    """Fails unless the learner's code raises an exception whose class, or a class it comes from, has the name `kind`.
    The list that it gives holds the exception afterwards."""
    caught: list[Raised] = []
    try:
        yield caught
    except Raised as raised:
        if "NotImplementedError" in raised.kinds:  # not a wrong exception: no answer yet
            raise
        if kind not in raised.kinds:
            raise Unexpected(message or f"It should raise {kind} here.", kind, str(raised)) from None
        caught.append(raised)
        return
    raise Unexpected(message or f"It should raise {kind} here, and did not raise.", f"{kind} raised", "no exception")


def _equal(one: Any, other: Any) -> bool:
    if hasattr(one, "shape") or hasattr(other, "shape"):
        same = getattr(one, "shape", None) == getattr(other, "shape", None) and one.dtype == other.dtype
        return same and bool((one == other).all())
    return type(one) is type(other) and one == other or (
        isinstance(one, (int, float)) and isinstance(other, (int, float)) and one == other
    )


def _around(values: Any, at: tuple[int, ...]) -> str:
    """The row of `values` that holds index `at`."""
    row = values[at[:-1]] if at else values
    start = max(0, at[-1] - 4) if at else 0
    text = show(row[start : start + 8].float() if row.dim() else row.float())
    place = ", ".join(map(str, at[:-1]))
    return text if values.dim() < 2 else f"[{place}] → {text}"


def constants(checks: Path) -> dict[str, Any]:
    """The literal constants of a file of checks, by name."""
    found = {}
    for node in ast.parse(checks.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                pass
    return found
