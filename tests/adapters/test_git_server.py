"""Clones from a real server on 127.0.0.1, well-behaved and not."""

import errno
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from rlm_app.adapters.git import GitSource, Limits
from rlm_app.adapters.git.address import parse
from rlm_app.adapters.git.cache import Cache
from rlm_app.adapters.git.command import GitFailed
from rlm_app.adapters.git.failures import Unreachable, failure
from rlm_app.adapters.git.remote import Remote, on_line
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import (
    CloneFailed,
    CloneRefused,
    CorpusEmpty,
    CorpusTooLarge,
    InvalidSource,
    RunCancelled,
    StorageFailed,
    UserError,
)
from rlm_app.stop import Stop
from tests.adapters.git_server import GitServer, serving
from tests.repositories import Submodule, Symlink, commit_files, make_repository, run_git

TOKEN = "s3same-0pen"
HOST = {"127.0.0.1"}
ASKING = 2
"""Requests that it takes to ask for refs; those that follow fetch."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    make_repository(root / "o" / "n.git", {"a.py": b"x = 1\n", "src/b.py": b"y\n"}, bare=True)
    commit_files(root / "o" / "n.git", {"src/c.py": b"z\n", "top": b"t\n"}, branch="feature/x")
    with serving(root) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> GitSource:
    return make_source(tmp_path)


def make_source(tmp_path: Path, token: str | None = None, **limits: Any) -> GitSource:
    tokens = {"127.0.0.1": SecretStr(token)} if token else {}
    return GitSource(tmp_path / "cache", Limits(**limits), tokens=tokens, allow_hosts=HOST)


def load(source: GitSource, url: str, stop: Stop | None = None, **selection: Any) -> tuple[Corpus, Receipt]:
    return source.load(url, Selection(**selection), stop=stop or Stop(), progress=lambda *told: None)


def paths(corpus: Corpus) -> list[str]:
    return [span.path for span in corpus.files]


def cached_clones(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "repositories").glob("*"))


def assert_nothing_left(tmp_path: Path) -> None:
    assert cached_clones(tmp_path) == []
    assert list((tmp_path / "cache" / "unfinished").glob("*")) == []


def test_a_clone_and_its_receipt(server: GitServer, source: GitSource) -> None:
    told: list[tuple[Any, ...]] = []
    url = server.url("o/n.git")
    corpus, receipt = source.load(url, Selection(), stop=Stop(), progress=lambda *now: told.append(now))
    assert paths(corpus) == ["a.py", "src/b.py"]
    assert corpus.name == receipt.name == "o/n"
    assert (receipt.source, receipt.url, receipt.ref) == (url, url, "main")
    assert receipt.commit == run_git("-C", str(server.root / "o/n.git"), "rev-parse", "main")
    assert {phase for phase, *_ in told} == {"clone", "flatten"}
    assert any("receiving" in note for _, _, _, note in told)


def test_the_environment_of_the_caller_does_not_lead_a_clone_astray(server, source, tmp_path, monkeypatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert load(source, server.url("o/n.git"))[1].files == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_load_does_not_touch_the_network(server: GitServer, source: GitSource) -> None:
    url = server.url("o/n.git")
    first = load(source, url)
    assert source.cached(url, Selection()) == first[1].commit
    server.requests.clear()
    assert load(source, url)[0].digest == first[0].digest
    assert server.requests == []


def test_a_page_gives_ref_folder_and_links(server: GitServer, source: GitSource) -> None:
    corpus, receipt = load(source, server.url("o/n/tree/feature/x/src"))
    assert paths(corpus) == ["src/c.py"]
    assert (receipt.ref, receipt.folder) == ("feature/x", "src")
    assert receipt.web_url is not None
    link = receipt.web_url.format(path="src/c.py", first=1, last=2)
    assert link == server.url(f"o/n/blob/{receipt.commit}/src/c.py#L1-L2")
    assert paths(load(source, server.url("o/n/blob/main/src/b.py"))[0]) == ["src/b.py"]


def test_a_chosen_ref_wins_over_the_one_of_the_page(server: GitServer, source: GitSource) -> None:
    corpus, receipt = load(source, server.url("o/n/tree/feature/x/src"), ref="main")
    assert (paths(corpus), receipt.ref) == (["src/b.py"], "main")


def test_tags_commits_and_pull_requests(server: GitServer, source: GitSource) -> None:
    folder = str(server.root / "o/n.git")
    first = run_git("-C", folder, "rev-parse", "main")
    run_git("-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "v1", "-m", "x", "main")
    run_git("-C", folder, "update-ref", "refs/pull/7/head", "feature/x")
    second = commit_files(server.root / "o/n.git", {"new": b"n\n"})
    url = server.url("o/n.git")
    assert load(source, url, ref="v1")[1].commit == first
    assert load(source, url, ref=second)[1].commit == second
    assert load(source, url, ref=first)[1].commit == first  # no ref has it for its tip but the tag
    assert load(source, url, ref=first[:10])[1].commit == first
    assert load(source, url, ref="pull/7/head")[0].span("src/c.py")


def test_a_commit_that_no_ref_points_to_and_one_that_is_not_there(server: GitServer, source: GitSource) -> None:
    first = run_git("-C", str(server.root / "o/n.git"), "rev-parse", "main")
    commit_files(server.root / "o/n.git", {"new": b"n\n"})
    assert load(source, server.url("o/n.git"), ref=first)[1].commit == first
    with pytest.raises(CloneFailed, match="has no commit eeee"):
        load(source, server.url("o/n.git"), ref="e" * 40)


def test_a_moved_branch_is_seen_once_trust_has_run_out(server: GitServer, tmp_path: Path) -> None:
    url = server.url("o/n.git")
    load(make_source(tmp_path), url)
    commit = commit_files(server.root / "o/n.git", {"new.py": b"n\n"})
    assert load(make_source(tmp_path), url)[1].commit != commit
    assert make_source(tmp_path, trust_seconds=0).cached(url, Selection()) is None
    assert load(make_source(tmp_path, trust_seconds=0), url)[1].commit == commit


def test_a_commit_is_trusted_for_ever(server: GitServer, tmp_path: Path) -> None:
    source = make_source(tmp_path, trust_seconds=0)
    commit = load(source, server.url("o/n.git"))[1].commit
    load(source, server.url("o/n.git"), ref=commit)
    server.requests.clear()
    load(source, server.url("o/n.git"), ref=commit)
    assert server.requests == []


def test_offline_the_cached_commit_is_taken_and_told(tmp_path: Path) -> None:
    make_repository(tmp_path / "served" / "n.git", {"a": b"x\n"}, bare=True)
    source = make_source(tmp_path, trust_seconds=0)
    with serving(tmp_path / "served") as server:
        url = server.url("n.git")
        commit = load(source, url)[1].commit
    receipt = load(source, url)[1]
    assert receipt.commit == commit
    assert re.search(r"cannot be reached .* This is the commit that main had on \d{4}-", receipt.notes[0])
    with pytest.raises(Unreachable, match="cannot be reached"):
        load(source, url, ref="other")


def test_a_private_repository_opens_with_its_token_alone(server: GitServer, tmp_path: Path) -> None:
    server.token = TOKEN
    url = server.url("o/n.git")
    with pytest.raises(CloneFailed, match=r"or it is private; check the address, or set a token for 127\.0\.0\.1"):
        load(make_source(tmp_path), url)
    with pytest.raises(CloneFailed, match=r"The token for .* does not open o/n") as caught:
        load(make_source(tmp_path, token="wr0ng"), url)
    assert "wr0ng" not in str(caught.value)
    assert paths(load(make_source(tmp_path, token=TOKEN), url)[0]) == ["a.py", "src/b.py"]
    with pytest.raises(CloneFailed, match="private"):  # what a token opened is not served without it
        load(make_source(tmp_path), url)


def test_the_token_is_in_no_file_argument_or_text(server: GitServer, tmp_path: Path) -> None:
    server.token = TOKEN
    arguments: list[str] = []
    watching = threading.Event()

    def watch() -> None:
        while not watching.wait(0.005):
            arguments.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout)

    watcher = threading.Thread(target=watch)
    watcher.start()
    source = make_source(tmp_path, token=TOKEN)
    _, receipt = load(source, server.url("o/n.git"))
    watching.set()
    watcher.join()
    encoded = next(each["Authorization"] for each in server.headers if "Authorization" in each).removeprefix("Basic ")
    assert any("ls-remote" in each for each in arguments)
    written = "".join(path.read_text(errors="replace") for path in (tmp_path / "cache").rglob("*") if path.is_file())
    for secret in (TOKEN, encoded):
        assert secret not in "".join(arguments) + written + repr(receipt) + repr(source.__dict__)


def test_the_token_goes_to_its_own_host_alone(server: GitServer, tmp_path: Path) -> None:
    address = parse("https://github.com/o/n", allow_local=False)
    settings = Remote(address, token=SecretStr(TOKEN)).place().settings  # type: ignore[arg-type]
    assert list(settings) == ["http.https://github.com/.extraHeader"]
    source = GitSource(tmp_path / "cache", Limits(), tokens={"github.com": SecretStr(TOKEN)}, allow_hosts=HOST)
    load(source, server.url("o/n.git"))
    assert not any("Authorization" in each for each in server.headers)


def test_a_redirect_to_another_host_is_not_followed(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    with serving(server.root) as other:
        server.redirect = other.url("o/n.git/info/refs?service=git-upload-pack")
        with pytest.raises(CloneFailed, match="redirects to another address, which is not followed"):
            load(source, server.url("o/n.git"))
        assert other.requests == []
    assert_nothing_left(tmp_path)


def test_a_repository_that_moved_within_its_host_is_followed(server: GitServer, source: GitSource) -> None:
    server.renamed = ("/o/old.git", "/o/n.git")
    _, receipt = load(source, server.url("o/old.git"))
    assert (receipt.name, receipt.url) == ("o/n", server.url("o/n.git"))
    assert receipt.notes == (f"The repository has moved to {server.url('o/n.git')}.",)
    server.requests.clear()
    assert load(source, server.url("o/old.git"))[1].name == "o/n"
    assert server.requests == []


def test_redirects_in_circles_end(server: GitServer, source: GitSource) -> None:
    server.redirect = server.url("o/n.git/info/refs?service=git-upload-pack")
    with pytest.raises(CloneFailed, match="in circles"):
        load(source, server.url("o/n.git"))


def test_a_private_address_is_refused_before_anything_is_sent(server: GitServer, tmp_path: Path) -> None:
    source = GitSource(tmp_path / "cache", Limits(), resolve=lambda host, port: [(2, 1, 6, "", ("127.0.0.1", port))])
    for url in (f"https://127.0.0.1:{server.port}/o/n.git", f"https://innocent.example:{server.port}/o/n.git"):
        with pytest.raises(CloneRefused, match="not a public address"):
            load(source, url)
    assert server.requests == []


def test_git_connects_to_the_address_that_was_checked(tmp_path: Path) -> None:
    address = parse("https://git.example:8443/o/n.git", allow_local=False)
    settings = Remote(address, ("1.1.1.1", "2606:4700::1111")).place().settings  # type: ignore[arg-type]
    assert settings["http.curloptResolve"] == "git.example:8443:1.1.1.1,[2606:4700::1111]"


def test_a_name_that_resolves_elsewhere_later_gains_nothing(server: GitServer, tmp_path: Path) -> None:
    address = parse(f"http://git.example:{server.port}/o/n.git", allow_local=False, allow_hosts={"git.example"})
    refs = Remote(address, ("127.0.0.1",)).refs(Stop())  # type: ignore[arg-type]
    assert "refs/heads/main" in refs.commits


@pytest.mark.parametrize(
    ("path", "selection", "error", "words"),
    [
        ("o/none.git", {}, CloneFailed, "There is no repository at"),
        ("o/n.git", {"ref": "nope"}, CloneFailed, "no branch, tag or commit “nope”"),
        ("o/n/tree/main/nope", {}, CloneFailed, "no folder “nope” at main"),
        ("o/n/tree/nope/src", {}, CloneFailed, "no branch, tag or commit “nope”"),
        ("o/empty.git", {}, CorpusEmpty, "has no commits"),
        ("o/binary.git", {}, CorpusEmpty, "no text files to read: 1 binary"),
        ("o/n.git", {"include": ("*.rs",)}, CorpusEmpty, "2 not in the include patterns"),
    ],
)
def test_what_is_not_there(
    server, source, path: str, selection: dict[str, Any], error: type[UserError], words: str
) -> None:
    run_git("init", "--quiet", "--bare", str(server.root / "o/empty.git"))
    make_repository(server.root / "o/binary.git", {"x": b"\0"}, bare=True)
    with pytest.raises(error, match=words) as caught:
        load(source, server.url(path), **selection)
    assert "\n" not in str(caught.value)


def test_a_page_that_is_no_repository(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    server.page = b"<!doctype html>\n<html><body>\nHello\n</body></html>\n"
    with pytest.raises(InvalidSource, match="is no Git repository"):
        load(source, server.url("o/n"))
    assert_nothing_left(tmp_path)


UNABLE = "fatal: unable to access 'https://h.org/o/redirect-ssl/': "


@pytest.mark.parametrize(
    ("stderr", "error", "words"),
    [
        (f"{UNABLE}Could not resolve host: h.org", Unreachable, "resolve"),
        (f"{UNABLE}The requested URL returned error: 429", Unreachable, "429"),
        (f"{UNABLE}The requested URL returned error: 503", Unreachable, "503"),
        (f"{UNABLE}The requested URL returned error: 403", CloneFailed, "private"),
        ("fatal: could not read Username for 'https://h.org': terminal prompts disabled", CloneFailed, "private"),
        ("fatal: https://h.org/o/redirect-ssl/info/refs not valid: is this a git repository?", InvalidSource, "no Git"),
        (
            "error: something\nfatal: new\x1b[31m words\nerror: more",
            CloneFailed,
            r"could not read o/redirect-ssl \(new",
        ),
        ("", CloneFailed, "it gave no reason"),
    ],
)
def test_what_git_says_is_told_in_our_words(stderr: str, error: type[UserError], words: str) -> None:
    address = parse("https://h.org/o/redirect-ssl", allow_local=False)
    told = failure(GitFailed(stderr), address, has_token=False)  # type: ignore[arg-type]
    assert type(told) is error
    assert re.search(words, str(told))
    assert str(told).isprintable()


def test_an_unreachable_host(source: GitSource) -> None:
    with pytest.raises(CloneFailed, match=r"127\.0\.0\.1 cannot be reached"):
        load(source, "http://127.0.0.1:9/o/n.git")


def test_large_files_are_not_fetched(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    files = {"a.py": b"x\n", "big.bin": os.urandom(3_000_000), "link": Symlink(b"/etc"), "sub": Submodule("1" * 40)}
    make_repository(server.root / "big.git", files, bare=True)
    receipt = load(source, server.url("big.git"))[1]
    assert {skipped.path: skipped.reason for skipped in receipt.skipped} == {
        "big.bin": "larger than 1 MB",
        "link": "symlink",
        "sub": "submodule",
    }
    assert source.cache_bytes() < 100_000


def test_a_huge_repository_is_cut_off_while_it_is_fetched(server: GitServer, tmp_path: Path) -> None:
    files = {f"{number}.bin": os.urandom(900_000) for number in range(6)}
    make_repository(server.root / "huge.git", files, bare=True)
    with pytest.raises(CorpusTooLarge, match=r"more than \d\S* MB of data; the limit is 1 MB\. Raise the limit"):
        load(make_source(tmp_path, repository_bytes=1_000_000), server.url("huge.git"))
    assert_nothing_left(tmp_path)


def test_a_stop_ends_a_silent_clone_at_once(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    server.silent_after = 0
    assert_stops(source, server, lambda: bool(server.requests))
    assert_nothing_left(tmp_path)


def test_a_stop_ends_a_fetch_under_way(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    server.silent_after = ASKING
    assert_stops(source, server, lambda: len(server.requests) > ASKING)
    assert_nothing_left(tmp_path)


def assert_stops(source: GitSource, server: GitServer, under_way: Callable[[], bool]) -> None:
    stop, pressed = Stop(), []

    def press() -> None:
        while not under_way():
            time.sleep(0.001)
        pressed.append(time.monotonic())
        stop.request(RunCancelled("stopped"))

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(RunCancelled):
        load(source, server.url("o/n.git"), stop)
    assert time.monotonic() - pressed[0] < 2
    thread.join()
    time.sleep(0.05)
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if f"127.0.0.1:{server.port}" in line]  # git's helpers are gone too


def test_a_silent_server_is_given_up_on(server: GitServer, tmp_path: Path) -> None:
    source = make_source(tmp_path, seconds=0.5)
    server.silent_after = 0
    with pytest.raises(Unreachable, match="did not answer within"):
        load(source, server.url("o/n.git"))
    assert_nothing_left(tmp_path)


def test_a_clone_that_takes_too_long(server: GitServer, tmp_path: Path) -> None:
    server.silent_after = ASKING
    with pytest.raises(CloneFailed, match="took longer than 2 seconds, which is the limit"):
        load(make_source(tmp_path, seconds=2), server.url("o/n.git"))
    assert_nothing_left(tmp_path)


def test_a_killed_process_leaves_nothing_to_trip_over(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    server.silent_after = ASKING
    script = (
        "import sys; from pathlib import Path; from rlm_app.adapters.git import GitSource\n"
        "from rlm_app.codebase import Selection; from rlm_app.stop import Stop\n"
        "source = GitSource(Path(sys.argv[2]), allow_hosts={'127.0.0.1'})\n"
        "source.load(sys.argv[1], Selection(), stop=Stop(), progress=lambda *told: None)"
    )
    with subprocess.Popen([sys.executable, "-c", script, server.url("o/n.git"), str(tmp_path / "cache")]) as process:
        while len(server.requests) <= ASKING:
            time.sleep(0.01)
        process.kill()
    assert list((tmp_path / "cache" / "unfinished").iterdir())
    server.silent_after = math.inf
    assert paths(load(source, server.url("o/n.git"))[0]) == ["a.py", "src/b.py"]
    assert list((tmp_path / "cache" / "unfinished").iterdir()) == []


def test_two_at_once_clone_once(server: GitServer, tmp_path: Path) -> None:
    sources = [make_source(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        digests = {each[0].digest for each in pool.map(lambda source: load(source, server.url("o/n.git")), sources)}
    assert len(digests) == len(cached_clones(tmp_path)) == 1


def test_a_damaged_clone_is_made_anew(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    digest = load(source, server.url("o/n.git"))[0].digest
    for harm in (lambda path: path.write_bytes(b"junk"), lambda path: path.unlink()):
        for pack in cached_clones(tmp_path)[0].rglob("*.pack"):
            pack.chmod(0o600)
            harm(pack)
        assert load(source, server.url("o/n.git"))[0].digest == digest
    (cached_clones(tmp_path)[0] / "HEAD").unlink()
    assert load(source, server.url("o/n.git"))[0].digest == digest
    for note in (tmp_path / "cache" / "refs").iterdir():
        note.write_text("{]")
    assert load(source, server.url("o/n.git"))[0].digest == digest


def test_what_a_killed_process_left_is_swept_away(server: GitServer, source: GitSource, tmp_path: Path) -> None:
    load(source, server.url("o/n.git"))
    [clone] = cached_clones(tmp_path)
    left = tmp_path / "cache" / "unfinished" / f"{clone.name}-1234"
    clone.rename(left)
    (left / "HEAD").unlink()
    load(source, server.url("o/n.git"))
    assert not left.exists()


def test_clear_and_the_size_cap(server: GitServer, tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_repository(server.root / f"{name}.git", {"x": os.urandom(50_000).hex().encode()}, bare=True)
    source = make_source(tmp_path, cache_bytes=90_000)
    load(source, server.url("one.git"))
    [one] = cached_clones(tmp_path)
    load(source, server.url("two.git"))
    [two] = cached_clones(tmp_path)
    assert two != one
    assert source.clear() > 50_000
    assert source.cache_bytes() == 0
    assert_nothing_left(tmp_path)


def test_a_clone_that_is_being_read_is_not_removed(tmp_path: Path) -> None:
    cache, stop = Cache(tmp_path / "cache", 0), Stop()

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "pack").write_bytes(b"x")

    with cache.clone("key", make, stop) as folder:
        cache.clear()
        cache.trim()
        assert folder.is_dir()
    cache.trim()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full; free some space or clear the cache"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be written to"),
    ],
)
def test_a_disk_that_refuses_is_told_and_nothing_is_left(tmp_path: Path, failure: OSError, words: str) -> None:
    cache = Cache(tmp_path / "cache", 0)

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise failure

    with pytest.raises(StorageFailed, match=words), cache.clone("key", make, Stop()):
        pass
    assert_nothing_left(tmp_path)


def test_a_cache_that_cannot_be_made(tmp_path: Path, server: GitServer) -> None:
    (tmp_path / "file").touch()
    source = GitSource(tmp_path / "file" / "cache", Limits(), allow_hosts=HOST)
    with pytest.raises(StorageFailed, match="cannot be written to"):
        load(source, server.url("o/n.git"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_for_real(server: GitServer, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "x", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        make_repository(server.root / "big.git", {"x": os.urandom(900_000)}, bare=True)
        source = GitSource(disk / "cache", Limits(), allow_hosts=HOST)
        with pytest.raises(StorageFailed, match="is full; free some space"):
            load(source, server.url("big.git"))
        assert_nothing_left(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_server_may_send_any_number_as_progress() -> None:
    told: list[tuple[int, int | None]] = []
    read = on_line(lambda done, total, note: told.append((done, total)))
    read(f"remote: Counting objects: 100% ({'9' * 400}/5), done.")
    read("remote: Counting objects: 100% (5/5), done.")
    assert told == [(5, 5)]
