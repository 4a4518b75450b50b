"""How fast a repository becomes a corpus, and in how much memory.

    python -m tests.performance.bench_flatten [MB …]

Each reader is a process of its own, timed from its start to its end, the start of Python and all imports included;
the readers take turns, so that a busy moment of the machine meets them all. Shown are the least and the median of the
wall seconds, the peak of the process's own resident memory, and what the medians are of the smallest reader's and of
gitingest's. Repositories are generated, so that the figures can be had anywhere; they are packed as a server would
send them.

`smallest` is the least Python that reads and decodes every blob: it writes nothing, selects nothing and keeps no index.
`load` and `write` are the library's two ways, from the same kind of start; `command` is `rlm-app flatten -o`, with
settings, arguments and the receipt on top. gitingest is used as a library too, and measured where it is installed: in
this environment, or by the interpreter named in GITINGEST_PYTHON.
"""

import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.repositories import make_repository, run_git

PEAK = """
import re
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(peak)
"""
SMALLEST = """
import subprocess, sys
git = ["git", "-C", sys.argv[1]]
lines = subprocess.run([*git, "ls-tree", "-r", "-z", "HEAD"], capture_output=True).stdout.split(b"\\0")[:-1]
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20)
process = subprocess.Popen([*git, "cat-file", "--batch"], **pipes)
import threading
oids = b"\\n".join(line.split(b"\\t")[0].split()[2] for line in lines) + b"\\n"
threading.Thread(target=lambda: (process.stdin.write(oids), process.stdin.close())).start()
chars = 0
for line in lines:
    size = int(process.stdout.readline().split()[2])
    chars += len(process.stdout.read(size + 1)[:-1].decode(errors="replace"))
"""
OURS = """
import sys
from pathlib import Path
from rlm_app.adapters.git import GitSource, Limits
from rlm_app.codebase import Selection
from rlm_app.stop import Stop
source = GitSource(Path(sys.argv[1]) / "cache", Limits(corpus_chars=500_000_000))
arguments = dict(stop=Stop(), progress=lambda *told: None)
"""
LOAD = OURS + "corpus, receipt = source.load(sys.argv[1], Selection(), **arguments)\n"
WRITE = OURS + "source.write(sys.argv[1], Selection(), Path(sys.argv[1] + '.txt'), **arguments)\n"
COMMAND = """
import sys
from rlm_app.cli import main
sys.argv[1:] = ["flatten", sys.argv[1], "-o", sys.argv[1] + ".txt"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""
GITINGEST = """
import sys
from gitingest import ingest
ingest(sys.argv[1], max_file_size=10**9)
"""
ROUNDS = 5


def make_sample(folder: Path, megabytes: float) -> None:
    """A repository of about that much program text, packed with deltas as a server would."""
    chance = random.Random(7)
    names = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randint(3, 12))) for _ in range(4000)]
    files, total = {}, 0
    while total < megabytes * 1e6:
        lines = []
        for _ in range(int(chance.lognormvariate(4.6, 1))):
            indent = "    " * chance.randint(0, 3)
            lines.append(f"{indent}{' '.join(chance.choices(names, k=chance.randint(1, 8)))}\n")
        content = "".join(lines).encode()
        total += len(content)
        files[f"src/{chance.choice(names)}/{chance.choice(names)}_{len(files)}.py"] = content
    make_repository(folder, files)
    run_git("-C", str(folder), "repack", "-adq", "--window=5")
    run_git("-C", str(folder), "reset", "--hard", "--quiet")


def measure(script: str, folder: Path, python: str) -> tuple[float, float]:
    """Wall seconds of one process, and its peak MB."""
    written = folder.with_name(f"{folder.name}.txt")
    written.unlink(missing_ok=True)  # making room for a second copy is no part of the work
    environment = {**os.environ, "RLM_APP_HOME": str(folder.parent / "home"), "RLM_APP_MAX_CORPUS_MB": "500"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled once, not at each start
    command = [python, "-c", script + PEAK, str(folder)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return time.perf_counter() - started, float(done.stdout.split()[-1])


def compare(readers: dict[str, tuple[str, str]], folder: Path) -> dict[str, tuple[float, float, float]]:
    """Least and median seconds and peak MB of each reader (script, interpreter), in turns after one that counts not."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for turn in range(ROUNDS + 1):
        for name, (script, python) in readers.items():
            if turn <= 2 or name != "gitingest":  # which would take most of the time, and is far away
                figures = measure(script, folder, python)
                runs[name] += [figures] if turn else []
    figures = {}
    for name, taken in runs.items():
        seconds, peaks = zip(*taken, strict=True)
        figures[name] = (min(seconds), statistics.median(seconds), max(peaks))
    return figures


def main() -> None:
    sizes = [float(size) for size in sys.argv[1:]] or [2, 45, 100]
    gitingest = os.environ.get("GITINGEST_PYTHON") or (
        sys.executable if importlib.util.find_spec("gitingest") else None
    )
    ours = {"smallest": SMALLEST, "load": LOAD, "write": WRITE, "command": COMMAND}
    readers = {name: (script, sys.executable) for name, script in ours.items()}
    if gitingest:
        readers["gitingest"] = (GITINGEST, gitingest)
    else:
        print("gitingest is not installed here and GITINGEST_PYTHON is not set: left out")
    print(
        f"{'MB':>5}  {'reader':<10} {'least s':>8} {'median s':>8} {'peak MB':>8} "
        f"{'of smallest':>12} {'of gitingest':>13}"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "sample"
            make_sample(folder, size)
            figures = compare(readers, folder)
            base, far = figures["smallest"][1], figures.get("gitingest", (0, 0, 0))[1]
            for name, (least, median, peak) in figures.items():
                row = f"{size:>5g}  {name:<10} {least:>8.3f} {median:>8.3f} {peak:>8.0f} {median / base:>11.2f}x"
                print(f"{row} {f'1/{far / median:.1f}' if far else '':>13}", flush=True)


if __name__ == "__main__":
    main()
