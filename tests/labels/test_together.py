"""Several at once: tabs, threads, processes."""

import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine

from labelling.database.engine import open_database
from labelling.labels import LabelLog
from tests.labels.helpers import N_ROWS, add_project, names_of, open_log, rows_by_replay, state
from tests.labels.writer import command

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


def write_at_once(database: Path | str, n_writers: int, n_each: int, n_rows: int = 200) -> float:
    """Processes that label at once; checks that all is there, in one order; how many seconds it took."""
    add_project(open_database(database), "p", n_rows)
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(command(database, f"w{number}", n_rows, n_each), stdin=pipe, stdout=pipe, text=True)
        for number in range(n_writers)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    start = time.perf_counter()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate()[0].split() for writer in writers]
    seconds = time.perf_counter() - start
    engine = open_database(database)
    log = open_log(engine, n_rows)
    assert [action.seq for action in log.actions] == list(range(1, n_writers * n_each + 1))
    assert sorted(int(seq) for seqs in told for seq in seqs) == [action.seq for action in log.actions]
    assert Counter(action.who for action in log.actions) == {f"w{number}": n_each for number in range(n_writers)}
    for number, seqs in enumerate(told):
        assert [log.actions[int(seq) - 1].who for seq in seqs] == [f"w{number}"] * n_each
        written = [log.how(int(seq))["number"] for seq in seqs if log.actions[int(seq) - 1].kind == "assign"]
        assert written == [turn for turn in range(n_each) if turn % 10 != 9], "each in its own order"
    assert log.codes.tolist() == rows_by_replay(log), "the labels are those that this order gives"
    engine.dispose()
    return seconds


def test_writers_at_once(database: Path | str) -> None:
    assert write_at_once(database, 4, 25) > 0
