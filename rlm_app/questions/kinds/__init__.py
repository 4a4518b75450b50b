"""The kinds of questions. Each finds drafts in the facts of one file."""

from collections.abc import Callable, Iterator

from rlm_app.questions.codebase import Codebase
from rlm_app.questions.drafts import Draft
from rlm_app.questions.facts import File
from rlm_app.questions.kinds.calls import callees, callers
from rlm_app.questions.kinds.classes import ancestors, inherited, overrides
from rlm_app.questions.kinds.constants import constants
from rlm_app.questions.kinds.exceptions import raised, raised_bases
from rlm_app.questions.kinds.places import definitions, imports
from rlm_app.questions.kinds.signatures import defaults, parameters

KINDS: dict[str, Callable[[Codebase, File], Iterator[Draft]]] = {
    "definition": definitions,
    "caller": callers,
    "callee": callees,
    "default": defaults,
    "parameters": parameters,
    "raises": raised,
    "raised base": raised_bases,
    "override": overrides,
    "inherited": inherited,
    "ancestor": ancestors,
    "import": imports,
    "constant": constants,
}
"""In the order in which questions take turns."""
