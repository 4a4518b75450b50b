"""What a model is given in its REPL beside the corpus: helpers to look around, and the words that explain them.

The source of `definitions` and `repl` is executed once inside the sandbox, in a function of its own, so nothing a model
assigns later can break it. Only `NAMES` are seen; they are to be bound again before each step.
"""

import inspect

from rlm_app import definitions, repl
from rlm_app.codebase import Corpus

CONTEXT_NAME = "_rlm_context"
INDEX_NAME = "_rlm_index"
NAMES = ("files", "tree", "read", "grep", "outline", "definitions")
UNNAMED = "context"
"""How the one file of a corpus without paths is called."""

DOCUMENTATION = """\
Before each file, in path order, `context` has a line `===== <path> (<n> lines) =====`. Where a codebase came without
paths, it is one file called `context`. These functions read the same files, faster than a search through `context`:
- `tree(path="", depth=2)` -> str: folders and files with line counts.
- `files(glob="**")` -> list[str]: paths. `*.py` finds names in any folder, `src/**/test_*.py` whole paths, `src/` all
  below a folder.
- `grep(pattern, path_glob="**", ignore_case=False, max_results=100, context=0)` -> str: `path:line: text` for each line
  that the regular expression matches, with so many lines of context around; says so when more matched than are shown.
- `outline(path)` -> str: the definitions of one file (headings of a document), each with its `first-last` lines.
- `definitions(path)` -> list of (first, last, qualified name): the same for programs.
- `read(path, first=1, last=None, numbered=True)` -> str: those lines, both ends included, with their numbers.
They return and do not print. Lines count from 1 within each file. A wrong path raises ValueError naming the nearest.
Cite lines that you have read as `path:first-last`, right after the claim they support."""


def is_unnamed(corpus: Corpus) -> bool:
    """Whether the corpus is one text without paths, as in LongBench."""
    return not corpus.files or (len(corpus.files) == 1 and corpus.files[0].path in ("", UNNAMED))


def index(corpus: Corpus) -> list[list[str | int]]:
    """The value to bind as `INDEX_NAME`: [path, first line in the context from 0, lines, characters] for each file.

    Takes one pass over the text, since a header or a forged one inside a file is never looked at.
    """
    if not corpus.files:
        return [[UNNAMED, 0, corpus.text.count("\n") + 1, len(corpus.text)]]
    rows: list[list[str | int]] = []
    line = offset = 0
    for span in corpus.files:
        line += corpus.text.count("\n", offset, span.start)
        offset = span.start
        rows.append([span.path or UNNAMED, line, span.lines, span.chars])
    return rows


def source() -> str:
    """Python to execute once in a sandbox where `CONTEXT_NAME` and `INDEX_NAME` are bound."""
    modules = "\n\n".join(inspect.getsource(module) for module in (definitions, repl))
    body = [line for line in modules.split("\n") if not line.startswith("from rlm_app")]
    names = ", ".join(NAMES)
    return "\n".join(
        [
            "def _rlm_toolkit(_text, _rows):",
            *("    " + line if line else "" for line in body),
            '    _lines = _text.split("\\n")',
            "    _index = _rows",
            "    _spans = {row[0]: (row[1], row[2]) for row in _rows}",
            f"    return {names}",
            f"{names} = _rlm_toolkit({CONTEXT_NAME}, {INDEX_NAME})",
            "",
        ]
    )
