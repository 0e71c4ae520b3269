"""How long it takes to open a project: 1,000,000 rows and 5,000 actions, with and without the snapshot.

Each opening is a process of its own; its time is that of `LabelLog(...)` alone, after the imports, and its memory what
the process came to have at most, less what it had before.

    python tests/benchmarks/opening.py --rows 1000000 --actions 5000 --rounds 5
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from sqlalchemy import func, insert, select  # noqa: E402

from labelling.database.engine import open_database  # noqa: E402
from labelling.database.tables import actions, changes, projects  # noqa: E402
from labelling.labels import LabelLog  # noqa: E402
from tests.postgres import Server  # noqa: E402

N_LABELS = 30


def fill(log: LabelLog, n_actions: int) -> None:
    """As a month of work looks: lassos of 10 to 100,000 rows, some undone, some labels renamed, merged and audited."""
    rng = np.random.default_rng(0)
    polygon = rng.normal(size=(60, 2)).round(4).tolist()
    for number in itertools.count(log.seq):
        if log.seq >= n_actions:
            return
        chance = rng.random()
        if chance < 0.88 or not log.labels:
            size = int(10 ** rng.uniform(1, 5))
            start = rng.integers(0, log.n_rows)
            rows = np.unique((start + rng.integers(0, 4 * size, size)) % log.n_rows)
            how = {"by": "lasso", "map": "0-UMAP", "polygon": polygon, "number": number}
            log.assign(rows, f"label {rng.integers(N_LABELS)}", overwrite=bool(rng.random() < 0.6), how=how)
        elif chance < 0.94:
            log.undo()
        elif chance < 0.96:
            log.clear(rng.integers(0, log.n_rows, 500))
        elif chance < 0.98:
            label = log.labels[rng.integers(len(log.labels))]
            log.describe(label.id, f"what it means, said for the {number}th time")
        else:
            last = next((a for a in reversed(log.actions) if a.kind == "assign" and log.in_force(a.seq)), None)
            if last is not None:
                read = log.rows_of(last.seq)[:9]
                log.audit(last.seq, read, read[:1], "random")


def memory(which: str) -> int:
    """Bytes: VmRSS now, VmHWM at most so far."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024


def open_once(where: str, project_id: str, n_rows: int, multi_label: bool, snapshot: str) -> None:
    database = open_database(where if "://" in where else Path(where))
    before, start = memory("VmRSS"), time.perf_counter()
    log = LabelLog(database, project_id, n_rows, multi_label=multi_label, snapshot=Path(snapshot) if snapshot else None)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    n_labelled = log.n_labelled
    first_use = time.perf_counter() - start
    print(json.dumps([seconds, first_use, (memory("VmHWM") - before) / 2**20, log.seq, n_labelled]))


def measure(
    arguments: argparse.Namespace, where: str, project_id: str, multi_label: bool, snapshot: str
) -> list[float]:
    told = []
    for _ in range(arguments.rounds):
        command = [
            sys.executable,
            __file__,
            "--open",
            where,
            project_id,
            str(arguments.rows),
            str(multi_label),
            snapshot,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told.append(json.loads(done.stdout.splitlines()[-1]))
    return [median(column) for column in zip(*told, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--actions", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the databases here, and use those that are here")
    parser.add_argument("--no-postgresql", action="store_true")
    parser.add_argument("--open", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        where, project_id, n_rows, multi_label, snapshot = arguments.open
        open_once(where, project_id, int(n_rows), multi_label == "True", snapshot)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run(arguments, folder)


def run(arguments: argparse.Namespace, folder: Path) -> None:
    server = None if arguments.no_postgresql else Server()
    databases = {"SQLite": str(folder / "corral.db")}
    if server:
        databases["PostgreSQL"] = server.new_database()
    print(f"{arguments.rows:,} rows, {arguments.actions:,} actions, {N_LABELS} labels; medians of {arguments.rounds}\n")
    print("| database | kind | snapshot | opened, s | first count, s | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, where in databases.items():
        engine = open_database(where if "://" in where else Path(where))
        for kind in ("one", "several"):
            multi_label, snapshot = kind == "several", folder / f"{name}-{kind}.npz"
            with engine.begin() as connection:
                mine = projects.c.id == kind
                if connection.scalar(select(func.count()).select_from(projects).where(mine)) == 0:
                    values = {"id": kind, "name": "", "created_at": "", "n_rows": arguments.rows, "space": 0}
                    connection.execute(insert(projects).values(kind=kind, **values))
            if name == "PostgreSQL":
                copy(open_database(Path(databases["SQLite"])), engine, kind)
            else:
                fill(
                    LabelLog(engine, kind, arguments.rows, multi_label=multi_label, snapshot=snapshot),
                    arguments.actions,
                )
            for has_snapshot in (True, False):
                if has_snapshot:
                    LabelLog(engine, kind, arguments.rows, multi_label=multi_label, snapshot=snapshot)
                told = measure(arguments, where, kind, multi_label, str(snapshot) if has_snapshot else "")
                cells = [name, kind, "yes" if has_snapshot else "no", *(f"{value:.2f}" for value in told[:2])]
                print("|", " | ".join([*cells, f"{told[2]:.0f}"]), "|", flush=True)
        engine.dispose()
    if server:
        server.remove()


def copy(source, target, project_id: str) -> None:  # type: ignore[no-untyped-def]
    """The same log in the other database."""
    for table in (actions, changes):
        with source.connect() as reader, target.begin() as writer:
            ours = select(table).where(table.c.project_id == project_id)
            rows = reader.execution_options(yield_per=200).execute(ours)
            for part in rows.mappings().partitions():
                writer.execute(insert(table), [dict(row) for row in part])


if __name__ == "__main__":
    main()
