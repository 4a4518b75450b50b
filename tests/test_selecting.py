import pytest

from rlm_app.codebase import Selection
from rlm_app.selecting import SHOWN, Selector, Tally


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/app.py", None),
        ("src/vendors.py", None),
        ("lock.py", None),
        ("src/admin.py", None),
        ("vendor/x/a.go", "vendored"),
        ("web/node_modules/x/index.js", "vendored"),
        ("src/pip/_vendor/rich/a.py", "vendored"),
        ("third_party/zlib/a.c", "vendored"),
        ("package-lock.json", "lock file"),
        ("web/yarn.lock", "lock file"),
        ("pnpm-lock.yaml", "lock file"),
        ("go.sum", "lock file"),
        ("static/jquery-3.min.js", "minified"),
        ("static/app.js.map", "minified"),
        ("api/x_pb2.py", "generated"),
        ("api/x.pb.go", "generated"),
    ],
)
def test_generated_and_vendored_files_are_left_out_until_asked_for(path: str, reason: str | None) -> None:
    assert Selector(Selection()).reason(path) == reason
    assert Selector(Selection(generated=True)).reason(path) is None


def test_a_vendored_folder_asked_for_by_its_path_is_taken() -> None:
    selector = Selector(Selection(), "vendor/x")
    assert selector.reason("vendor/x/a.go") is None
    assert selector.reason("vendor/x/node_modules/a.js") == "vendored"


def test_patterns_of_the_user_come_first() -> None:
    selector = Selector(Selection(include=("*.py",), exclude=("tests",)))
    assert selector.reason("a.py") is None
    assert selector.reason("a.md") == "not in the include patterns"
    assert selector.reason("tests/a.py") == "in the exclude patterns"


def test_a_tally_counts_all_and_keeps_the_first_in_path_order() -> None:
    tally = Tally()
    for number in reversed(range(5 * SHOWN)):
        tally.add(f"{number:06}", "binary", 3)
    tally.add("sub", "submodule", detail="at commit 1")
    assert tally.by_reason == (("binary", 5 * SHOWN), ("submodule", 1))
    assert [skipped.path for skipped in tally.first] == [f"{number:06}" for number in range(SHOWN)]
    assert str(tally) == f"{5 * SHOWN:,} binary, 1 submodule"
