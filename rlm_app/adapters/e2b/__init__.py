"""E2B: full CPython in a cloud sandbox, without network and without keys. Starts in a second or two.

    from rlm_app.adapters.e2b import E2BInterpreter

    rlm = dspy.RLM("context, question -> answer", interpreter_factory=E2BInterpreter.factory(timeout=600))

`interpreter` is what dspy sees; `session` one sandbox from start to end; `link` and `frames` the line to the `worker`,
which runs in the sandbox; `calls` and `inputs` what goes over it; `cloud`, `places` and `remote` wrap the SDK; `faults`
says in words what went wrong.
"""

from rlm_app.adapters.e2b.cloud import Leftover, kill_leftovers, leftovers
from rlm_app.adapters.e2b.faults import E2BLost, E2BUnavailable
from rlm_app.adapters.e2b.interpreter import E2BInterpreter, probe
from rlm_app.adapters.e2b.options import Options

__all__ = ["E2BInterpreter", "E2BLost", "E2BUnavailable", "Leftover", "Options", "kill_leftovers", "leftovers", "probe"]
