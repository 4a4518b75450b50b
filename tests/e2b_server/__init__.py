"""E2B on loopback, for the real SDK: control plane, edge, and envd over real subprocesses.

    with E2BServer() as server:
        os.environ |= server.environment

Three of envd's habits are kept: output is dropped while nobody is subscribed, uploads are not atomic, and a process
outlives its stream. One event loop in a thread of its own serves all of it, over HTTP/1.1 without TLS.
"""

from tests.e2b_server.faults import Fault
from tests.e2b_server.server import E2BServer

__all__ = ["E2BServer", "Fault"]
