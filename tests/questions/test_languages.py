"""The other languages, each against code whose truths are known by heart."""

import pytest

from rlm_app.examples import Example
from tests.questions.test_kinds import ask, find, right, subjects

ECMA = {
    "web/src/store.ts": """import { encodeKey as enc, splitPath } from './codec/keys.js';
import type { Options } from './options';

export const CACHE_LIMIT = 64 * 1024;
const RETRIES: number = 7;
const DEPTH = 12;
const RATIO = 1 / 3;
let WIDTH = 33;

export class Store {
  put(name: string, value: unknown, limit = 250, strict = true): void {
    const key = enc(name);
    if (key.length > limit) {
      throw new Error("long");
    }
    this.items.set(key, value);
  }

  take(this: Store, name: string, b: number, c?: string, ...rest: string[]): unknown {
    const found = this.items.get(name);
    if (!found) {
      return null;
    }
    return found;
  }
}

export function rebuildAll(list: string[], depth = 12, width = 80): string[] {
  const out: string[] = [];
  for (const item of list) {
    out.push(...splitPath(item));
  }
  return out;
}

export function fold(a: string, b: string, c: string, d: string): void;
export function fold(a: number, b: number, c: number, d: number): void;
export function fold(a: any, b: any, c: any, d: any): void {
  a.fold();
  b.fold();
  c.fold();
}
""",
    "web/src/codec/keys.ts": """export function encodeKey(name: string): string {
  let out = "";
  for (const c of name) {
    out += c.charCodeAt(0).toString(16);
  }
  return out;
}

export function splitPath(path: string): string[] {
  const parts = path.split("/");
  const kept = parts.filter((p) => p.length > 0);
  const done = kept.map((p) => p.trim());
  return done;
}
""",
    "web/src/options.ts": """export interface Options {
  a: number;
  b: string;
  c: string;
}
""",
    "web/src/view.js": """// import { nothing } from './codec/keys';
import { start } from './start';
export const drawTree = (root, depth = 5, indent = 9) => {
  const lines = [];
  for (const child of root.children) {
    lines.push(child.name);
  }
  return lines;
};
export function unrelated(list) {
  const out = [];
  for (const x of list) {
    out.push(x * 2);
  }
  return out;
}
""",
    "web/src/end.js": """export function end(list) {
  const out = list.length;
  return out;
}
""",
    "web/src/start.js": """export function start(list) {
  const out = [];
  for (const x of list) {
    out.push(x);
  }
  return out;
}
""",
}
GO = {
    "cmd/main.go": """package main

const maxFrames = 1 << 10
const minFrames = 16
const greeting = "hello"
const (
	first = iota
	second
)
const window, slots = 40, 90
const gap int = 70
const wide = 1 << 40
const mixed = 3 + 1 << 4
const letter = 'x'

func serve(addr string, a, b int, opts ...string) error {
	frames := splitFrames(addr)
	for _, f := range frames {
		send(f)
	}
	return nil
}

func splitFrames(addr string) []string {
	var out []string
	for i := 0; i < 3; i++ {
		out = append(out, addr)
	}
	return out
}

func (s *Server) Handle(a int, b string, c, d float64) int {
	x := a
	x++
	x++
	return x
}

func idle(a int) int {
	x := a
	x++
	x++
	return x
}

func busy(a int) int {
	x := a
	x--
	x--
	return x
}
""",
}
RUST = {
    "core/src/lib.rs": """use crate::parse::scan;

pub const MAX_DEPTH: usize = 64 * 2;
const MIN_DEPTH: u32 = 3u32;
const GAP: i64 = 1_000;
const EXTRA: i64 = 0x4d;

impl Machine {
    pub fn step(&mut self, a: u8, b: u8, c: &str) -> u8 {
        let t = advance(a, b);
        let u = t + 1;
        let v = u + 1;
        v
    }
}

fn advance(a: u8, b: u8) -> u8 {
    let x = a + b;
    let y = x * 2;
    let z = y - 1;
    z
}

#[cfg(windows)]
fn twin(a: u8, b: u8, c: u8, d: u8) -> u8 {
    let x = a + b;
    let y = x * 2;
    let z = y - 1;
    z
}

fn other(a: u8) -> u8 {
    let x = a + 1;
    let y = x * 2;
    let z = y - 1;
    z
}

fn fourth(a: u8) -> u8 {
    let x = a + 3;
    let y = x * 2;
    let z = y - 1;
    z
}

fn third(a: u8) -> u8 {
    let x = a + 2;
    let y = x * 2;
    let z = y - 1;
    z
}
""",
}
JAVA = {
    "app/org/a/Ledger.java": """package org.a;

import org.a.b.Money;

public class Ledger {
    private static final int PAGE = 60 * 1000;
    static final long SIZE = 100L;
    static final int ROWS = 25;
    static final int COLS = 99;
    static int loose = 42;

    public int total(int a, int b, Money c, String... rest) {
        int x = roundUp(a);
        int y = x + b;
        return y;
    }

    private int roundUp(int a) {
        int x = a + 9;
        int y = x / 10;
        return y * 10;
    }

    int both(int a, int b, int c, int d) {
        int x = a;
        x++;
        return x;
    }

    int both(String a, int b, int c, int d) {
        int x = 1;
        x++;
        return x;
    }

    int lower(int a) {
        int x = a;
        x++;
        return x;
    }

    int middle(int a) {
        int x = a;
        x -= 2;
        return x;
    }

    int higher(int a) {
        int x = a;
        x--;
        return x;
    }
}
""",
    "app/org/a/b/Money.java": "package org.a.b;\n\npublic class Money {\n    long cents;\n}\n",
    "app/org/a/One.java": "package org.a;\n\nclass One {}\n",
    "app/org/a/Two.java": "package org.a;\n\nclass Two {}\n",
    "app/org/a/Three.java": "package org.a;\n\nclass Three {}\n",
}


@pytest.fixture(scope="module")
def asked() -> list[Example]:
    return ask({**ECMA, **GO, **RUST, **JAVA})


def test_definitions(asked: list[Example]) -> None:
    assert right(find(asked, "definition", "TypeScript function `splitPath`")) == "web/src/codec/keys.ts"
    assert right(find(asked, "definition", "JavaScript function `drawTree`")) == "web/src/view.js"


def test_calls_are_followed_through_imports(asked: list[Example]) -> None:
    example = find(asked, "caller", "`splitPath`")
    assert right(example) == "rebuildAll` in `web/src/store.ts"
    assert example.hops == 2
    assert right(find(asked, "caller", "`splitFrames`")) == "serve` in `cmd/main.go"
    assert right(find(asked, "caller", "`advance`")) == "Machine.step` in `core/src/lib.rs"
    assert right(find(asked, "caller", "`Ledger.roundUp`")) == "Ledger.total` in `app/org/a/Ledger.java"
    assert "`encodeKey`" not in subjects(asked, "caller"), "it goes by two names"


def test_parameters(asked: list[Example]) -> None:
    assert right(find(asked, "parameters", "`Store.put`")) == "4"
    assert right(find(asked, "parameters", "`Store.take`")) == "4", "`this` is no parameter"
    assert right(find(asked, "parameters", "`serve`")) == "4", "`a, b int` are two"
    assert right(find(asked, "parameters", "`Server.Handle`")) == "4"
    assert right(find(asked, "parameters", "`Machine.step`")) == "4"
    assert right(find(asked, "parameters", "`Ledger.total`")) == "4"
    left_out = subjects(asked, "parameters")
    assert "`fold`" not in left_out, "overloads"
    assert "`twin`" not in left_out, "compiled under a condition"
    assert "`Ledger.both`" not in left_out, "overloads"


def test_defaults(asked: list[Example]) -> None:
    assert right(find(asked, "default", "`limit` of `Store.put`")) == "250"
    assert right(find(asked, "default", "`indent` of `drawTree`")) == "9"
    assert "`strict`" not in subjects(asked, "default")


def test_constants(asked: list[Example]) -> None:
    truths = [
        *(("CACHE_LIMIT", "65536"), ("RETRIES", "7"), ("maxFrames", "1024"), ("gap", "70")),
        *(("MAX_DEPTH", "128"), ("MIN_DEPTH", "3"), ("GAP", "1000"), ("EXTRA", "77")),
        *(("Ledger.PAGE", "60000"), ("Ledger.SIZE", "100")),
    ]
    for name, value in truths:
        assert right(find(asked, "constant", f"`{name}`")) == value
    left_out = subjects(asked, "constant")
    for name in ("RATIO", "WIDTH", "second", "window", "wide", "mixed", "letter", "Ledger.loose"):
        assert f"`{name}`" not in left_out


def test_imports(asked: list[Example]) -> None:
    assert right(find(asked, "import", "`web/src/start.js`")) == "web/src/view.js"
    assert right(find(asked, "import", "`web/src/codec/keys.ts`")) == "web/src/store.ts", "a comment imports nothing"
    assert right(find(asked, "import", "`app/org/a/b/Money.java`")) == "app/org/a/Ledger.java"


def test_an_expression_that_is_nested_as_deep_as_can_be_spoils_nothing() -> None:
    deep = {**GO, "cmd/deep.go": f"package main\nconst Deep = {' + '.join(['1'] * 20_000)}\n"}
    assert len(ask(deep)) >= len(ask(GO)) - 3


def test_code_that_its_grammar_cannot_read_spoils_nothing() -> None:
    broken = {**GO, "cmd/broken.go": "package main\nfunc (((\n"}
    assert {one.question.text for one in ask(broken)} == {one.question.text for one in ask(GO)}
