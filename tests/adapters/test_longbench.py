"""Rows through Hugging Face `datasets`, from files and from a hub that runs here."""

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rlm_app.adapters.longbench import PINNED, REPOSITORY, Hub, LongBenchTables
from rlm_app.errors import DatasetUnavailable
from rlm_app.rows import CODE, FIELDS
from tests.longbench_files import longbench_rows, row, write_file

KINDS = (".json", ".jsonl", ".parquet")


def read(path: Path, domain: str | None = None) -> list[dict[str, object]]:
    with LongBenchTables().file(path) as table:
        return [{field: one[field] for field in FIELDS} for one in table.rows(domain)]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_as_they_are_and_in_order(tmp_path: Path, kind: str) -> None:
    rows = list(longbench_rows())
    path = write_file(tmp_path / f"data [1]{kind}", rows)  # brackets are a pattern to `datasets`
    assert read(path) == rows
    assert read(path, CODE) == [one for one in rows if one["domain"] == CODE]
    with LongBenchTables().file(path) as table:
        assert table.domains() == {CODE: 50, "Single-Document QA": 10}
        assert table.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(list(table.rows(None))) == len(list(table.rows(None))), "it can be read again"


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_of_16_mb_comes_whole_among_others(tmp_path: Path, kind: str) -> None:
    line = "".join(random.Random(1).choices('abcdefgh \\"\t✓', k=80)) + "\n"
    large = (line * 210_000)[:16_182_936]
    rows = [row(0), row(1, context=large), *map(row, range(2, 9))]
    found = read(write_file(tmp_path / f"data{kind}", rows))
    assert [one["_id"] for one in found] == [one["_id"] for one in rows]
    assert hashlib.sha256(str(found[1]["context"]).encode()).digest() == hashlib.sha256(large.encode()).digest()
    assert found[8] == rows[8]


def test_lines_in_a_file_called_json_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text("\ufeff" + "\n".join(json.dumps(row(n)) for n in range(3)) + "\n", encoding="utf-8")
    assert read(path) == [row(0), row(1), row(2)]
    path.write_text("\ufeff" + json.dumps([row(0), row(1)]), encoding="utf-8")
    assert read(path) == [row(0), row(1)]


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    return path


def text(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


BAD = {
    "no such file": (lambda folder: folder / "none.json", "cannot be read (No such file"),
    "a folder": (lambda folder: folder, "not a data set file"),
    "another kind": (lambda folder: text(folder / "data.csv", "a,b"), "ends in .json, .jsonl, .parquet"),
    "no JSON": (lambda folder: text(folder / "data.json", "hello"), "is not JSON"),
    "empty": (lambda folder: text(folder / "data.jsonl", ""), "is not JSON"),
    "one object": (lambda folder: text(folder / "data.json", '{"a": 1}'), "has no column _id"),
    "array of numbers": (lambda folder: text(folder / "data.json", "[1, 2]"), "cannot be read as JSON"),
    "array without end": (lambda folder: text(folder / "data.json", "[" * 100_000), "cannot be read as JSON"),
    "array that is cut": (lambda folder: truncated(write_file(folder / "data.json", map(row, range(9)))), "as JSON"),
    "lines that are cut": (lambda folder: truncated(write_file(folder / "data.jsonl", map(row, range(9)))), "as JSON"),
    "binary": (lambda folder: text(folder / "data.json", b"[\xff\xfe\x00"), "cannot be read as JSON"),
    "no parquet": (lambda folder: text(folder / "data.parquet", "PAR1 hello"), "cannot be read as parquet"),
    "parquet that is cut": (
        lambda folder: truncated(write_file(folder / "data.parquet", map(row, range(9)))),
        "cannot be read as parquet",
    ),
    "missing column": (
        lambda folder: write_file(folder / "d.parquet", [{k: v for k, v in row(0).items() if k != "answer"}]),
        "d.parquet has no column answer",
    ),
    "missing field": (
        lambda folder: write_file(folder / "d.json", [{k: v for k, v in row(0).items() if k != "choice_D"}]),
        "d.json has no column choice_D",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    make, sentence = BAD[case]
    with pytest.raises(DatasetUnavailable) as caught:
        read(make(tmp_path))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


class HubServer(ThreadingHTTPServer):
    """Answers as the hub does for one data set: its newest revision, its parquet, its JSON."""

    def __init__(self, files: dict[str, bytes], newest: str, parquet: bool) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files, self.newest, self.parquet, self.cut = files, newest, parquet, 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


CONVERTED = "c" * 40


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *arguments: object) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server, path = self.server, self.path.replace("%2F", "/").partition("?")[0]
        server.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        api = f"/api/datasets/{REPOSITORY}"
        if path == api:
            self._json({"id": REPOSITORY, "sha": server.newest, "siblings": []})
        elif path == f"{api}/revision/refs/convert/parquet" and server.parquet:
            self._json({"id": REPOSITORY, "sha": CONVERTED, "siblings": []})
        elif path == f"{api}/tree/{CONVERTED}":
            name, data = "default/train/0000.parquet", server.files["default/train/0000.parquet"]
            self._json([{"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}])
        elif path.startswith(f"/datasets/{REPOSITORY}/resolve/"):
            self._file(path.split("/resolve/")[1])
        else:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})

    def _file(self, what: str) -> None:
        revision, _, name = what.partition("/")
        data = self.server.files.get(name)
        if data is None or revision not in (PINNED, CONVERTED):
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        head = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": revision}
        if first:
            head["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._send(206 if first else 200, data[first:], head)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, head: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**head, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.cut and len(body) > self.server.cut:
            self.wfile.write(body[: self.server.cut])
            self.close_connection = True
            return
        self.wfile.write(body)


@pytest.fixture
def hub_of(tmp_path: Path) -> Iterator[object]:
    servers = []

    def start(newest: str = PINNED, parquet: bool = True) -> HubServer:
        rows = list(longbench_rows())
        files = {
            "default/train/0000.parquet": write_file(tmp_path / "hub.parquet", rows).read_bytes(),
            "data.json": write_file(tmp_path / "hub.json", rows).read_bytes(),
        }
        server = HubServer(files, newest, parquet)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def rows_from(server: HubServer, cache: Path) -> tuple[str, str, int]:
    with LongBenchTables(Hub(server.address, cache)).longbench() as table:
        return table.revision, type(table).__name__, len(list(table.rows(CODE)))


@pytest.mark.parametrize(
    ("newest", "parquet", "kind"),
    [(PINNED, True, "ParquetTable"), (PINNED, False, "JsonTable"), ("d" * 40, True, "JsonTable")],
)
def test_the_pinned_revision_is_taken_as_parquet_where_the_hub_has_it(
    tmp_path: Path, hub_of, newest: str, parquet: bool, kind: str
) -> None:
    server = hub_of(newest, parquet)
    assert rows_from(server, tmp_path / "cache") == (PINNED, kind, 50)


def test_what_was_downloaded_serves_without_a_network(tmp_path: Path, hub_of) -> None:
    server = hub_of()
    rows_from(server, tmp_path / "cache")
    server.shutdown()
    server.server_close()
    assert rows_from(server, tmp_path / "cache") == (PINNED, "ParquetTable", 50)


def test_without_network_and_download_the_sentence_says_how_to_import_a_file(tmp_path: Path) -> None:
    tables = LongBenchTables(Hub("http://127.0.0.1:9", tmp_path / "cache"))
    with (
        pytest.raises(DatasetUnavailable, match=r"rlm-app dataset import data\.json --name longbench"),
        tables.longbench(),
    ):
        pass


def test_a_download_that_is_cut_goes_on_where_it_stopped(tmp_path: Path, hub_of) -> None:
    server = hub_of("d" * 40)
    server.files["data.json"] += b" " * 12_000_000  # the hub's client writes 10 MB at a time
    server.cut = 11_000_000
    assert rows_from(server, tmp_path / "cache") == (PINNED, "JsonTable", 50)
    assert any("bytes=10485760-" in asked for asked in server.asked), server.asked
