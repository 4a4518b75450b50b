"""A small repository whose truths are known by heart, with traps beside them."""

PYTHON = {
    "shop/__init__.py": "from shop.money import to_cents\n",
    "shop/settings.py": '''"""Figures that others use."""

SECONDS_A_DAY = 60 * 60 * 24
PAGE = 40
GRACE = PAGE * 3 + 5
LANES = 7
DEPTH = 12
SHELVES = 96
MODE = "MODE"
PATCHED = 31
if PAGE:
    MAYBE = 55
''',
    "shop/errors.py": '''class ShopError(Exception):
    """Base."""


class StockError(ShopError):
    """Nothing left."""


class LateStock(StockError):
    """Comes later."""


class PriceError(ShopError):
    """No price."""


class TagError(PriceError):
    """No tag."""
''',
    "shop/money.py": '''import json


def to_cents(text, digits=2, sep=",", *, strict=False, **rest):
    """Read a price."""
    whole, _, part = text.partition(sep)
    if not whole:
        raise ValueError(text)
    if len(part) > digits:
        raise KeyError(digits)
    try:
        return int(whole) * 100 + int(part or 0)
    except TypeError:
        return json.loads(text)


def weigh_parcel(box, margin=15, unit="gram", width=320, height=75):
    """Weigh."""
    total = margin
    for item in box:
        total += item.weight
    return total


def pack_again(box):
    """Calls it by another name only."""
    total = 0
    for item in box:
        total += item.size
    return total


def seal_parcel(box):
    """Calls nothing."""
    lid = box.lid
    lid.turn()
    lid.press()
    return lid
''',
    "shop/parts/__init__.py": "",
    "shop/parts/base.py": '''from shop.errors import LateStock, StockError
from shop.settings import GRACE


class Part:
    """A part."""

    def ship(self, route, when=GRACE):
        """Ship it."""
        if when < 0:
            raise StockError(route)
        return route, when

    def fold(self):
        """Fold it."""
        return self


class Crate(Part):
    """A part with walls."""

    def open_lid(self):
        """Open."""
        return None
''',
    "shop/parts/wood.py": '''from shop import to_cents
from shop.parts.base import Crate, Part


class Plank(Part):
    """Overrides ship."""

    def ship(self, route, when=3):
        """By river."""
        price = to_cents(route)
        price += when
        return price, when


class Beam(Part):
    """Overrides nothing."""

    def saw(self):
        """Saw."""
        return self.fold()


class Pallet(Crate):
    """Overrides fold."""

    def fold(self):
        """Not this one."""
        return [self]


class Chest(Crate):
    """Overrides nothing either."""

    def lock(self):
        """Lock."""
        return 1


class Ship:
    """Has the method and is no part."""

    def ship(self, route):
        """Sail."""
        return route


def plane_down(board, passes):
    """Uses nothing."""
    for _ in range(passes):
        board = board[1:]
    board.sort()
    return board


if to_cents:

    def sometimes(board):
        """Conditional: nobody may ask about it."""
        board.sort()
        board.reverse()
        return board
''',
    "shop/parts/metal.py": '''import shop.settings
from shop.money import weigh_parcel as weigh

shop.settings.PATCHED = 32


def smelt(ore, heat, hours, *fuels):
    """Calls under another name."""
    total = weigh(ore)
    total += heat * hours
    total += len(fuels)
    return total


def helper(a):
    """Defined twice in this repository."""
    a += 1
    a += 2
    return a
''',
    "shop/cellar/__init__.py": "",
    "shop/cellar/dusk.py": '''from os.path import *


def helper(a):
    """Defined twice in this repository."""
    a += 1
    a += 2
    return a


def raises_what_it_is_given(error):
    """Nobody can say."""
    text = str(error)
    if text:
        raise error
    raise ValueError(text)
''',
    "shop/cellar/dawn.py": '''def tally(rows):
    """Count."""
    total = 0
    for row in rows:
        total += row
    return total


def tally_again(rows):
    """Count."""
    total = tally(rows)
    if total < 0:
        raise OSError(total)
    if total > 100:
        raise IndexError(total)
    return total
''',
    "tests/test_shop.py": '''def check_everything(a, b, c, d=99):
    """Tests are no subject."""
    a += 1
    b += 1
    return a, b, c, d
''',
}
