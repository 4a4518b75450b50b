"""Cited lines of a file as HTML: numbered, coloured, the cited ones marked."""

from rlm_app.citations import excerpt
from rlm_app.model import Citation, Corpus
from rlm_app.ui.code import numbered
from rlm_app.ui.text import visible

MAX_LINES = 120
MAX_LINE_CHARS = 400


def excerpt_html(corpus: Corpus, citation: Citation, *, dark: bool) -> str:
    """HTML for `st.html` of the cited lines with a few around them; empty where there is no such file or line."""
    first, lines = excerpt(corpus, citation)
    if not lines:
        return ""
    _, above = excerpt(corpus, citation, around=citation.first)
    before = [visible(line)[:MAX_LINE_CHARS] for line in above[: first - 1]]
    lines = [visible(line)[:MAX_LINE_CHARS] for line in lines[:MAX_LINES]]
    cited = range(citation.first - first + 1, min(citation.last - first + 1, len(lines)) + 1)
    return numbered(before, lines, citation.path, list(cited), dark=dark)
