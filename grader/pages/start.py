"""The page on which a learner begins: the three pathways, what is done, and what is next."""

from collections.abc import Sequence
from dataclasses import dataclass

from grader.pages.render import render


@dataclass(frozen=True)
class Step:
    """A lesson as the page shows it. `solved`: how many of its `exercises` hold."""

    title: str
    module: str
    minutes: int
    difficulty: str
    address: str
    exercises: int
    solved: int

    @property
    def done(self) -> bool:
        return self.solved == self.exercises

    @property
    def state(self) -> str:
        return "done" if self.done else "begun" if self.solved else "not begun"


PATHWAYS = {
    "1_transformer": ("Train a transformer", "for the AI/ML specialist"),
    "2_app": ("Build an app on a model API", "for the AI application developer"),
    "3_prompts": ("Chain and test prompts", "for the prompt and systems engineer"),
}


def start_page(steps: Sequence[Step], last: str = "") -> str:
    """The page as HTML that needs no script.

    Args:
        steps: all lessons in teaching order.
        last: the address of the lesson worked on last; what is next stays on its pathway.
    """
    open_steps = [step for step in steps if not step.done]
    module = next((step.module for step in steps if step.address == last), "")
    ahead = [step for step in open_steps if step.address == last] + [step for step in open_steps if step.module == module]
    modules = {step.module: [s for s in steps if s.module == step.module] for step in steps}
    pathways = {name: (*PATHWAYS.get(name, (name, "")), found) for name, found in modules.items()}
    return render("start.html.j2", pathways=pathways, next_step=next(iter(ahead + open_steps), None))
