"""What the tests of the log share."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, func, insert, select, text

from labelling.database.engine import open_database
from labelling.database.tables import actions, changes, projects
from labelling.labels import LabelLog
from labelling.labels.label import MAX_NAME_LENGTH
from tests.labels.writer import ROWS_EACH, command

N_ROWS = 10


def add_project(engine: Engine, project_id: str = "p", n_rows: int = N_ROWS, *, multi_label: bool = False) -> None:
    kind = "several" if multi_label else "one"
    values = {"id": project_id, "name": "", "created_at": "", "n_rows": n_rows, "space": 0, "kind": kind}
    with engine.begin() as connection:
        connection.execute(insert(projects).values(values))


def open_log(engine: Engine, n_rows: int = N_ROWS, **how: object) -> LabelLog:
    return LabelLog(engine, "p", n_rows, **how)  # type: ignore[arg-type]


def n_actions(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def names_of(log: LabelLog) -> list[str]:
    return [label.name for label in log.labels]


def state(log: LabelLog) -> list[object]:
    """All that a log says: two that are of one project and up to date say the same."""
    values = [log.label_values(label.id).tolist() for label in log.labels] if log.multi_label else log.codes.tolist()
    force = [log.in_force(action.seq) for action in log.actions]
    told = [log.labels, values, log.actions, force, log.next_undo, log.next_redo, log.n_labelled, log.counts().tolist()]
    return [*told, log.sources().tolist(), log.labelled_at().tolist()]


def rows_by_replay(log: LabelLog) -> list[int]:
    """The label ids that assign, clear, undo and redo give when they are replayed by hand: one label a row."""
    codes = np.full(log.n_rows, -1)
    for action in log.actions:
        if log.in_force(action.seq) and action.kind in ("assign", "clear"):
            codes[log.rows_of(action.seq)] = -1 if action.kind == "clear" else action.label_id
    return codes.tolist()


def kill_a_stream(
    database: Path | str,
    n_actions: int,
    kill_after: int,
    delay: float,
    kill: Callable[[subprocess.Popen[str]], object] = subprocess.Popen.kill,
    heal: Callable[[], object] = lambda: None,
    n_rows: int = 100,
) -> tuple[int, int]:
    """Kill a process that labels; check all; how many actions it said were done, and how many there are."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(database, "ann", n_rows, n_actions), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "ready\n"
        writer.stdin.write("go\n")
        writer.stdin.flush()
        told = [writer.stdout.readline() for _ in range(kill_after)]
        time.sleep(delay)  # into the midst of the next
        kill(writer)
        told += writer.stdout.readlines()
    heal()
    done = [int(line) for line in told if line.endswith("\n")]
    assert done == list(range(1, len(done) + 1))
    return len(done), check_after_kill(database, n_rows, len(done))


def check_after_kill(database: Path | str, n_rows: int, n_done: int) -> int:
    """All that was done is there, nothing is half there, and it goes on; how many actions there are."""
    engine = open_database(database)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    log = open_log(engine, n_rows)
    n_there = log.seq
    assert n_done <= n_there <= n_done + 1, "the last may have been written and not yet told"
    for action in log.actions:
        assert action.n_rows == len(log.rows_of(action.seq)) == ROWS_EACH
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(actions)) == n_there
        assert connection.scalar(select(func.count()).select_from(changes)) == n_there
    assert log.codes.tolist() == rows_by_replay(log)
    assert log.assign([0], "goes on", overwrite=True).n_changed == 1
    assert open_log(engine, n_rows).seq == n_there + 1
    engine.dispose()
    return n_there


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


NAMES = [
    "card payment",
    "<script>alert(1)</script> & **bold**",
    "'; DROP TABLE labels; --",
    "می\u200cخواهم",  # Persian needs the zero-width non-joiner
    "👩\u200d👩\u200d👧",
    "prix\u00a0: 5\u00a0€",
    "\u202eright to left\u202c",
    "=1+1",
    "None",
    "x" * MAX_NAME_LENGTH,
]
