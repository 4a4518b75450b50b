"""Each kind against a repository whose truths are known by heart."""

import pytest

from rlm_app.examples import Example
from rlm_app.questions import generate
from tests.corpora import corpus_of
from tests.questions.shop import PYTHON


def ask(files: dict[str, str]) -> list[Example]:
    return list(generate(corpus_of(files), 500, 0).examples)


@pytest.fixture(scope="module")
def asked() -> list[Example]:
    return ask(PYTHON)


def find(asked: list[Example], kind: str, *words: str) -> Example:
    """The one question of a kind whose text has all those words."""
    found = [one for one in asked if one.kind == kind and all(word in one.question.text for word in words)]
    assert len(found) == 1, [one.question.text for one in asked if one.kind == kind]
    return found[0]


def right(example: Example) -> str:
    return example.question.choices[example.expected].strip("`")


def subjects(asked: list[Example], kind: str) -> str:
    return "\n".join(one.question.text for one in asked if one.kind == kind)


def test_where_a_name_is_defined(asked: list[Example]) -> None:
    example = find(asked, "definition", "`plane_down`")
    assert right(example) == "shop/parts/wood.py"
    assert example.evidence == ("shop/parts/wood.py:47-52",)
    assert (example.hops, example.difficulty, example.language) == (1, "easy", "Python")
    assert "`helper`" not in subjects(asked, "definition"), "defined twice"
    assert "`sometimes`" not in subjects(asked, "definition"), "defined under a condition"
    assert "`StockError`" not in subjects(asked, "definition"), "errors.py gives it away"


def test_which_function_calls_another(asked: list[Example]) -> None:
    example = find(asked, "caller", "`tally`")
    assert right(example) == "tally_again` in `shop/cellar/dawn.py"
    assert "`weigh" not in subjects(asked, "caller"), "it goes by two names"
    example = find(asked, "caller", "`to_cents`")
    assert right(example) == "Plank.ship` in `shop/parts/wood.py"
    assert example.evidence[0] == "shop/parts/wood.py:10-10"
    assert example.evidence[-1] == "shop/money.py:4-14", "found through the package's re-export"
    assert example.hops == 3


def test_where_the_called_function_is_defined(asked: list[Example]) -> None:
    example = find(asked, "callee", "`Plank.ship`")
    assert right(example) == "shop/money.py"
    assert "shop/__init__.py" in {evidence.split(":")[0] for evidence in example.evidence}
    assert example.hops == 3
    assert example.difficulty == "hard"
    assert right(find(asked, "callee", "`smelt`")) == "shop/money.py"


def test_defaults_are_values_also_of_constants_in_other_files(asked: list[Example]) -> None:
    assert right(find(asked, "default", "`digits` of `to_cents`")) == "2"
    assert right(find(asked, "default", "`width` of `weigh_parcel`")) == "320"
    example = find(asked, "default", "`when` of `Part.ship`")
    assert right(example) == "125"
    assert [evidence.split(":")[0] for evidence in example.evidence] == [
        *("shop/parts/base.py", "shop/parts/base.py", "shop/settings.py", "shop/settings.py"),
    ]
    assert "`strict`" not in subjects(asked, "default"), "a truth value is a guess"


def test_parameters_are_counted_with_all_their_sorts(asked: list[Example]) -> None:
    assert right(find(asked, "parameters", "`to_cents`")) == "5"
    assert right(find(asked, "parameters", "`smelt`")) == "4"
    assert "check_everything" not in subjects(asked, "parameters"), "tests are no subject"


def test_exceptions_that_a_body_raises(asked: list[Example]) -> None:
    example = find(asked, "raises", "`to_cents`")
    assert right(example) in {"ValueError", "KeyError"}
    wrong = set(example.question.choices.values()) - {example.question.choices[example.expected]}
    assert not wrong & {"`ValueError`", "`KeyError`", "`LookupError`"}
    example = find(asked, "raises", "`tally_again`")
    assert right(example) in {"OSError", "IndexError"}
    assert "raises_what_it_is_given" not in subjects(asked, "raises")


def test_the_base_of_what_is_raised(asked: list[Example]) -> None:
    example = find(asked, "raised base", "`Part.ship`")
    assert right(example) == "ShopError"
    assert example.hops == 2


def test_which_class_overrides(asked: list[Example]) -> None:
    example = find(asked, "override", "`Part`", "`ship`")
    assert right(example) == "Plank` in `shop/parts/wood.py"
    example = find(asked, "override", "`Part`", "`fold`")
    assert right(example) == "Pallet` in `shop/parts/wood.py", "through a class between"


def test_where_the_overridden_method_is(asked: list[Example]) -> None:
    example = find(asked, "inherited", "`Pallet`", "`fold`")
    assert right(example) == "shop/parts/base.py"
    assert example.evidence[-1] == "shop/parts/base.py:14-14"


def test_the_base_of_the_base(asked: list[Example]) -> None:
    assert right(find(asked, "ancestor", "`Pallet`")) == "Part` in `shop/parts/base.py"


def test_which_file_imports_another(asked: list[Example]) -> None:
    example = find(asked, "import", "`shop/parts/base.py`")
    assert right(example) == "shop/parts/wood.py"
    wrong = set(example.question.choices.values()) - {"shop/parts/wood.py"}
    assert all("shop.parts.base" not in PYTHON[path] for path in wrong)


def test_what_a_constant_evaluates_to(asked: list[Example]) -> None:
    assert right(find(asked, "constant", "`SECONDS_A_DAY`")) == "86400"
    assert right(find(asked, "constant", "`GRACE`")) == "125"
    asked_about = subjects(asked, "constant")
    assert "`MODE`" not in asked_about, "its name spells its value"
    assert "`PATCHED`" not in asked_about, "another module sets it"
    assert "`MAYBE`" not in asked_about, "it is set under a condition"


OVERLOADED = '''from typing import overload
import functools


@overload
def read(a, b, c, d=7): ...
@overload
def read(a, b, c, d=8): ...
def read(a, b, c, d=9):
    """Read."""
    a += 1
    b += 1
    return a, b, c, d


@functools.partial
def bent(a, b, c, d=7, e=8, f=9, g=10):
    """The decorator changes what it takes."""
    a += 1
    b += 1
    return a


def straight(a, b, c, d=17, e=18, f=19, g=20):
    """Nothing changes this one."""
    a += 1
    b += 1
    return a
'''


def test_overloads_and_decorators_that_change_a_signature_are_left_out() -> None:
    texts = "\n".join(one.question.text for one in ask({"lib/io.py": OVERLOADED}))
    assert "`straight`" in texts
    assert "`read`" not in texts
    assert "`bent`" not in texts


SCOPES = """LIMIT = 30


class Box:
    LIMIT = 40

    def fill(self, depth=LIMIT, width=17, height=18, length=19):
        self.depth = depth
        self.width = width
        self.height = height
        return self
"""


def test_a_default_that_a_class_names_is_not_taken_from_the_file() -> None:
    defaults = subjects(ask({"lib/box.py": SCOPES}), "default")
    assert "`width`" in defaults
    assert "`depth`" not in defaults


def test_an_exception_goes_by_one_name_only() -> None:
    files = {
        "lib/__init__.py": "",
        "lib/faults.py": "class DiskFault(IOError): pass\nclass LateFault(ValueError): pass\n",
        "lib/disk.py": "from lib.faults import DiskFault\n\n\ndef spin(disk):\n    disk.start()\n    if disk.bad:\n"
        "        raise DiskFault(disk)\n    disk.stop()\n    disk.park()\n    return disk\n",
    }
    example = find(ask(files), "raised base", "`spin`")
    assert right(example) == "IOError"
    assert "`OSError`" not in example.question.choices.values()


def test_a_name_that_another_file_rebinds_is_left_out() -> None:
    rebound = {**PYTHON, "shop/cellar/night.py": "plane_down = None\n"}
    assert "`plane_down`" not in subjects(ask(rebound), "definition")
    aliased = {**PYTHON, "shop/cellar/night.py": "from shop.cellar.dawn import tally as count\n"}
    assert "`tally`" not in subjects(ask(aliased), "caller")


def test_a_file_that_does_not_parse_spoils_nothing() -> None:
    broken = {**PYTHON, "shop/broken.py": "def (:\n"}
    assert len(ask(broken)) >= len(ask(PYTHON)) - 3
    assert all("broken" not in one.question.text for one in ask(broken))


@pytest.mark.parametrize(
    "deep",
    [
        "MANY = " + "+".join(["1"] * 900) + "\n",
        "MANY = " + "(" * 150 + "1," + ")," * 149 + ")\n",
        "MANY = " + "-" * 20_000 + "1\n",
    ],
)
def test_code_that_is_nested_as_deep_as_can_be_spoils_nothing(deep: str) -> None:
    def at(depth: int) -> list[Example]:
        return at(depth - 1) if depth else ask({**PYTHON, "shop/deep.py": deep})

    assert len(at(400)) >= len(ask(PYTHON)) - 3


def test_a_few_constants_that_stand_for_billions_are_left_out() -> None:
    chain = [f"LEVEL_{at} = " + " + ".join([f"LEVEL_{at + 1}"] * 300) for at in range(4)]
    code = {**PYTHON, "shop/chain.py": "\n".join([*chain, "LEVEL_4 = 0", ""])}
    assert not any("LEVEL_" in one.question.text for one in ask(code) if one.kind == "constant")
