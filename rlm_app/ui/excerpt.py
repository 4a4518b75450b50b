"""Cited lines of a file as HTML: numbered, coloured, the cited ones marked."""

from rlm_app.citations import excerpt
from rlm_app.codebase import Corpus
from rlm_app.model import Citation
from rlm_app.ui.code import numbered
from rlm_app.ui.text import visible

MAX_LINES = 120
MAX_LINE_CHARS = 400
MAX_LINES_ABOVE = 2_000  # that are read only to colour what follows them
AROUND = 3  # lines shown before and after


def excerpt_html(corpus: Corpus, citation: Citation, *, dark: bool) -> str:
    """HTML for `st.html` of the cited lines with a few around them; empty where there is no such file or line."""
    reach = citation.first if citation.first <= MAX_LINES_ABOVE else AROUND
    start, read = excerpt(corpus, citation, reach)
    if not read:
        return ""
    first = max(citation.first - AROUND, 1)
    clean = [visible(line)[:MAX_LINE_CHARS] for line in read[: citation.last + AROUND + 1 - start]]
    above, lines = clean[: first - start], clean[first - start :][:MAX_LINES]
    cited = range(citation.first - first + 1, min(citation.last - first + 1, len(lines)) + 1)
    return numbered(lines, citation.path, first, list(cited), above=above, dark=dark)
