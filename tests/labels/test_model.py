"""Any sequence of actions, by several people, gives what the definition gives: see model.py."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select

from labelling.database.engine import reading as reading_of
from labelling.database.engine import writing
from labelling.database.tables import changes
from labelling.labels import LabelLog, reading
from labelling.labels.entries import borne, read_entries, take_over
from labelling.labels.fold import Fold
from labelling.labels.label import KEYS, NO, UNKNOWN, YES, LabelError
from labelling.tasks.packed_log import LineReader, line_of
from tests.labels.helpers import add_project, state
from tests.labels.model import KINDS_THAT_GIVE, Model, Refused

N_ROWS = 3
EXAMPLES = int(os.environ.get("CORRAL_EXAMPLES", "10" if "CORRAL_FAST" in os.environ else "60"))
PEOPLE = ["ann", "bob"]
UNDONE = ("undo", "redo")
numbers = itertools.count()

N_STEPS = int(os.environ.get("CORRAL_STEPS", "24"))

names = st.sampled_from(["a", "b", "c"])
rows = st.sets(st.integers(0, N_ROWS - 1))
some = rows.filter(bool)
back = st.integers(0, 6)  # the last label or action, the one before it ...
label_values = st.lists(st.sampled_from([YES, NO, UNKNOWN]), min_size=N_ROWS, max_size=N_ROWS)
STEPS = {
    "assign": st.tuples(
        st.just("assign"), some, names, st.sampled_from([YES, YES, NO]), st.sampled_from([True, True, False])
    ),
    "clear": st.tuples(st.just("clear"), some, st.none() | names),
    "import": st.tuples(st.just("import"), st.dictionaries(names, label_values, max_size=2)),
    "split": st.tuples(st.just("split"), back, some, names),
    "audit": st.tuples(st.just("audit"), back, rows, rows, st.sampled_from(["random", "edge"]), st.booleans()),
    "check": st.tuples(st.just("check"), rows, rows),
    "create": st.tuples(st.just("create"), names),
    "rename": st.tuples(st.just("rename"), back, names),
    "recolour": st.tuples(st.just("recolour"), back, st.integers(0, 3)),
    "describe": st.tuples(st.just("describe"), back, st.sampled_from(["", "x"])),
    "key": st.tuples(st.just("key"), back, st.none() | st.sampled_from([*KEYS[:3], "E"])),
    "reorder": st.tuples(st.just("reorder"), st.permutations(range(4))),
    "merge": st.tuples(st.just("merge"), back, back),
    "delete": st.tuples(st.just("delete"), back),
    "undo": st.tuples(st.just("undo"), st.none() | back),
    "redo": st.tuples(st.just("redo"), st.none() | back),
    "revert": st.tuples(st.just("revert"), back),
}
afterwards = st.sampled_from(["", "", "refresh", "reopen"])
ALWAYS = ["assign", "assign", "undo", "redo"]
OTHERS = sorted(set(STEPS) - set(ALWAYS))
# Besides these some kinds of step at a time: among all of them those that act on each other would seldom meet.
sequences = st.lists(st.sampled_from(OTHERS), min_size=1, max_size=4, unique=True).flatmap(
    lambda kinds: st.lists(
        st.tuples(st.one_of([STEPS[kind] for kind in [*ALWAYS, *kinds]]), st.sampled_from([0, 0, 1]), afterwards),
        min_size=N_STEPS // 2,  # a list of any length is a short one, most often
        max_size=N_STEPS,
    )
)


def resolved(model: Model, step: tuple[Any, ...], who: str) -> list[Any]:
    """The step with the ids and numbers that there are; None where there is nothing to take it on."""
    kind, *args = step
    if kind in UNDONE and args[0] is None and (model.next_undo if kind == "undo" else model.next_redo)(who) is None:
        args[0] = 0  # by its number: more comes of it
    ids = list(model.ids().values())
    if kind in ("split", "rename", "recolour", "describe", "key", "merge", "delete"):
        if not ids:
            return []
        args[0] = ids[-1 - args[0] % len(ids)]
        if kind == "merge":
            args[1] = ids[-1 - args[1] % len(ids)]
    elif kind == "reorder":
        args = [[ids[place] for place in args[0] if place < len(ids)] + ids[4:]]
    elif kind in ("undo", "redo", "revert", "audit") and args[0] is not None:
        off = model.off()
        seqs = [entry.seq for entry in model.log if (entry.seq in off) == (kind == "redo") and entry.kind not in UNDONE]
        if kind == "audit":
            seqs = [seq for seq in seqs if model.log[seq - 1].kind in KINDS_THAT_GIVE]
        if seqs and kind != "revert" and args[0] < 5:  # else whatever there is
            args[0] = seqs[-1 - args[0] % len(seqs)]
        else:
            args[0] = len(model.log) - args[0]
        if args[0] < (kind != "revert"):
            return []
        if kind == "audit" and args.pop():  # what a page would ask for
            given_rows = model.rows_of(args[0]) if model.log[args[0] - 1].kind in KINDS_THAT_GIVE else set()
            args[1] &= given_rows
            args[2] &= args[1]
    elif kind == "import" and not model.multi_label:
        names_of_rows = [
            next((name for name, its in args[0].items() if its[row] == YES), None) for row in range(N_ROWS)
        ]
        args = [
            {
                name: [YES if its == name else UNKNOWN for its in names_of_rows]
                for name in dict.fromkeys(names_of_rows)
                if name
            }
        ]
    elif kind == "assign" and not model.multi_label:
        args[2] = YES
    return [kind, *args]


def on_model(model: Model, who: str, source: str, kind: str, *args: Any) -> Any:
    match kind:
        case "assign" | "clear" | "split":
            return getattr(model, kind)(who, *args, source)
        case "import":
            return model.take_in(who, *args)
        case "undo" | "redo":
            return model.put(kind, who, *args)
        case "merge" | "delete":
            return model.remove(kind, who, *args, *([UNKNOWN] if kind == "delete" else []))
        case "check":
            return model.check_all(who, *args)
        case "rename" | "recolour" | "describe" | "key":
            field = {"rename": "name", "recolour": "mark", "describe": "description", "key": "key"}[kind]
            return model.edit(kind, who, args[0], field, args[1])
        case _:
            return getattr(model, kind)(who, *args)


def on_log(log: LabelLog, source: str, kind: str, *args: Any) -> Any:
    how = {"by": source}
    args = tuple(np.array(sorted(arg), int) if isinstance(arg, set) else arg for arg in args)
    match kind:
        case "assign":
            chosen, name, answer, overwrite = args
            return log.assign(chosen, name, answer=answer, overwrite=overwrite, how=how).n_changed
        case "clear":
            return log.clear(*args, how=how).n_changed
        case "split":
            return log.split(*args, how=how).n_changed
        case "import":
            if log.multi_label:
                frame = pd.DataFrame(args[0], index=range(N_ROWS)).astype(float)
                return log.import_label_values(frame.replace(UNKNOWN, np.nan)).n_changed
            named = [next((name for name, its in args[0].items() if its[row] == YES), None) for row in range(N_ROWS)]
            return log.import_labels(named).n_changed
        case "audit" | "merge" | "delete":
            return getattr(log, kind)(*args).n_changed
        case "check":
            return log.keep_check(*args)
        case "undo" | "redo":
            action = getattr(log, kind)(*args)
            return action and action.seq
        case "revert":
            return log.revert(*args)
        case "key":
            return log.set_key(*args)
        case "create":
            log.create(*args)
            return None
        case _:
            return getattr(log, kind)(*args)


def compare(log: LabelLog, model: Model) -> None:
    off = model.off()
    assert [action.kind for action in log.actions] == [entry.kind for entry in model.log]
    assert {action.seq for action in log.actions if not log.in_force(action.seq)} == off
    told = [(label.id, label.name, label.style, label.description, label.key) for label in log.labels]
    assert told == [
        tuple(known[name] for name in ("id", "name", "mark", "description", "key")) for known in model.labels()
    ]
    if model.multi_label:
        for label in log.labels:
            assert log.label_values(label.id).tolist() == [value for value, _ in model.label_values(label.id)]
    else:
        assert log.codes.tolist() == model.codes()
        by_id = {known["id"]: known["name"] for known in model.labels()}
        assert log.names().tolist() == [by_id.get(code) for code in model.codes()]
    sources = {entry.seq: entry.source for entry in model.log}
    assert log.sources().tolist() == [sources.get(setter) for setter in model.setters()]
    for who, look in (("next_undo", model.next_undo), ("next_redo", model.next_redo)):
        action = getattr(log, who)
        assert (action and action.seq) == look(log.who)
    for entry in model.log:
        if entry.kind in KINDS_THAT_GIVE:
            found = log.quality_of(entry.seq)
            read = None if found is None else (found.n_read, round(found.share * found.n_read))
            assert read == model.quality(entry.seq)
    n_standing = int(log.counts().sum())
    assert sum(log.unchecked_actions().values()) <= log.n_unchecked <= n_standing
    for found in (log.rightness(), *(log.quality_of_label(label.id) for label in log.labels)):
        assert found is None or 0 <= found.low <= found.share + 1e-9 <= found.high + 2e-9 <= 1 + 3e-9
        assert found is None or found.n_rows <= n_standing


@pytest.fixture
def quick(engine: Engine) -> Engine:
    """No machine loses its power here: nothing need be flushed to disk."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@pytest.mark.parametrize("multi_label", [False, True], ids=["one", "several"])
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(taken=sequences)
def test_any_sequence_follows_the_definition(
    quick: Engine, tmp_path: Path, multi_label: bool, taken: list[Any]
) -> None:
    reading.SNAPSHOT_EVERY = 3
    project_id = f"m{next(numbers)}"
    add_project(quick, project_id, N_ROWS, multi_label=multi_label)
    model = Model(N_ROWS, multi_label=multi_label)

    def opened(who: str) -> LabelLog:
        snapshot = tmp_path / f"{project_id}.npz"
        return LabelLog(quick, project_id, N_ROWS, multi_label=multi_label, who=who, snapshot=snapshot)

    logs = [opened(who) for who in PEOPLE]
    for number, (step, by, then) in enumerate(taken):
        if not (call := resolved(model, step, PEOPLE[by])):
            continue
        log, source = logs[by], f"step {number}"
        try:
            expected = on_model(model, log.who, source, *call)
        except Refused:
            with pytest.raises(LabelError):
                on_log(log, source, *call)
            log.refresh()
        else:
            assert on_log(log, source, *call) == expected
        compare(log, model)
        if then == "refresh":
            logs[1 - by].refresh()
            compare(logs[1 - by], model)
        elif then == "reopen":
            logs[by] = opened(log.who)
            compare(logs[by], model)
    for entry in model.log:
        if entry.kind not in ("undo", "redo", "revert"):
            assert set(log.rows_of(entry.seq).tolist()) == model.rows_of(entry.seq)
            assert set(log.standing(entry.seq).tolist()) == model.standing(entry.seq)
    for log in logs:
        log.refresh()
        compare(log, model)
        assert state(log) == state(LabelLog(quick, project_id, N_ROWS, multi_label=multi_label, who=log.who)), (
            "without a snapshot"
        )
    for anew in (False, True):
        check_taken_over(quick, project_id, log, anew=anew)


def check_taken_over(engine: Engine, project_id: str, log: LabelLog, *, anew: bool) -> None:
    """By way of a pack's lines, another project gets the same log; with `anew`, what was taken back is worked out."""
    other = f"{project_id} {anew}"
    add_project(engine, other, N_ROWS, multi_label=log.multi_label)
    reader = LineReader(N_ROWS, multi_label=log.multi_label)
    entries = [reader.read(json.dumps(line_of(entry)).encode()) for entry in read_entries(engine, project_id)]
    fold = Fold(N_ROWS, multi_label=log.multi_label)
    with writing(engine, other) as connection:
        take_over(connection, other, fold, entries, anew=anew)
    assert state(log) == state(LabelLog(engine, other, N_ROWS, multi_label=log.multi_label, who=log.who))
    named = log.frame() if log.multi_label else log.names()
    known = {
        row: {name: int(named.loc[row, name]) for name in named if named.loc[row, name] >= 0}
        if log.multi_label
        else named[row]
        for row in np.flatnonzero(log.known).tolist()
    }
    assert borne(fold) == known
    columns = [changes.c[name] for name in ("seq", "column", "rows", "after", "before")]
    with reading_of(engine) as connection:
        wholly = [
            connection.execute(select(*columns).where(changes.c.project_id == each).order_by(*columns[:2])).all()
            for each in (project_id, other)
        ]
    assert wholly[0] == wholly[1], "what rows bore before is worked out as it was written"
