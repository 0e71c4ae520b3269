"""What a parameter may be, and what is said where it is something else."""

import re
from typing import ClassVar

import numpy as np
import pytest

from labelling.learning.parameters import Allowed, Number, RandomState, check_parameters, whole


class Estimator:
    _allowed: ClassVar[dict[str, Allowed]] = {
        "steps": (whole(1), "auto"),
        "rate": (Number(0, open="low"),),
        "share": (Number(0, 1, open="high"), None),
        "name": (str,),
        "shared": (bool,),
        "random_state": (RandomState(),),
    }

    def __init__(self, **given: object) -> None:
        good = {"steps": "auto", "rate": 0.1, "share": 0, "name": "", "shared": True, "random_state": None}
        self.__dict__.update(good, **given)


@pytest.mark.parametrize(
    "given",
    [
        {"steps": 1}, {"steps": np.int64(7)}, {"rate": 1}, {"rate": np.float32(0.5)}, {"share": 0.999}, {"share": None},
        {"shared": np.True_}, {"random_state": 0}, {"random_state": np.random.RandomState(0)},
    ],
)  # fmt: skip
def test_allowed(given: dict[str, object]) -> None:
    check_parameters(Estimator(**given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 0}, "steps of Estimator must be a whole number from 1 or 'auto', got 0"),
        ({"steps": 1.0}, "steps of Estimator must be a whole number from 1 or 'auto', got 1.0"),
        ({"steps": True}, "got True"),
        ({"steps": "many"}, "got 'many'"),
        ({"rate": 0}, "rate of Estimator must be a number above 0, got 0"),
        ({"rate": float("nan")}, "got nan"),
        ({"share": 1}, "share of Estimator must be a number from 0 to below 1 or None, got 1"),
        ({"name": None}, "name of Estimator must be a text, got None"),
        ({"shared": 1}, "shared of Estimator must be True or False, got 1"),
        ({"random_state": -1}, "random_state of Estimator must be None, a whole number from 0 to 4294967295 or"),
        ({"random_state": np.random.default_rng(0)}, "got Generator"),
    ],
)
def test_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        check_parameters(Estimator(**given))
