"""Work in parts on several processes, some of which are killed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelling.store import StoreError
from labelling.store.work import Machines, run
from tests.store.helpers import JOB, done


@pytest.mark.parametrize(("workers", "n_deaths"), [(1, 0), (2, 0), (2, 2)])
def test_each_part_is_done_once_whoever_dies(tmp_path: Path, workers: int, n_deaths: int) -> None:
    found = done(tmp_path, 20, n_deaths, Machines(workers))
    assert sorted((each["number"], each["length"]) for each in found) == [(2 * n, n) for n in range(20)]
    assert len(list(tmp_path.iterdir())) == n_deaths
    assert len({each["pid"] for each in found}) >= (workers if n_deaths else 1)


def test_a_part_that_always_ends_its_process_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"'number': 3.*ended its process 3 times"):
        done(tmp_path, 20, 9, Machines(2))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_fault_ends_the_work_and_no_process_is_left(tmp_path: Path) -> None:
    asked = iter([({"number": 1}, b""), ({"number": 2}, b""), ({"number": 1_000}, b"")])
    work = run(JOB, {"folder": str(tmp_path), "n_deaths": 0}, asked, Machines(1))
    pid = next(work)["pid"]
    with pytest.raises(StoreError, match="A fault of Corral's own: ZeroDivisionError: a fault"):
        list(work)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_tasks_are_asked_for_as_they_can_be_begun(tmp_path: Path) -> None:
    asked = []

    def endless() -> Iterator[tuple[dict[str, Any], bytes]]:
        for number in range(10, 10_000):
            asked.append(number)
            yield {"number": number}, b""

    work = run(JOB, {"folder": str(tmp_path), "n_deaths": 0}, endless(), Machines(2))
    first = next(work)
    work.close()
    assert first["number"] >= 20
    assert len(asked) <= 6
