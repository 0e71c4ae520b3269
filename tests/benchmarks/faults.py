"""Kills, writers at once and full disks, and what became of the log: prints the table of the README.

    python tests/benchmarks/faults.py --kills 50 --actions 1000 --writers 8 --written 2000

A kill is SIGKILL at a random moment of a stream of actions; after it all is checked: every action of which the process
said that it was done is there, none is half there, the labels are those that the actions give, and labelling goes on.
Full disks need the right to mount a file system (root).
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from labelling.database.engine import WorkspaceError, open_database  # noqa: E402
from tests.labels.helpers import add_project, kill_a_stream, open_log, state, write_at_once  # noqa: E402
from tests.postgres import Server  # noqa: E402

N_ROWS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--server-kills", type=int, default=10, help="of PostgreSQL itself")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--written", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    server = Server(durable=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh = {"SQLite": lambda number: folder / f"{number}.db", "PostgreSQL": lambda _: server.new_database()}
        print("Each run is checked: the first loss, or half of an action, would end this with an error.\n")
        print("| what | database | acknowledged | there afterwards |")
        print("| --- | --- | --- | --- |")
        for database, new in fresh.items():
            kills(arguments, f"{database}, the app killed", new, arguments.kills)
        kills(
            arguments,
            "PostgreSQL, the server killed",
            fresh["PostgreSQL"],
            arguments.server_kills,
            kill=lambda _: server.kill(),
            heal=server.start,
        )
        for database, new in fresh.items():
            each = arguments.written // arguments.writers
            seconds = write_at_once(new("writers"), arguments.writers, each)
            told = f"{arguments.writers * each:,} | {arguments.writers * each:,}"
            print(f"| {arguments.writers} writers at once, {seconds:.0f} s | {database} | {told} |", flush=True)
    server.remove()
    full_disks()


def kills(
    arguments: argparse.Namespace,
    database: str,
    new: Callable[[object], Path | str],
    n_kills: int,
    kill: Callable[[subprocess.Popen[str]], object] = subprocess.Popen.kill,
    heal: Callable[[], object] = lambda: None,
) -> None:
    chance = random.Random(arguments.seed)
    n_done = n_there = 0
    for number in range(n_kills):
        where = new(number)
        engine = open_database(where)
        add_project(engine, "p", 100)
        engine.dispose()
        kill_after, delay = chance.randrange(arguments.actions), chance.uniform(0, 0.02)
        done, there = kill_a_stream(where, arguments.actions, kill_after, delay, kill, heal)  # raises where one is lost
        n_done, n_there = n_done + done, n_there + there
    what = f"{n_kills} kills in streams of {arguments.actions:,} actions"
    print(f"| {what} | {database} | {n_done:,} | {n_there:,} |", flush=True)


# ---------------------------------------------------------------- full disks


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "none", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def full_disks() -> None:
    with disk(4) as folder:
        fill_and_free(folder, folder / "corral.db", "SQLite", lambda: None)
    with disk(120) as folder:
        server = Server(durable=True, where=folder)
        fill_and_free(folder, server.new_database(), "PostgreSQL", lambda: back(server))
        server.remove()


def back(server: Server) -> None:
    """Where the full disk was that of its own log, the server has stopped itself."""
    try:
        server.connect().close()
    except Exception:
        server.start()


def fill_and_free(folder: Path, where: Path | str, name: str, heal: Callable[[], None]) -> None:
    engine = open_database(where)
    add_project(engine, "p", N_ROWS)
    log = open_log(engine, N_ROWS)
    rng = np.random.default_rng(0)
    log.assign([0], "first")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    n_done, messages = 1, set()
    for number in range(2000):
        try:
            log.assign(rng.permutation(N_ROWS), f"{number}", overwrite=True)
            n_done += 1
        except WorkspaceError as error:
            messages.add(str(error).split(":")[0])
            if len(messages) > 1 or number > n_done + 5:
                break
    before = state(log) if not messages else [log.labels, log.codes.tolist()]
    ballast.unlink()
    time.sleep(0.5)
    heal()
    again = open_log(engine, N_ROWS)
    there = again.seq
    assert [again.labels, again.codes.tolist()] == before
    assert n_done == there == log.seq
    assert log.assign(range(N_ROWS), "after", overwrite=True).n_changed == N_ROWS
    assert state(log) == state(open_log(engine, N_ROWS))
    told = f"| disk filled, freed again | {name} | {n_done:,} | {there:,} |"
    print(told, "<!--", " / ".join(sorted(messages)), "-->", flush=True)
    engine.dispose()


if __name__ == "__main__":
    main()
