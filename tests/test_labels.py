"""The label log: what it holds, that it is on disk, and that two of them on one database get on."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, insert, select, text

from labelling.database import WorkspaceError, actions, labels, open_database, projects
from labelling.labels import MAX_IMPORTED_LABELS, MAX_NAME_LENGTH, LabelError, clean_name
from labelling.log import LabelLog
from labelling.log.packing import pack_rows, unpack_rows

ROOT = Path(__file__).parents[1]
N_ROWS = 10


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_database(tmp_path / "corral.db")
    add_project(engine, "p")
    return engine


def add_project(engine: Engine, project_id: str, n_rows: int = N_ROWS) -> None:
    with engine.begin() as connection:
        connection.execute(
            insert(projects).values(id=project_id, name="", created_at="", n_rows=n_rows, space=0, kind="one")
        )


def open_log(engine: Engine, n_rows: int = N_ROWS) -> LabelLog:
    return LabelLog(engine, "p", n_rows)


def n_actions(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def state(log: LabelLog) -> tuple[object, ...]:
    return log.names().tolist(), log.setters.tolist(), log.seq, [label.name for label in log.labels], log.actions


# ---------------------------------------------------------------- assign and clear


def test_assign_leaves_rows_that_have_a_label(engine: Engine) -> None:
    log = open_log(engine)
    assert log.assign([1, 2, 3], "a").n_changed == 3
    assert log.assign([3, 4], "b").n_changed == 1
    assert log.names().tolist() == [None, "a", "a", "a", "b", None, None, None, None, None]
    assert log.rows_of(2).tolist() == [4]


def test_assign_overwrites_when_asked(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2, 3], "a")
    assert log.assign([2, 3, 4], "b", overwrite=True).n_changed == 3
    assert log.names().tolist() == [None, "a", "b", "b", "b", None, None, None, None, None]
    assert log.setters.tolist() == [0, 1, 2, 2, 2, 0, 0, 0, 0, 0]


def test_what_is_known_of_the_rows(engine: Engine) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    log = open_log(engine)
    assert log.counts().tolist() == []
    log.assign([5, 1, 1, 2], "a", how={"by": "lasso", "points": [[0, 1.5]]})
    log.assign([7], "b", how={"by": "box"})
    assert log.codes.dtype == np.int32
    assert log.n_labelled == 4
    assert log.counts().tolist() == [3, 1]
    assert log.counts(np.array([0, 1, 7])).tolist() == [1, 1]
    assert log.sources().tolist() == [None, "lasso", "lasso", None, None, "lasso", None, "box", None, None]
    at = log.labelled_at()
    assert at[0] is None
    assert before <= datetime.fromisoformat(at[1]) <= datetime.now(UTC)
    assert log.rows_of(1).tolist() == [1, 2, 5]
    assert log.actions[0].how == {"by": "lasso", "points": [[0, 1.5]]}
    assert state(open_log(engine)) == state(log)


def test_nothing_is_written_where_nothing_changes(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2], "a")
    log.import_labels(["a" if row in (1, 2) else None for row in range(N_ROWS)])
    assert log.assign([1, 2], "b").n_changed == 0
    assert log.assign([1, 2], "a", overwrite=True).n_changed == 0
    assert log.assign([], "c").n_changed == 0
    assert log.clear([4, 5]).n_changed == 0
    assert log.import_labels([None] * N_ROWS).n_changed == 0
    assert log.redo() is None
    assert n_actions(engine) == 1
    assert [label.name for label in log.labels] == ["a"], "a label that no row has got is not made"


def test_clear(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2, 3], "a")
    assert log.clear([2, 3, 4]).n_changed == 2
    assert log.names().tolist()[:5] == [None, "a", None, None, None]
    assert log.labelled_at()[2] is None
    assert log.sources()[2] is None
    assert log.assign([2], "b").n_changed == 1


@pytest.mark.parametrize("rows", [[-1], [N_ROWS], [0, 99]])
def test_rows_outside(engine: Engine, rows: list[int]) -> None:
    log = open_log(engine)
    with pytest.raises(LabelError, match=r"0\.\.9"):
        log.assign(rows, "a")
    with pytest.raises(LabelError, match=r"0\.\.9"):
        log.clear(rows)
    assert n_actions(engine) == 0


@pytest.mark.parametrize("rows", [np.ones(N_ROWS, bool), [0.5, 1.0], ["1"]])
def test_a_mask_is_not_taken_for_row_numbers(engine: Engine, rows: object) -> None:
    with pytest.raises(LabelError, match="row numbers"):
        open_log(engine).assign(rows, "a")
    assert n_actions(engine) == 0


@pytest.mark.parametrize("n_rows", [1, 2])
def test_a_row_or_two(tmp_path: Path, n_rows: int) -> None:
    engine = open_database(tmp_path / "few.db")
    add_project(engine, "p", n_rows)
    log = open_log(engine, n_rows)
    assert log.assign(range(n_rows), "a").n_changed == n_rows
    log.undo()
    assert log.names().tolist() == [None] * n_rows
    log.redo()
    assert open_log(engine, n_rows).names().tolist() == ["a"] * n_rows


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        "card payment",
        "<script>alert(1)</script> & **bold**",
        "'; DROP TABLE labels; --",
        "می\u200cخواهم",  # Persian needs the zero-width non-joiner
        "👩\u200d👩\u200d👧",
        "prix\u00a0: 5\u00a0€",
        "None",
        "x" * MAX_NAME_LENGTH,
    ],
)
def test_names_come_back_as_they_were_typed(engine: Engine, name: str) -> None:
    open_log(engine).assign([3], f"  {name} ")
    assert open_log(engine).names()[3] == name


@pytest.mark.parametrize(
    "name", ["", " \t\n", "\u200b", "a\nb", "a\tb", "a\0b", "a\x1bb", "\u2028x\u2028y", "\ud800", "x" * 81]
)
def test_names_that_are_none(engine: Engine, name: str) -> None:
    log = open_log(engine)
    with pytest.raises(LabelError, match=r"label name|needs a name"):
        log.assign([3], name)
    assert n_actions(engine) == 0


def test_labels_are_told_apart_exactly(engine: Engine) -> None:
    log = open_log(engine)
    for row, name in enumerate(["a", "A", "ä"]):
        log.assign([row], name)
    assert [label.name for label in log.labels] == ["a", "A", "ä"]
    assert [label.id for label in log.labels] == [0, 1, 2]


# ---------------------------------------------------------------- import


def test_import(engine: Engine) -> None:
    log = open_log(engine)
    values = ["b", None, "a", np.nan, "", "  ", " a ", pd.NA, pd.NaT, "b"]
    assert log.import_labels(values).n_changed == 4
    assert log.names().tolist() == ["b", None, "a", None, None, None, "a", None, None, "b"]
    assert log.sources().tolist()[:3] == ["imported", None, "imported"]
    assert [label.name for label in log.labels] == ["b", "a"]
    assert state(open_log(engine)) == state(log)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.Series([1, None, 2], dtype="Int64"), ["1", None, "2"]),
        (pd.Series([1.0, np.nan, 2.5]), ["1", None, "2.5"]),
        (pd.Series([True, None, False], dtype="boolean"), ["True", None, "False"]),
        (np.array([0, -1, 3]), ["0", "-1", "3"]),
        (pd.Series(["x", None, "nan"], dtype="str"), ["x", None, "nan"]),
    ],
)
def test_import_of_numbers_and_gaps(tmp_path: Path, values: object, names: list[str | None]) -> None:
    engine = open_database(tmp_path / "three.db")
    add_project(engine, "p", 3)
    log = open_log(engine, 3)
    assert log.import_labels(values.tolist()).n_changed == sum(name is not None for name in names)
    assert log.names().tolist() == names


def test_import_of_one_label_and_undo(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0, 1], "mine")
    assert log.import_labels(["theirs"] * N_ROWS).n_changed == N_ROWS
    assert log.counts().tolist() == [0, N_ROWS]
    log.undo()
    assert log.names().tolist() == ["mine", "mine"] + [None] * 8
    assert log.setters.tolist() == [1, 1] + [0] * 8
    log.redo()
    assert log.names().tolist() == ["theirs"] * N_ROWS


def test_import_refuses_what_is_no_label_column(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "many.db")
    n_rows = MAX_IMPORTED_LABELS + 1
    add_project(engine, "p", n_rows)
    log = open_log(engine, n_rows)
    with pytest.raises(LabelError, match="1,001 different values"):
        log.import_labels([f"{'long text ' * 20} {row}" for row in range(n_rows)])
    with pytest.raises(LabelError, match=r"'two\\nlines'.*line break"):
        log.import_labels(["a"] * (n_rows - 1) + ["two\nlines"])
    with pytest.raises(LabelError, match="200 characters"):
        log.import_labels(["a"] * (n_rows - 1) + ["x" * 200])
    with pytest.raises(LabelError, match=f"3 labels to import for {n_rows} rows"):
        log.import_labels(["a", "b", "c"])
    assert n_actions(engine) == 0
    assert log.import_labels([str(row % MAX_IMPORTED_LABELS) for row in range(n_rows)]).n_changed == n_rows


# ---------------------------------------------------------------- undo and redo


def test_undo_and_redo_to_any_depth(engine: Engine) -> None:
    log = open_log(engine)
    seen = [log.names().tolist()]
    for step in (
        lambda: log.import_labels(["x", "y"] * 5),
        lambda: log.assign([0, 1, 2], "a", overwrite=True),
        lambda: log.clear([1, 9]),
        lambda: log.assign([1], "b"),
        lambda: log.import_labels(["z"] + [None] * 9),
    ):
        assert step()
        seen.append(log.names().tolist())
    for n in (4, 3, 2, 1, 0):
        assert log.next_undo == log.actions[n]
        assert log.undo() == log.actions[n]
        assert log.names().tolist() == seen[n]
    assert log.undo() is None
    assert log.next_undo is None
    for n in (1, 2, 3, 4, 5):
        assert log.redo() == log.actions[n - 1]
        assert log.names().tolist() == seen[n]
    assert log.redo() is None
    assert log.setters.tolist()[:3] == [5, 4, 2], "a label brought back is that of its first action"
    assert log.rows_of(6).tolist() == log.rows_of(5).tolist()
    assert state(open_log(engine)) == state(log)


def test_a_new_action_ends_redo(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0], "a")
    log.assign([1], "b")
    log.undo()
    log.assign([2], "c")
    assert log.redo() is None
    assert log.undo().label_id == 2
    assert log.undo().label_id == 0
    assert log.names().tolist() == [None] * N_ROWS


# ---------------------------------------------------------------- two logs on one database


def test_two_tabs_see_each_other_and_do_not_overwrite(engine: Engine) -> None:
    one, two = open_log(engine), open_log(engine)
    one.assign([0, 1, 2], "a")
    assert two.n_labelled == 0, "not refreshed yet"
    assert two.assign([2, 3], "b").n_changed == 1, "what a stale tab labels is worked out on the labels as they are now"
    assert two.names().tolist()[:4] == ["a", "a", "a", "b"]
    assert one.refresh() is True
    assert one.refresh() is False
    assert state(one) == state(two)


def test_undo_after_another_tabs_action(engine: Engine) -> None:
    one, two = open_log(engine), open_log(engine)
    one.assign([0, 1], "a")
    two.assign([1, 2], "b", overwrite=True)
    assert one.undo().seq == 2, "the last action in force, whoever took it"
    assert one.names().tolist()[:3] == ["a", "a", None]
    two.assign([5], "c")
    assert one.redo() is None, "another tab's action ends redo too"
    assert one.names().tolist()[:6] == ["a", "a", None, None, None, "c"]


def test_two_tabs_make_labels_at_once(engine: Engine) -> None:
    one, two = open_log(engine), open_log(engine)
    one.assign([0], "a")
    two.assign([1], "b")
    one.assign([2], "c")
    two.assign([3], "a")
    assert [label.name for label in two.labels] == ["a", "b", "c"]
    assert two.names().tolist()[:4] == ["a", "b", "c", "a"]


def test_projects_do_not_mix(engine: Engine) -> None:
    add_project(engine, "q")
    open_log(engine).assign([0], "a")
    other = LabelLog(engine, "q", N_ROWS)
    other.assign([1], "b")
    assert other.seq == 1
    assert other.names().tolist()[:2] == [None, "b"]


STEPS = st.one_of(
    st.tuples(
        st.just("assign"),
        st.sets(st.integers(0, N_ROWS - 1)),
        st.sampled_from(["a", "b", "c"]),
        st.booleans(),
    ),
    st.tuples(st.just("clear"), st.sets(st.integers(0, N_ROWS - 1))),
    st.tuples(
        st.just("import"),
        st.lists(st.sampled_from([None, None, "a", "b", "d"]), min_size=N_ROWS, max_size=N_ROWS),
    ),
    st.tuples(st.just("undo")),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


class Model:
    """The labels as a plain list of (name, setter), with the states before and after for undo and redo."""

    def __init__(self) -> None:
        self.now: list[tuple[str | None, int]] = [(None, 0)] * N_ROWS
        self.past: list[list[tuple[str | None, int]]] = []
        self.future: list[list[tuple[str | None, int]]] = []
        self.seq = 0

    def step(self, kind: str, *args: object) -> None:
        if kind == "undo":
            if self.past:
                self.seq += 1
                self.future.append(self.now)
                self.now = self.past.pop()
            return
        if kind == "redo":
            if self.future:
                self.seq += 1
                self.past.append(self.now)
                self.now = self.future.pop()
            return
        new: dict[int, str | None] = {}
        for row, (name, _) in enumerate(self.now):
            if kind == "assign":
                rows, wanted, overwrite = args
                if row in rows and name != wanted and (overwrite or name is None):
                    new[row] = wanted
            elif kind == "clear":
                if row in args[0] and name is not None:
                    new[row] = None
            elif args[0][row] is not None and args[0][row] != name:
                new[row] = args[0][row]
        if new:
            self.seq += 1
            self.past.append(self.now)
            self.future.clear()
            self.now = [(new[row], self.seq) if row in new else was for row, was in enumerate(self.now)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STEPS, st.integers(0, 1), st.booleans()), max_size=20))
def test_any_sequence_by_two_logs_follows_the_model(engine: Engine, steps: list) -> None:
    with engine.begin() as connection:
        number = connection.scalar(select(func.count()).select_from(projects))
    project_id = f"p{number}"
    add_project(engine, project_id)
    logs = [LabelLog(engine, project_id, N_ROWS) for _ in range(2)]
    model = Model()
    for (kind, *args), who, look in steps:
        log = logs[who]
        if kind == "assign":
            rows, name, overwrite = args
            log.assign(sorted(rows), name, overwrite=overwrite)
        elif kind == "clear":
            log.clear(sorted(args[0]))
        elif kind == "import":
            log.import_labels(args[0])
        else:
            getattr(log, kind)()
        model.step(kind, *args)
        assert log.names().tolist() == [name for name, _ in model.now]
        cleared = log.codes < 0
        setters = np.array([setter for _, setter in model.now])
        assert log.setters[~cleared].tolist() == setters[~cleared].tolist()
        assert log.seq == model.seq
        assert (log.next_undo is None) == (not model.past)
        assert (log.next_redo is None) == (not model.future)
        if look:
            logs[1 - who].refresh()
            assert state(logs[1 - who]) == state(log)
    for log in logs:
        log.refresh()
        assert state(log) == state(LabelLog(engine, project_id, N_ROWS))


def test_threads_that_share_a_log(engine: Engine) -> None:
    log = open_log(engine)
    other = open_log(engine)
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


# ---------------------------------------------------------------- other processes, kills, failures

WORKER = """
import sys
from pathlib import Path
import numpy as np
from labelling.database import open_database
from labelling.labels import LabelLog
path, me, n_rows, n_actions = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
log = LabelLog(open_database(path), "p", n_rows)
rng = np.random.default_rng(len(me))
print("ready", flush=True)
sys.stdin.readline()
for number in range(n_actions):
    if number % 10 == 9:
        log.undo()
    else:
        rows = rng.choice(n_rows, 5, replace=False)
        log.assign(rows, f"{me} {number}", overwrite=True, how={"by": me, "number": number})
    print("ack", number, log.seq, flush=True)
sys.stdin.readline()
"""


def start_worker(path: Path, me: str, n_rows: int, n_actions: int) -> subprocess.Popen:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), me, str(n_rows), str(n_actions)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return worker


def test_two_processes_label_at_once(tmp_path: Path) -> None:
    n_rows = 1000
    engine = open_database(tmp_path / "corral.db")
    add_project(engine, "p", n_rows)
    workers = [start_worker(tmp_path / "corral.db", me, n_rows, 100) for me in ("x", "yy")]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate("end\n")[0].split("\n") for worker in workers]
    assert [len(lines) for lines in told] == [101, 101]

    log = open_log(engine, n_rows)
    assert [action.seq for action in log.actions] == list(range(1, 201))
    for me in ("x", "yy"):
        numbers = [action.how["number"] for action in log.actions if action.how.get("by") == me]
        assert numbers == [number for number in range(100) if number % 10 != 9]
    # The labels are those that the actions give when they are replayed in this order, by hand.
    undone: set[int] = set()
    in_force: list[int] = []
    for action in log.actions:
        if action.kind == "undo":
            assert action.target == in_force.pop()
            undone.add(action.target)
        else:
            in_force.append(action.seq)
    codes = np.full(n_rows, -1)
    for action in log.actions:
        if action.kind == "assign" and action.seq not in undone:
            codes[log.rows_of(action.seq)] = action.label_id
    assert log.codes.tolist() == codes.tolist()


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    add_project(engine, "p", 100)
    engine.dispose()
    worker = start_worker(tmp_path / "corral.db", "x", 100, 1000)
    worker.stdin.write("go\n")
    worker.stdin.flush()
    acknowledged = 0
    for line in worker.stdout:
        if line.startswith("ack"):
            acknowledged += 1
            if acknowledged == 5:
                os.kill(worker.pid, signal.SIGKILL)  # most likely in the middle of the next one
                break
    worker.wait()
    worker.stdin.close()
    worker.stdout.close()
    log = open_log(open_database(tmp_path / "corral.db"), 100)
    assert log.seq >= 5
    assert [action.how["number"] for action in log.actions[:5]] == [0, 1, 2, 3, 4]
    assert len(log.rows_of(5)) == 5
    assert log.assign([0], "goes on", overwrite=True).n_changed == 1


def read_only(engine: Engine) -> None:
    event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA query_only=ON"))


def disk_full(engine: Engine) -> None:
    event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count=1"))


def locked(engine: Engine) -> None:
    event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=20"))
    other = open_database(Path(engine.url.database))
    connection = other.connect()
    connection.begin()
    engine.other = connection  # type: ignore[attr-defined]  # keeps the lock while the engine lives


def failing_trigger(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TRIGGER no BEFORE INSERT ON actions BEGIN SELECT RAISE(ABORT, 'broken'); END"))


@pytest.mark.parametrize("fail", [read_only, disk_full, locked, failing_trigger])
def test_a_failing_write_changes_nothing(tmp_path: Path, fail) -> None:
    n_rows = 20_000
    engine = open_database(tmp_path / "corral.db")
    add_project(engine, "p", n_rows)
    log = open_log(engine, n_rows)
    log.assign([0, 1], "a")
    log.assign([2], "b")
    log.undo()
    before = state(log)
    with engine.connect() as connection:
        n_labels = connection.scalar(select(func.count()).select_from(labels))
    engine.dispose()
    fail(engine)
    rng = np.random.default_rng(0)
    rows = rng.choice(n_rows, 10_000, replace=False)  # more than fits the free pages
    names = rng.choice(["new", "newer"], n_rows).tolist()
    for step in (
        lambda: log.assign(rows, "new"),
        lambda: log.clear([0]) if fail is not disk_full else log.assign(rows, "new"),
        lambda: log.import_labels(names),
    ):
        with pytest.raises(WorkspaceError, match="nothing was changed"):
            step()
    if fail is not disk_full:
        for step in (log.undo, log.redo):
            with pytest.raises(WorkspaceError, match="nothing was changed"):
                step()
    assert state(log) == before
    if fail is locked:
        engine.other.close()  # type: ignore[attr-defined]
    healthy = open_database(tmp_path / "corral.db")
    assert state(open_log(healthy, n_rows)) == before
    with healthy.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(labels)) == n_labels


def test_reading_does_not_wait_for_a_writer(engine: Engine) -> None:
    log, other = open_log(engine), open_log(engine)
    other.assign([0], "a")
    locked(engine)
    assert log.refresh() is True
    assert log.names()[0] == "a"
    assert log.rows_of(1).tolist() == [0]
    assert open_log(engine).seq == 1
    engine.other.close()  # type: ignore[attr-defined]


# ---------------------------------------------------------------- storage


@given(st.sets(st.integers(0, 2**31), min_size=1, max_size=50))
def test_rows_pack_and_unpack(rows: set[int]) -> None:
    numbers = np.array(sorted(rows))
    assert unpack_rows(pack_rows(numbers)).tolist() == sorted(rows)


def test_many_rows_in_one_action_are_stored_compactly(tmp_path: Path) -> None:
    n_rows = 1_000_000
    engine = open_database(tmp_path / "corral.db")
    add_project(engine, "p", n_rows)
    log = open_log(engine, n_rows)
    rows = np.random.default_rng(0).choice(n_rows, 100_000, replace=False)
    assert log.assign(rows, "a").n_changed == 100_000
    with engine.connect() as connection:
        size = connection.scalar(select(func.length(actions.c.rows) + func.length(actions.c.before)))
    assert size < 200_000
    again = open_log(engine, n_rows)
    assert np.array_equal(np.flatnonzero(again.codes == 0), np.sort(rows))


def test_clean_name_takes_off_white_space() -> None:
    assert clean_name("\u00a0 a  b\n") == "a  b"
