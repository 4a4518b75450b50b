import pytest

from rlm_app.languages import OTHER, language


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/app.py", "Python"),
        ("SRC/APP.PY", "Python"),
        ("Makefile", "Makefile"),
        ("a/CMakeLists.txt", "CMake"),
        ("notes.txt", "Text"),
        ("py", OTHER),
        ("a.unheard", OTHER),
        (".gitignore", "Git settings"),
        ("x.d.ts", "TypeScript"),
    ],
)
def test_the_name_tells_the_language(path: str, expected: str) -> None:
    assert language(path) == expected
