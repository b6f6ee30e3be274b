"""Running a submission's code in a process of its own, forked from a warm parent, that answers calls with data."""

from grader.sandbox.layers import refusal
from grader.sandbox.outside import Limits, Sandbox, WarmParent

__all__ = ["Limits", "Sandbox", "WarmParent", "refusal"]
