"""How fast a repository becomes a corpus, and in how much memory.

    python -m tests.performance.bench_flatten [MB …]

Each reader is a process of its own: wall seconds from its start to its end, median of three, and the peak of its own
resident memory. Repositories are generated, so that the figures can be had anywhere; they are packed as a server
would send them. `smallest` is the least Python that reads every blob. gitingest is measured where it is installed:
in this environment, or by the interpreter named in GITINGEST_PYTHON.
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
from rlm_app.model import Selection
from rlm_app.stop import Stop
source = GitSource(Path(sys.argv[1]) / "cache", Limits(corpus_chars=500_000_000))
arguments = dict(stop=Stop(), progress=lambda *told: None)
"""
LOAD = OURS + "corpus, receipt = source.load(sys.argv[1], Selection(), **arguments)\n"
WRITE = OURS + "source.write(sys.argv[1], Selection(), Path(sys.argv[1] + '.txt'), **arguments)\n"
GITINGEST = """
import sys
from gitingest import ingest
ingest(sys.argv[1], max_file_size=10**9)
"""


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


def measure(script: str, folder: Path, python: str = sys.executable) -> tuple[float, float]:
    """Median wall seconds of three runs, and peak MB."""
    seconds, peaks = [], []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run(
            [python, "-c", script + PEAK, str(folder)], capture_output=True, text=True, check=True, cwd=Path.cwd()
        )
        seconds.append(time.perf_counter() - started)
        peaks.append(float(done.stdout.split()[-1]))
    return statistics.median(seconds), max(peaks)


def main() -> None:
    sizes = [float(size) for size in sys.argv[1:]] or [2, 45, 100]
    gitingest = os.environ.get("GITINGEST_PYTHON") or (
        sys.executable if importlib.util.find_spec("gitingest") else None
    )
    readers = [("smallest", SMALLEST, sys.executable), ("ours: load", LOAD, sys.executable)]
    readers.append(("ours: write", WRITE, sys.executable))
    if gitingest:
        readers.append(("gitingest", GITINGEST, gitingest))
    else:
        print("gitingest is not installed here and GITINGEST_PYTHON is not set: left out")
    print(f"{'MB':>5}  {'reader':<12} {'seconds':>8} {'peak MB':>8} {'of smallest':>12}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "sample"
            make_sample(folder, size)
            least = 0.0
            for name, script, python in readers:
                seconds, peak = measure(script, folder, python)
                least = least or seconds
                print(f"{size:>5g}  {name:<12} {seconds:>8.2f} {peak:>8.0f} {seconds / least:>11.1f}x", flush=True)


if __name__ == "__main__":
    main()
