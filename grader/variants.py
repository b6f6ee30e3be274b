"""Other versions of a solution, as a lesson's `variants.py` states them in its list `VARIANTS`.

A variant is an edit of one exercise: the text `right`, which must occur once in its solution, becomes the other text.
Without `right` the other text replaces all that stands between BEGIN SOLUTION and END SOLUTION.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """A right solution that is not the author's: it must score full."""

    exercise: str
    name: str
    other: str
    right: str = ""

    @property
    def text(self) -> str:
        return self.other


@dataclass(frozen=True)
class Mistake:
    """A wrong solution that people really write: it must lose marks. `hint` is the sentence that a learner who made it
    needs; `spoils` names the exercises that build on this one and lose marks with it."""

    exercise: str
    name: str
    wrong: str
    hint: str
    right: str = ""
    spoils: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.wrong


Variant = Alternative | Mistake
