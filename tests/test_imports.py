"""The arrows of the house: who may import whom, read from the source with `ast`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OUTER = {
    "__init__",
    "settings",
    "ports",
    "jobs",
    "asking",
    "benchmarking",
    "choosing",
    "datasets",
    "loading",
    "leaving",
    "programs",
    "library",
    "optimizing",
    "owners",
    "application",
    "adapters",
    "wiring",
    "doctor",
    "terminal",
    "cli",
    "ui",
    "web",
}
PURE = {path.stem for path in ROOT.glob("rlm_app/*.py")} - OUTER
PURE |= {path.parent.name for path in ROOT.glob("rlm_app/*/__init__.py")} - OUTER
"""Every room is pure unless it is listed above: it knows data and other pure rooms, and touches nothing."""

HEAVY = {"dspy", "streamlit", "datasets", "pandas", "plotly", "litellm", "sqlalchemy", "git"}


def imports(path: Path) -> set[tuple[str, bool]]:
    """(module, whether at import time) of every import; `from rlm_app import x` counts as `rlm_app.x`."""
    tree = ast.parse(path.read_text())
    at_import = {id(node) for node in _run_at_import(tree)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, id(node) in at_import) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"rlm_app.{a.name}" for a in node.names] if node.module == "rlm_app" else [node.module]
            found |= {(name, id(node) in at_import) for name in names}
    return found


def _run_at_import(tree: ast.AST) -> list[ast.AST]:
    nodes = []
    for node in ast.iter_child_nodes(tree):
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or checking:
            continue
        nodes += [node, *_run_at_import(node)]
    return nodes


def room(module: str) -> str:
    return module.removeprefix("rlm_app.").split(".")[0]


SOURCES = sorted([*ROOT.glob("rlm_app/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_arrow_points_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    here = parts[1] if parts[0] == "rlm_app" else "pages"
    used = imports(path)
    own = {room(module) for module, _ in used if module.startswith("rlm_app.")}
    outside = {module.split(".")[0] for module, _ in used}

    if here not in {"pages", "ui", "web"}:
        assert "streamlit" not in outside, "streamlit belongs to pages, ui and web"
        assert not own & {"ui", "web"}, "the domain does not know its pages"
    if here != "adapters":
        assert "dspy" not in outside, "dspy belongs to adapters"
    if here not in {"adapters", "wiring"}:
        assert "adapters" not in own, "only wiring chooses adapters"
    if here in PURE:
        assert own <= PURE, f"{here} is pure and uses {own - PURE}"
    middle = {"ports", "settings", "jobs", "asking", "choosing", "loading", "owners", "datasets"}
    middle |= {"programs", "optimizing"}
    if here in middle | {"application"}:
        assert own <= PURE | middle | {"benchmarking"}, f"{here} uses {own}"
    if here == "adapters":
        below = {"ports", "settings", "choosing", "loading", "owners", "optimizing", "application", "adapters"}
        assert own <= PURE | below, f"an adapter uses {own}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_heavy_is_imported_outside_its_room(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "rlm_app" and parts[1] == "adapters":
        return
    allowed = {"streamlit"} if parts[0] != "rlm_app" or parts[1] in {"ui", "web"} else set()
    at_import = {module.split(".")[0] for module, early in imports(path) if early}
    assert not (at_import & HEAVY) - allowed


def test_a_wrong_arrow_would_be_seen(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text("import dspy\ndef f():\n    from rlm_app.adapters import git\n")
    assert imports(source) == {("dspy", True), ("rlm_app.adapters", False)}
