"""What the parameters of an estimator may be, and a clear error where one is something else."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol

import numpy as np


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`, ends included unless they are said to be `open`; a `whole` one if that is set."""

    low: float
    high: float = np.inf
    whole: bool = False
    open: str = ""  # "low", "high" or both words

    def allows(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        above = number > self.low if "low" in self.open else number >= self.low
        below = number < self.high if "high" in self.open else number <= self.high
        return above and below

    def __str__(self) -> str:
        low = f"{'above' if 'low' in self.open else 'from'} {self.low:g}"
        high = "" if np.isinf(self.high) else f" {'to below' if 'high' in self.open else 'to'} {self.high:g}"
        return f"a {'whole number' if self.whole else 'number'} {low}{high}"


def whole(low: int) -> Number:
    return Number(low, whole=True)


class RandomState:
    """A seed, a generator, or None for numpy's own; as scikit-learn takes them."""

    def allows(self, value: Any) -> bool:
        return value is None or isinstance(value, np.random.RandomState) or Number(0, 2**32 - 1, True).allows(value)

    def __str__(self) -> str:
        return "None, a whole number from 0 to 4294967295 or a numpy.random.RandomState"


# What a parameter may be: any of these; a type allows its instances, a text or None itself.
Allowed = tuple[Number | RandomState | type | str | None, ...]


class _Checked(Protocol):
    _allowed: ClassVar[dict[str, Allowed]]


def check_parameters(estimator: _Checked) -> None:
    """Raises ValueError where a parameter is none of what the estimator's `_allowed` says of it."""
    for name, allowed in estimator._allowed.items():
        value = getattr(estimator, name)
        if not any(_is_one(value, each) for each in allowed):
            words = " or ".join(_said(each) for each in allowed)
            raise ValueError(f"{name} of {type(estimator).__name__} must be {words}, got {value!r}")


def _is_one(value: Any, allowed: Any) -> bool:
    if isinstance(allowed, Number | RandomState):
        return allowed.allows(value)
    if isinstance(allowed, type):
        return isinstance(value, (bool, np.bool_)) if allowed is bool else isinstance(value, allowed)
    return value is None if allowed is None else isinstance(value, str) and value == allowed


def _said(allowed: Any) -> str:
    if isinstance(allowed, type):
        names = {str: "a text", dict: "a dict", bool: "True or False"}
        return names.get(allowed, f"a {allowed.__name__}")
    return repr(allowed) if isinstance(allowed, str) or allowed is None else str(allowed)
