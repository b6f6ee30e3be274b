"""Filling the templates, so that whatever a submission contains stays text."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.pages import words


def render(template: str, **values: object) -> str:
    """The template with these values in it, each escaped and bounded unless it is markup of our own."""
    return _environment().get_template(template).render(values)


def prose(text: str) -> Markup:
    """`text` as markup, with what stands between backticks set as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(words.plain(text)))))


def whole(text: str) -> Markup:
    """Our own `text`, however long it is."""
    return escape(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if hasattr(value, "__html__") else words.plain(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers = (prose, whole, words.number, words.score, words.praise, words.build_first, words.unwritten, words.map_words,
               words.next_words)
    environment.globals.update({helper.__name__: helper for helper in helpers}, NOT_WRITTEN=words.NOT_WRITTEN)
    return environment
