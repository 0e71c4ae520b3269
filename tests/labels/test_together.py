"""Several at once: tabs, threads, processes."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from tests.labels.helpers import N_ROWS, add_project, names_of, open_log, state, write_at_once

pytestmark = pytest.mark.slow


def test_two_tabs_see_each_other_and_do_not_overwrite(engine: Engine) -> None:
    one, two = open_log(engine), open_log(engine)
    one.assign([0, 1, 2], "a")
    assert two.n_labelled == 0, "not refreshed yet"
    assert two.assign([2, 3], "b").n_changed == 1, "what a stale tab labels is worked out on the labels as they are now"
    assert two.names().tolist()[:4] == ["a", "a", "a", "b"]
    assert one.refresh() is True
    assert one.refresh() is False
    assert state(one) == state(two)


def test_the_second_is_told_what_others_did_meanwhile(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign([0, 1, 2], "a")
    ann.assign([2], "b", overwrite=True)
    outcome = bob.assign([1, 2, 5], "c")
    assert (outcome.n_changed, outcome.n_left) == (1, 2)
    assert outcome.meanwhile == {"ann": 2}
    assert bob.assign([1, 2], "c", overwrite=True).meanwhile == {}, "he has seen it now"
    assert ann.clear([5, 9]).meanwhile == {"bob": 1}
    other_tab = open_log(engine, who="ann")
    ann.assign([7], "a")
    assert other_tab.assign([7], "b").meanwhile == {}, "one's own are no surprise"


def test_two_tabs_make_labels_at_once(engine: Engine) -> None:
    one, two = open_log(engine), open_log(engine)
    one.assign([0], "a")
    two.assign([1], "b")
    one.assign([2], "c")
    two.assign([3], "a")
    assert names_of(two) == ["a", "b", "c"]
    assert two.names().tolist()[:4] == ["a", "b", "c", "a"]


def test_projects_do_not_mix(engine: Engine) -> None:
    add_project(engine, "q")
    open_log(engine).assign([0], "a")
    other = LabelLog(engine, "q", N_ROWS)
    other.assign([1], "b")
    assert other.seq == 1
    assert other.names().tolist()[:2] == [None, "b"]


def test_threads_that_share_a_log(engine: Engine) -> None:
    log, other = open_log(engine), open_log(engine)
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(15):
                (log if number < 3 else other).assign([number], f"{turn}", overwrite=True)
                log.refresh()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    log.refresh()
    assert [action.seq for action in log.actions] == list(range(1, 61))
    assert state(log) == state(open_log(engine))


def test_writers_at_once(database: Path | str) -> None:
    assert write_at_once(database, 4, 25) > 0
