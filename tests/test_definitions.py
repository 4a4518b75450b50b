"""What counts as a definition in each language, and that hostile lines cost nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.definitions import LANGUAGES, find_definitions

SOURCES = {
    "a.py": (
        "import os\n\nclass Blueprint(Base):\n    x = 1\n    @cached\n    async def register(self,\n        app):\n"
        "        def inner(): pass\n\n    # about name\n    def name(self) -> str: ...\n\ndef class_of(x): return x\n"
        '"""\nThe class of things that def is.\n"""\n',
        ["Blueprint", "Blueprint.register", "Blueprint.register.inner", "Blueprint.name", "class_of"],
    ),
    "a.ts": (
        "export default class View extends Base {\n  constructor(a) {\n    if (a) {\n    }\n  }\n"
        "  async render(x: T): P {\n  }\n}\n"
        "export const load = async (x) => x\nconst one = 1\nexport interface Shape {\n}\nfunction* walk(a) {\n}\n"
        "res.status = function status(code) {\n}\ntype Id = string\n",
        ["View", "View.constructor", "View.render", "load", "Shape", "walk", "res.status", "Id"],
    ),
    "a.go": (
        "package x\n\nfunc New() *Engine {\n}\nfunc (e *Engine[T]) Run(a int) error {\n\tif a {\n\t}\n}\n"
        "type Engine struct {\n}\n",
        ["New", "Engine.Run", "Engine"],
    ),
    "a.rs": (
        "pub(crate) struct Glob<'a> {\n}\nimpl<'a> fmt::Display for Glob<'a> {\n"
        "    pub fn new(x: u8) -> Self {\n    }\n}\n"
        "macro_rules! say {\n}\npub const fn one() {}\n",
        ["Glob", "Glob", "Glob.new", "say", "one"],
    ),
    "a.c": (
        "#include <x.h>\n#define MAX(a, b) a\nstatic int *find(struct node *n, int k)\n{\n  return call(n);\n}\n"
        "struct node {\n  int k;\n};\nint declared(void);\nvoid Tree::walk(int x) {\n}\n",
        ["MAX", "find", "node", "Tree::walk"],
    ),
    "A.java": (
        "public final class A<T> extends B {\n  private static final int X = 1;\n  @Override\n"
        "  public List<String> names(int a) throws E {\n    return other(a);\n  }\n  A() {\n  }\n}\n",
        ["A", "A.names"],
    ),
    "a.rb": ("module M\n  class A < B\n    def self.go!(x)\n    end\n  end\nend\n", ["M", "M.A", "M.A.go!"]),
    "a.sh": ("go() {\n}\nfunction stop {\n}\ngo x\n", ["go", "stop"]),
    "a.md": (
        "# Top\ntext\n```sh\n# no heading\n```\n## Sub ##\n#hash\n",
        ["Top", "Top>Sub"],
    ),
    "a.rst": ("Top\n===\n\ntext\n\nSub\n---\n\nMore\n----\n", ["Top", "Top>Sub", "Top>More"]),
    "a.json": ('{"class": 1}\n', []),
    "LICENSE": ("class action (\n", []),
    "context": ("def f(x):\n  pass\nfunc main() {\n}\nclass action suits are long\n", ["f", "main"]),
}


@pytest.mark.parametrize("path", SOURCES)
def test_names(path: str) -> None:
    text, names = SOURCES[path]
    assert [name for _, _, name in find_definitions(path, text.split("\n"))] == names


def test_a_definition_ends_before_what_leads_up_to_the_next_one() -> None:
    found = {name: (first, last) for first, last, name in find_definitions("a.py", SOURCES["a.py"][0].split("\n"))}
    assert found["Blueprint"] == (3, 11), "a class spans its methods, without the blank line after it"
    assert found["Blueprint.register"] == (6, 8), "without the comment on the next method"


@given(st.sampled_from([*LANGUAGES, "", "xyz"]), st.lists(st.text(max_size=60), max_size=30))
def test_ranges_lie_within_the_file_and_nest(extension: str, lines: list[str]) -> None:
    found = find_definitions(f"f.{extension}", lines)
    assert all(1 <= first <= last <= len(lines) and name for first, last, name in found)
    assert [first for first, _, _ in found] == sorted({first for first, _, _ in found})


@pytest.mark.parametrize("path", ["a.rs", "a.js", "a.c", "A.java", "a.go", "context"])
def test_lines_made_to_backtrack_take_no_time(path: str) -> None:
    pieces = ["a*", "a ", "  ", "a<", "a, ", "a.", "for ", "static a ", "(a", "<a> "]
    starts = ["", "impl ", "impl<", "func (", "const a = ", "class "]
    lines = [(start + piece * 400)[:399] + end for start in starts for piece in pieces for end in ("", "!", "{")]
    started = time.perf_counter()
    find_definitions(path, [*lines, "x" * 1_000_000])
    assert time.perf_counter() - started < 1.0
