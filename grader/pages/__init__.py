"""What people read: the panel in a notebook, the feedback on a submission, the report on a class."""

from grader.pages.feedback import feedback_page
from grader.pages.panel import Advice, panel_html, panel_text

__all__ = ["Advice", "feedback_page", "panel_html", "panel_text", "report_page"]


def __getattr__(name: str) -> object:
    # The report draws with matplotlib, which takes longer to import than a check in a notebook takes to run.
    if name == "report_page":
        from grader.pages.report import report_page

        return report_page
    raise AttributeError(name)
