"""One zip that holds a bench so that others can check it: what was decided, every attempt, every trajectory.

Contexts stay out: the data set's name and digest say where they are had. `bench.json` holds configuration, package
versions, data set revision and prompt hash; `attempts.jsonl` the attempts; `runs/<id>.jsonl` the events of each run,
and `blobs/<SHA-256>` the texts that they name.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from rlm_app.benches import OPEN, Attempt, Bench
from rlm_app.benchmarking.leases import Services
from rlm_app.errors import DatasetUnavailable, NotFound, RlmAppError
from rlm_app.events import EVENT, Event, RunFinished, RunStarted
from rlm_app.model import Body, Frozen, json_of

FORMAT = 1
MAX_ENTRIES = 200_000
MAX_ENTRY_BYTES = 256 * 2**20
MAX_BYTES = 4 * 2**30  # unpacked, in all
_LARGEST = 2**63  # what a column of a database holds

_NAME = re.compile(r"bench\.json|attempts\.jsonl|runs/[A-Za-z0-9]{1,64}\.jsonl|blobs/[0-9a-f]{64}")


class Head(Frozen):
    """`bench.json`."""

    format: int
    bench: Bench
    dataset_source: str = ""
    dataset_revision: str = ""


def export_bench(bench_id: str, file: Path, services: Services) -> int:
    """Write a bench to a zip and return how many runs are in it. Attempts that have not ended go without their runs.

    Raises:
        NotFound: no such bench.
        DatasetUnavailable: the file cannot be written.
    """
    bench = services.benches.bench(bench_id)
    attempts = [_as_exported(attempt) for attempt in services.benches.attempts([bench.id], latest=False)]
    part = file.with_name(f"{file.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bench.json", _head(bench, services).model_dump_json(indent=2))
            archive.writestr("attempts.jsonl", _lines(json.dumps(json_of(attempt)) for attempt in attempts))
            runs = _write_runs(archive, attempts, services)
        part.replace(file)
    except OSError as error:
        raise DatasetUnavailable(f"{file} cannot be written ({error.strerror}); choose another place.") from None
    finally:
        part.unlink(missing_ok=True)
    return runs


def _head(bench: Bench, services: Services) -> Head:
    with suppress(NotFound):
        dataset = services.datasets.dataset(bench.dataset)
        if dataset.digest == bench.revision:
            return Head(format=FORMAT, bench=bench, dataset_source=dataset.source, dataset_revision=dataset.revision)
    return Head(format=FORMAT, bench=bench)


def _as_exported(attempt: Attempt) -> Attempt:
    plain = {"owner": "", "lease_until": 0.0, "allotted": None}
    if attempt.outcome in OPEN:
        plain |= {"outcome": "waiting", "run_id": None}
    return attempt.model_copy(update=plain)


def _write_runs(archive: zipfile.ZipFile, attempts: Iterable[Attempt], services: Services) -> int:
    store, written, runs = services.runs.store, set[str](), 0
    for attempt in attempts:
        told = store.events(attempt.run_id) if attempt.run_id else []
        if not told:
            continue
        runs += 1
        archive.writestr(f"runs/{attempt.run_id}.jsonl", _lines(event.model_dump_json() for event in told))
        for digest in _blobs(told) - written:
            archive.writestr(f"blobs/{digest}", store.get_blob(digest))
            written.add(digest)
    return runs


def import_bench(file: Path, services: Services) -> Bench:
    """Read back what `export_bench` wrote, all of it or nothing.

    Raises:
        DatasetUnavailable: not such a file, one that is too large, or a bench that is here already.
    """
    with _refusals(file), zipfile.ZipFile(file) as archive:
        read = _Archive(archive)
        head = Head.model_validate_json(read("bench.json"))
        attempts = [Attempt.model_validate_json(line) for line in read("attempts.jsonl").splitlines()]
        _check(head, attempts)
        runs = sorted(name for name in read.names if name.startswith("runs/"))
        _check_figures([head, attempts])
        for name in runs:  # all are looked at before the first is stored
            _check_run(name, _events(read(name)), read, {attempt.run_id for attempt in attempts})
        for name in read.names:
            if name.startswith("blobs/") and hashlib.sha256(read(name)).hexdigest() != name.removeprefix("blobs/"):
                raise ValueError(f"{name} is not what its name says")
        _store(head.bench, attempts, runs, read, services)
    return services.benches.bench(head.bench.id)


def _check(head: Head, attempts: list[Attempt]) -> None:
    bench, keys = head.bench, [attempt.key for attempt in attempts]
    if head.format != FORMAT:
        raise ValueError(f"its format {head.format} is another than {FORMAT}, so it needs another version of rlm-app")
    if bench.id != bench.key:
        raise ValueError("its id does not fit what it says was asked")
    if len(set(keys)) < len(keys):
        raise ValueError("an attempt is in it twice")
    examples = set(bench.examples)
    for attempt in attempts:
        if attempt.bench != bench.id or attempt.example not in examples or attempt.epoch > bench.epochs:
            raise ValueError(f"an attempt at {attempt.example!r} is none of this bench")
        if attempt != _as_exported(attempt):
            raise ValueError(f"the attempt at {attempt.example!r} is said to be under way")
    if {(attempt.example, attempt.epoch) for attempt in attempts} != {
        (example, epoch) for example in examples for epoch in range(1, bench.epochs + 1)
    }:
        raise ValueError("attempts are missing")


def _check_figures(value: object) -> None:
    """Whether every figure can be stored and read back: one infinity would spoil each list that it stands in.

    Raises:
        ValueError: one cannot.
    """
    stack = [value]
    while stack:
        match stack.pop():
            case BaseModel() as model:
                stack += [one for _, one in model]
            case dict() as items:
                stack += items.values()
            case list() | tuple() as items:
                stack += items
            case float() | int() as figure if not -_LARGEST < figure < _LARGEST:
                raise ValueError("it holds a figure that no bench has")


def _check_run(name: str, told: list[Event], read: "_Archive", wanted: set[str | None]) -> None:
    run_id = name.removeprefix("runs/").removesuffix(".jsonl")
    start, end = (told[0], told[-1]) if told else (None, None)
    if not isinstance(start, RunStarted) or start.run_id != run_id or run_id not in wanted:
        raise ValueError(f"{name} does not begin as a run of this bench")
    if not isinstance(end, RunFinished) or [event.seq for event in told] != list(range(len(told))):
        raise ValueError(f"{name} is not a whole run")
    _check_figures(told)
    if missing := {f"blobs/{digest}" for digest in _blobs(told)} - set(read.names):
        raise ValueError(f"{min(missing)} is missing")


def _store(bench: Bench, attempts: list[Attempt], runs: list[str], read: "_Archive", services: Services) -> None:
    store, stored = services.runs.store, list[str]()
    try:
        for name in runs:
            told = _events(read(name))
            run_id = name.removeprefix("runs/").removesuffix(".jsonl")
            if there := store.events(run_id):
                if there != told:
                    raise ValueError(f"another run {run_id} is here already")
                continue
            for digest in _blobs(told):
                store.put_blob(read(f"blobs/{digest}"))
            stored.append(run_id)
            for event in told:
                store.append(run_id, event)
        services.benches.put_attempts(bench, attempts)
    except BaseException:
        for run_id in stored:
            with suppress(RlmAppError):
                store.delete(run_id)
        raise


class _Archive:
    """The entries of a zip by name, within limits whatever the zip says of itself. Nothing is written to disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._left = archive, 3 * MAX_BYTES  # each entry is read up to three times
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"it has more than {MAX_ENTRIES:,} entries")
        self.names = [entry.filename for entry in entries]
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"it holds {name[:80]!r}, which no export does")
        if len(set(self.names)) < len(self.names):
            raise ValueError("an entry is in it twice")
        if sum(entry.file_size for entry in entries) > MAX_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_BYTES // 2**30} GB")

    def __call__(self, name: str) -> bytes:
        """Raises: ValueError, KeyError, zlib.error, zipfile.BadZipFile."""
        with self._archive.open(name) as entry:
            data = entry.read(min(MAX_ENTRY_BYTES, self._left) + 1)
        self._left -= len(data)
        if len(data) > MAX_ENTRY_BYTES or self._left < 0:
            raise ValueError(f"{name} is too large")
        return data


def _events(data: bytes) -> list[Event]:
    return [EVENT.validate_json(line) for line in data.splitlines()]


def _blobs(told: Iterable[Event]) -> set[str]:
    """Digests of the texts that events name; contexts are not among them."""
    bodies = (value for event in told for _, value in event if isinstance(value, Body))
    return {body.blob for body in bodies if body.blob}


def _lines(texts: Iterator[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


@contextmanager
def _refusals(file: Path) -> Iterator[None]:
    """Whatever is wrong with a file, in one sentence. Raises: DatasetUnavailable."""
    try:
        yield
    except OSError as error:
        raise DatasetUnavailable(f"{file} cannot be read ({error.strerror or error}); check its path.") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"][:3])
        raise _not_ours(file, f"what it says of {where or 'itself'} cannot be read") from None
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise _not_ours(file, "it is not such a zip, or damaged") from None
    except ValueError as error:
        raise _not_ours(file, str(error)) from None


def _not_ours(file: Path, why: str) -> DatasetUnavailable:
    return DatasetUnavailable(
        f"{file.name} cannot be imported: {why}. `rlm-app bench export ID -o FILE.zip` writes such files."
    )
