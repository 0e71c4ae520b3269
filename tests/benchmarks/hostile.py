"""What databases and disks can do to the labels, measured: figures of docs/security.md. Each prints a line or a table.

    python tests/benchmarks/hostile.py clock --seconds 20
    python tests/benchmarks/hostile.py postgres --stops 5
    python tests/benchmarks/hostile.py flips --seeds 5 --database-seeds 100

With a real server and a real browser: hostile_browser.py.
"""

import argparse
import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from labelling.database.engine import WorkspaceError, check_is_whole, open_database, reading  # noqa: E402
from labelling.database.tables import actions  # noqa: E402
from labelling.errors import CorralError  # noqa: E402
from labelling.labels import LabelLog, writing  # noqa: E402
from tests.labels.helpers import add_project, open_log, rows_by_replay  # noqa: E402
from tests.postgres import Server  # noqa: E402

ROWS_EACH = 5
N_LABELS = 8

# ---------------------------------------------------------------- writers


@dataclass
class Told:
    """What a writer said: the numbers of its actions that were acknowledged, how long each took, how many were not."""

    numbers: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0
    seen: int = 0  # the actions that it knew of at its end, and
    order: str = ""  # a digest of their order


def digest(log_actions: list[tuple[int, str]]) -> str:
    return sha256(repr(log_actions).encode()).hexdigest()


class Writers:
    """`n_threads` people in each of `n_processes` processes, who label in one project as fast as `pause` lets them."""

    def __init__(
        self, database: Path | str, project: str, n_rows: int, seconds: float, *, n_processes: int, n_threads: int,
        pause: float = 0, clock: bool = False,
    ) -> None:  # fmt: skip
        options = {"project": project, "n_rows": n_rows, "seconds": seconds, "threads": n_threads, "pause": pause}
        where = f"file:{database}" if isinstance(database, Path) else database
        self.processes = []
        for number in range(n_processes):
            given = json.dumps({**options, "where": where, "clock": clock, "number": number})
            command = [sys.executable, __file__, "writer", given]
            pipe = subprocess.PIPE
            self.processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def start(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def told(self, timeout: float) -> dict[str, Told]:
        told: dict[str, Told] = {}
        for process in self.processes:
            for who, said in json.loads(process.communicate(timeout=timeout)[0]).items():
                told[who] = Told(**said)
        return told


def writer(given: dict[str, Any]) -> None:
    where = given["where"]
    if given["clock"]:
        writing.datetime = Jumping  # type: ignore[misc, assignment]
    engine = open_database(Path(where.removeprefix("file:")) if where.startswith("file:") else where)
    told = {f"w{given['number']}-{thread}": Told() for thread in range(given["threads"])}
    logs = {who: LabelLog(engine, given["project"], given["n_rows"], who=who) for who in told}
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + given["seconds"]
    threads = [
        threading.Thread(target=label, args=(logs[who], who, told[who], end, given["pause"], given["n_rows"]))
        for who in told
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({who: vars(said) for who, said in told.items()}))


def label(log: LabelLog, who: str, told: Told, end: float, pause: float, n_rows: int) -> None:
    rng = np.random.default_rng(sum(who.encode()))
    number = 0
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.5, 1.5) * pause)
        number += 1
        name = f"label {rng.integers(N_LABELS)}"
        rows, begun = rng.choice(n_rows, ROWS_EACH, replace=False), time.perf_counter()
        try:
            if log.assign(rows, name, overwrite=True, how={"number": number}).n_changed:
                told.numbers.append(number)
                told.milliseconds.append(1000 * (time.perf_counter() - begun))
        except WorkspaceError:
            told.refused += 1
            time.sleep(0.1)
    for _ in range(300):
        try:
            log.refresh()
            break
        except WorkspaceError:
            time.sleep(0.1)
    told.seen, told.order = log.seq, digest([(action.seq, action.who) for action in log.actions])


def compare(engine: Engine, project: str, told: dict[str, Told]) -> str:
    """What was acknowledged and what is there, in words. Ends with an error where something is lost or twice."""
    with reading(engine) as connection:
        ours = select(actions.c.seq, actions.c.who, actions.c.how).where(actions.c.project_id == project)
        rows = connection.execute(ours.order_by(actions.c.seq)).all()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), "no gap"
    there = Counter((row.who, json.loads(row.how)["number"]) for row in rows)
    assert max(there.values()) == 1, "none twice"
    acknowledged = {(who, number) for who, said in told.items() for number in said.numbers}
    assert acknowledged <= set(there), f"lost: {sorted(acknowledged - set(there))[:5]}"
    for who, said in told.items():
        assert said.order == digest([(row.seq, row.who) for row in rows[: said.seen]]), f"{who} saw another order"
    for who in told:
        numbers = [json.loads(row.how)["number"] for row in rows if row.who == who]
        assert numbers == sorted(numbers), "each in its own order"
    times = np.concatenate([said.milliseconds for said in told.values()])
    refused = sum(said.refused for said in told.values())
    return (
        f"{len(acknowledged):,} actions acknowledged, {len(there):,} in the log, {refused:,} refused and said so; one "
        f"order in {len(told)} readers; {np.median(times):.0f} ms median, {np.quantile(times, 0.95):.0f} ms 95 %"
    )


# ---------------------------------------------------------------- clocks, PostgreSQL


class Jumping(datetime):
    """A clock that is up to two days wrong, each time it is asked in another way."""

    @classmethod
    def now(cls, tz: Any = None) -> "Jumping":
        shown = datetime.now(tz) + timedelta(days=random.uniform(-2, 2))
        return cls(*shown.timetuple()[:6], shown.microsecond, tzinfo=tz)


def clock(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corral.db"
        engine = open_database(path)
        add_project(engine, "p", 2_000)
        writers = Writers(path, "p", 2_000, seconds, n_processes=4, n_threads=1, clock=True)
        writers.start()
        said = compare(engine, "p", writers.told(seconds + 120))
        log = open_log(engine, 2_000, who="w0-0")
        assert log.codes.tolist() == rows_by_replay(log)
        back = sum(after.at < action.at for action, after in itertools.pairwise(log.actions))
        last = [action for action in log.actions if action.who == "w0-0"][-1]
        assert log.undo() == last, "the last by number is taken back, not by the clock"
    print(f"clock: {said}; from one action to the next the clock went back {back:,} times, the order stayed")


def postgres(stops: int, seconds: float) -> None:
    server = Server(durable=True)
    try:
        url = server.new_database()
        engine = open_database(url)
        add_project(engine, "p", 2_000)
        writers = Writers(url, "p", 2_000, seconds, n_processes=8, n_threads=1)
        writers.start()
        for number in range(stops):
            time.sleep(seconds / (stops + 1) - 0.5)
            server.stop(("fast", "immediate")[number % 2])
            time.sleep(0.5)
            server.start()
        told = writers.told(seconds + 120)
        assert open_log(engine, 2_000).seq
        print(f"postgres: stopped and started {stops} times under 8 writers: {compare(engine, 'p', told)}")
        engine.dispose()
    finally:
        server.remove()


# ---------------------------------------------------------------- flipped bytes


N_TEXTS, N_ACTIONS = 1_000, 300
SECONDS_TO_OPEN = 120
BYTES_TO_OPEN = 8_000_000_000
UNWANTED = ("different", "died", "fault")


def make(folder: Path) -> None:
    """A workspace with a project: labelled, embedded, mapped, tuned."""
    from labelling.learning.tuners import FeedForwardTuner
    from labelling.workspace import Workspace
    from tests.projects import TOPICS, make_dataset, new_session

    workspace = Workspace(folder)
    texts = [f"{TOPICS[row % 3]} number{row % 7} w{row}" for row in range(N_TEXTS)]
    session = new_session(workspace, workspace.create("texts", make_dataset(texts), {}))
    assert session.embed()
    assert session.map.look(session.project.current, "PCA")
    rng = np.random.default_rng(0)
    for number in range(N_ACTIONS):
        session.log.assign(rng.choice(N_TEXTS, ROWS_EACH, replace=False), f"label {number % N_LABELS}", overwrite=True)
    space = session.tune(FeedForwardTuner(steps=5, random_state=0), "Round 1")
    session.project.keep_space(space.id)
    workspace.engine.dispose()


def contents(work: Path) -> Iterator[tuple[str, Any]]:
    """All that a person sees of it, part by part."""
    from labelling.workspace import Workspace
    from tests.projects import WordEncoder
    from tests.worker import Worker

    workspace = Workspace(work)
    check_is_whole(workspace.engine)  # as a server does when it starts
    yield "projects", [(each.id, each.name, each.n_rows, each.owner) for each in workspace.projects()]
    (info,) = workspace.projects()
    project = workspace.open(info.id)
    session = Worker(workspace, project, lambda settings: WordEncoder())
    yield "labels", session.log.names().tolist()
    yield "history", [(vars(action), session.log.rows_of(action.seq).tolist()) for action in session.log.actions]
    yield "texts", project.dataset.texts
    yield (
        "spaces",
        [(space.id, space.name, space.kind, dict(space.settings), space.state) for space in project.spaces()],
    )
    assert session.embed()
    for space in project.spaces():
        if space.ready:
            yield f"vectors {space.id}", np.asarray(space.embeddings)
            view = session.map.look(space, "PCA")
            yield f"map {space.id}", None if view is None else view.xy


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and np.allclose(one, other, atol=1e-4, equal_nan=True)
    return bool(one == other)


def in_a_child(work: Callable[[], str]) -> str:
    """What `work` says, in a process of its own that may die."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS_TO_OPEN)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_TO_OPEN, BYTES_TO_OPEN))  # the machine is others' too
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            said = work()
        except BaseException as error:  # it must not go on as if it were the parent
            said = f"fault: {type(error).__name__}"
        os.write(write, said.encode(errors="replace")[:1_000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, errors="replace") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return f"died: {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else said


def outcome(work: Path, whole: dict[str, Any]) -> str:
    try:
        parts = dict(contents(work))
    except CorralError as error:
        return f"said: {error}"
    except BaseException as error:  # what the page would call a fault of its own
        return f"fault: {type(error).__name__}: {error}"
    different = [name for name in whole if name in parts and not same(whole[name], parts[name])]
    return f"different: {', '.join(different)}" if different else "as it was"


def checking(work: Path) -> str:
    """What `python -m labelling.cli check` says."""
    from labelling.workspace import Workspace, upkeep

    try:
        return f"said: {problems[0].what}" if (problems := upkeep.check(Workspace(work))) else "as it was"
    except CorralError as error:
        return f"said: {error}"
    except BaseException as error:
        return f"fault: {type(error).__name__}: {error}"


def flips(seeds: int, database_seeds: int, n_bytes: int, only: str, verbose: bool) -> None:
    from tests.workspace.helpers import flip

    with tempfile.TemporaryDirectory() as name:
        made, work = Path(name) / "made", Path(name) / "work"
        subprocess.run([sys.executable, __file__, "make", str(made)], check=True)  # what it loads stays out of here
        whole = dict(contents(Path(shutil.copytree(made, Path(name) / "whole"))))
        files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file() and path.stat().st_size)
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for file in (file for file in files if only in file.name):
            for seed in range(database_seeds if file.name in ("corral.db", "data.mdb") else seeds):
                shutil.copytree(made, work)
                if file.name == "data.mdb":  # it is read where there is something to embed
                    for array in work.glob("projects/*/spaces/0/embeddings.npy"):
                        array.unlink()
                flip(work / file, seed, n_bytes)
                copied = Path(shutil.copytree(work, Path(name) / "checked"))
                checked = in_a_child(lambda: checking(copied))  # noqa: B023 - at once
                said = in_a_child(lambda: outcome(work, whole))
                found[file.name][said.partition(":")[0]] += 1
                found[file.name]["noticed"] += checked.startswith("said")
                if verbose or said.startswith(UNWANTED) or checked.startswith(UNWANTED):
                    print(f"{file.name}, seed {seed}: {said[:200]} | check: {checked[:100]}", file=sys.stderr)
                shutil.rmtree(work)
                shutil.rmtree(copied)
    print(
        "| file | times | opens as it was | says what is wrong | fault | silently different | died | `check` says so |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    kinds = ("as it was", "said", "fault", "different", "died")
    for file_name, counts in found.items():
        shown = [sum(counts[kind] for kind in kinds), *(counts[kind] for kind in kinds), counts["noticed"]]
        print(f"| {file_name} | {' | '.join(map(str, shown))} |")


# ---------------------------------------------------------------- which


@contextmanager
def ended_after(seconds: int) -> Iterator[None]:
    signal.alarm(seconds)
    yield
    signal.alarm(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["clock", "postgres", "flips", "writer", "make"])
    parser.add_argument("given", nargs="?", help="for the processes that it starts itself")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--database-seeds", type=int, default=100)
    parser.add_argument("--bytes", type=int, default=10, help="flipped at a time")
    parser.add_argument("--only", default="", help="files with this in their name")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    with ended_after(3_600):
        if arguments.what == "clock":
            clock(arguments.seconds)
        elif arguments.what == "postgres":
            postgres(arguments.stops, arguments.seconds)
        elif arguments.what == "flips":
            flips(arguments.seeds, arguments.database_seeds, arguments.bytes, arguments.only, arguments.verbose)
        elif arguments.what == "writer":
            writer(json.loads(arguments.given))
        else:
            make(Path(arguments.given))


if __name__ == "__main__":
    main()
