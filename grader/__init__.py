"""GenAI Pathways: lessons, their checks, and the grader that scores them."""

from collections.abc import Callable


def lesson(slug: str) -> Callable[[str], float]:
    """The function `check` of a lesson's notebook: `check("softmax")` checks the exercise in the notebook that calls it
    and shows what holds and what does not."""
    from grader.notebook import checker  # not at the top: a sandbox imports this package and needs none of it

    return checker(slug)


__all__ = ["lesson"]
