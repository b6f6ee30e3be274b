"""The words that all pages share, and the bounds on what they take from a submission."""

import re

from grader.results import NOT_WRITTEN, ExerciseResult

LONGEST = 1000  # characters of one value
MOST_LINES = 20

# Control characters drive a terminal, direction marks disguise what follows, half characters cannot be written to a
# file.
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def plain(value: object, longest: int = LONGEST) -> str:
    """`value` as text fit to be shown: no longer than about `longest`, in few lines, with nothing invisible in it."""
    text = str(value)
    rest = f"… ({len(text):,} characters)" if len(text) > longest else ""
    lines = UNFIT.sub("\N{REPLACEMENT CHARACTER}", text[:longest]).split("\n")
    if len(lines) > MOST_LINES:
        lines, rest = lines[:MOST_LINES], rest or "\n…"
    return "\n".join(lines) + rest


def number(value: float) -> str:
    """`value` with at most two decimals, and none that says nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def score(earned: float, points: float) -> str:
    """For example: 3 of 4 points."""
    return f"{number(earned)} of {number(points)} {'point' if points == 1 else 'points'}"


def unwritten(result: ExerciseResult) -> bool:
    """Whether the learner has not begun to write this exercise."""
    problems = [check.problem for check in result.checks]
    return bool(problems) and all(problems) and any(p.message == NOT_WRITTEN for p in problems)


def praise(result: ExerciseResult) -> str:
    """What to say when everything holds."""
    visible = "" if any(check.hidden for check in result.checks) else "visible "  # hidden ones come with grading
    match len(result.checks):
        case 0:
            return "Nothing to check here; it is checked when you hand in."
        case 1:
            return f"Its {visible}check holds. Well done!"
        case 2:
            return f"Both {visible}checks hold. Well done!"
        case count:
            return f"All {count} {visible}checks hold. Well done!"


def next_words(following: str) -> str:
    """What comes after an exercise that holds."""
    if following:
        return f"Next: `{following}`, further down."
    return "That was this lesson's last exercise. What to do next: the start page, or `grader next`."


def build_first(unmet: tuple[str, ...]) -> str:
    """What to say when exercises that this one uses do not hold yet."""
    names = [f"`{name}`" for name in unmet]
    if len(names) == 1:
        return f"{names[0]}, which this uses, does not hold yet: mend it first."
    return f"{', '.join(names[:-1])} and {names[-1]}, which this uses, do not hold yet: mend them first."


def map_words(rows: list[str]) -> str:
    """What a map of differences shows, in words."""
    far = [(int(sign), row, column) for row, signs in enumerate(rows) for column, sign in enumerate(signs) if sign != "."]
    _, row, column = max(far, key=lambda place: place[0])
    where = f"column {column}" if len(rows) == 1 else f"row {row}, column {column}"
    count = sum(map(len, rows))
    return f"Where they differ: {len(far)} of {count} values, most at {where} (counted from 0 in this map; 9 is furthest off)."
