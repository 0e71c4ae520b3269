"""The label page's map in a real browser, against `st.plotly_chart` and embedding-atlas' component, interleaved.

Headless Chromium with software GL; made positions in Gaussian blobs, a label on 30 % of the points. Corral's is the
real label page of the real app, with texts, embeddings, PCA, UMAP and neighbour graph of a made project; the peers are
the small scripts in peers/. All are dragged with a real mouse, each in a browser of its own that has been on the page
before (what comes by HTTP is in its cache). The clocks run in the page (peers/measure.js), start with the browser's
own time of the event and stop at the second animation frame that follows the change, as the first has painted it:

page to points    from the start of the navigation until all points are drawn
lasso             from mouse-up until the server's count is in the page's text and the points are marked
... in the browser  until the browser itself has marked and counted them; as the lasso where it waits for the server
... at rest       from mouse-up until the server has nothing more to do for the page (before this the next would wait)
frame gap         the longest time between two animation frames while the lasso is drawn, in 40 moves
label             from the key or click that labels the smaller lasso until the points have their new colours

A first round of each size, in a new browser, has no times, as it counts what would disturb them: the bytes of
websocket (payloads) and HTTP (on the wire, without what workers load), and what the server's resident memory grows
by over that of the same server with 100 rows. A step that takes over a minute, or fails, is a –, with the reason.

With `--before` the label page of another checkout is measured beside them. The ratios are of one round each, as both
were measured next to one another in it: the median, the least and the greatest. With `--minutes` no round is begun
that would probably end later than so many minutes after the first began at this size; one is always made.

    python tests/benchmarks/map.py --points 10000 100000 --rounds 3 --only corral plotly
    python tests/benchmarks/map.py --points 100000 1000000 --rounds 5 --minutes 6 --before ../before
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext, Error, Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from labelling.workspace import Workspace
from tests.benchmarks.peers.contenders import N_DIMS, N_NEIGHBOURS, PEERS, Contender, StepFailed, contenders, make
from tests.benchmarks.peers.traffic import WAYS, Traffic

MEASURE = (PEERS / "measure.js").read_text()
SHARES = {"lasso 5 %": 0.05, "lasso 40 %": 0.4}
OF_LASSOS = ("in the browser", "at rest", "frame gap")
STEPS = ("page to points", "lasso 5 %", "label", "lasso 40 %")
TIMES = [
    name
    for step in STEPS
    for name in ((step, *(f"{step}, {what}" for what in OF_LASSOS)) if step in SHARES else (step,))
]
N_MOVES = 40
MEMORY_AFTER = ("page to points", "label", "lasso 40 %")
NOT_IN_TIME = "not within 60 s"
NOT_OFFERED = "not offered: it takes no new data while it is mounted"
BASELINE = 100  # rows of the project that the memory is compared with
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--enable-unsafe-webgpu"]


# ---------------------------------------------------------------- one visit to a page


@dataclass
class Visit:
    """What was measured on one page: ms by name, shares of the points by lasso, and why a step failed."""

    times: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def visit(
    page: Page,
    who: Contender,
    n_points: int,
    xy: np.ndarray,
    without: Collection[str] = (),
    at_rest: Callable[[str], None] = lambda step: None,
) -> Visit:
    """Take the steps on a new page, up to the first that fails or is in `without`; `at_rest` is called after each."""
    seen = Visit()
    for step in STEPS:
        if step == "label" and who.label is None:
            seen.failed[step] = NOT_OFFERED
            continue
        if step in without:
            break
        try:
            _take(page, who, step, n_points, xy, seen)
            at_rest(step)
        except (StepFailed, Error) as error:
            seen.failed[step] = str(error).splitlines()[0]
            break
    return seen


def _take(page: Page, who: Contender, step: str, n_points: int, xy: np.ndarray, seen: Visit) -> None:
    if step == "page to points":
        page.goto(who.url + who.address(n_points), wait_until="commit")
        seen.times[step] = timed(page, who, None, f"c.drawn() >= {n_points} || null", lambda: None)
        page.evaluate("bench.rest('navigation')")
        who.lasso_tool(page)
    elif step == "label":
        assert who.label is not None
        label = who.label
        seen.times[step] = timed(page, who, who.label_event, "c.colours()", lambda: label(page))
        page.evaluate(f"bench.rest({who.label_event!r})")
    else:
        path = polygon(page, who, xy, SHARES[step])
        page.evaluate(
            f"() => {{ const c = bench.contenders.{who.name}; bench.first('pointerup', c.marked ?? c.selected); }}"
        )
        seen.times[step] = timed(page, who, "pointerup", "c.selected()", lambda: drag(page, path))
        seen.times[f"{step}, in the browser"] = min(seen.times[step], page.evaluate("bench.soon"))
        seen.times[f"{step}, frame gap"] = page.evaluate("bench.gap")
        seen.times[f"{step}, at rest"] = max(seen.times[step], page.evaluate("bench.rest('pointerup')"))
        seen.shares[step] = page.evaluate("bench.heading()") / n_points


def timed(page: Page, who: Contender, event: str | None, value: str, act: Callable[[], None]) -> float:
    """ms from the `event` of `act`, None for the navigation, until another `value` of contender c is painted."""
    page.evaluate(
        f"() => {{ const c = bench.contenders.{who.name}; bench.until({json.dumps(event)}, () => {value}); }}"
    )
    act()
    duration = page.evaluate("bench.wait")
    if duration is None:
        raise StepFailed(NOT_IN_TIME)
    return float(duration)


def drag(page: Page, path: np.ndarray) -> None:
    page.mouse.move(*path[0])
    page.mouse.down()
    for x, y in path[1:]:
        page.mouse.move(x, y)
    page.mouse.up()


def polygon(page: Page, who: Contender, xy: np.ndarray, share: float) -> np.ndarray:
    """A circle on the map round the median that holds this share of the points, as places of the mouse."""
    angles = np.linspace(0, 2 * math.pi, N_MOVES)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    middle = np.median(xy, axis=0)
    distance = np.hypot(*(xy - middle).T)
    frame = page.evaluate(f"bench.contenders.{who.name}.frame?.()")
    if frame is None:
        centre, unit = calibrated(page, circle, distance)
        return centre + unit * np.quantile(distance, share) * circle
    path = middle + np.quantile(distance, share) * circle
    (x0, x1), (y0, y1) = frame["x"], frame["y"]
    across = (path[:, 0] - x0) / (x1 - x0) * frame["width"] + frame["left"]
    down = (y1 - path[:, 1]) / (y1 - y0) * frame["height"] + frame["top"]
    return np.column_stack([across, down])


def calibrated(page: Page, circle: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle of a view that does not say where its points are, and pixels a unit: a circle of 60 pixels tells."""
    canvas = page.frame_locator("iframe").locator("canvas").first.bounding_box()
    if canvas is None:
        raise StepFailed("there is no canvas to draw on")
    centre = np.array([canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2])
    drag(page, centre + 60 * circle)
    page.wait_for_timeout(1000)
    page.evaluate("bench.rest('pointerup')")
    if not (found := page.evaluate("bench.heading()")):
        raise StepFailed("a lasso in the middle of the view selects nothing")
    return centre, 60 / float(np.quantile(distance, found / len(distance)))


# ---------------------------------------------------------------- rounds


@dataclass
class Results:
    """Of one contender at one size."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    shares: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    traffic: dict[str, dict[str, int]] = field(default_factory=dict)
    memory: dict[str, np.ndarray] = field(default_factory=dict)  # bytes a point: in all, of files mapped

    def add(self, seen: Visit) -> None:
        for name, value in seen.times.items():
            self.times[name].append(value)
        self.shares |= seen.shares
        self.failed |= seen.failed

    def row(self, name: str) -> str:
        values = self.times.get(name)
        if not values:
            return "–"
        return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


class Run:
    """Opens pages. Each contender has a browser of its own, which knows its page; a new one after a failure."""

    def __init__(self, playwright: Playwright) -> None:
        self.playwright = playwright
        self.contexts: dict[str, BrowserContext] = {}

    def attempt(self, who: Contender, results: Results, act: Callable[[], object]) -> object:
        """What `act` gives; where a server or a browser has died, its contender has failed, and the others go on."""
        try:
            return act()
        except (Error, OSError) as failure:
            self.close(who.name)
            results.failed.setdefault(STEPS[0], " ".join(str(failure).split())[:300])
            return failure

    def close(self, name: str) -> None:
        if name in self.contexts and (browser := self.contexts.pop(name).browser):
            browser.close()

    def on_page(self, who: Contender, look: Callable[[Page], Visit]) -> Visit:
        if who.name not in self.contexts:
            browser = self.playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS + SOFTWARE_GL)
            self.contexts[who.name] = browser.new_context(viewport={"width": 1440, "height": 960})
        page = self.contexts[who.name].new_page()
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text.partition("\n")[0]) if said.type == "error" else None)
        page.set_default_timeout(60_000)
        page.add_init_script(MEASURE)
        seen = look(page)
        with suppress(Error):  # of a page that crashed
            errors += page.get_by_test_id("stException").all_inner_texts()
        for step, reason in seen.failed.items():
            if reason != NOT_OFFERED:
                self.close(who.name)
                seen.failed[step] = " ".join("; ".join([reason, *dict.fromkeys(errors)]).split())[:300]
        if who.name in self.contexts:
            page.close()
        return seen

    def first(
        self, who: Contender, n_points: int, xy: np.ndarray, small: np.ndarray, log: Path, results: Results
    ) -> None:
        """Start its server; the round whose times do not count: bytes and memory."""
        try:
            who.start(log)
        except StepFailed as failure:
            results.failed[STEPS[0]] = str(failure)
            return
        before = np.zeros(2, int)

        def look_at_few(page: Page) -> Visit:
            nonlocal before
            seen = visit(page, who, BASELINE, small, without=STEPS[1:])
            before = who.memory()
            return seen

        def look(page: Page) -> Visit:
            traffic = Traffic(page)

            def at_rest(step: str) -> None:
                results.traffic[step] = traffic.take()
                if step in MEMORY_AFTER:
                    results.memory[step] = (who.memory() - before) / n_points

            return visit(page, who, n_points, xy, at_rest=at_rest)

        results.failed = self.on_page(who, look_at_few).failed
        self.close(who.name)
        if STEPS[0] in results.failed:
            return
        seen = self.on_page(who, look)
        results.failed, results.shares = seen.failed, seen.shares

    def again(self, who: Contender, n_points: int, xy: np.ndarray, results: Results) -> Visit:
        """A round whose times count, without what has failed before."""
        seen = self.on_page(who, lambda page: visit(page, who, n_points, xy, without=results.failed))
        results.add(seen)
        return seen


def ratio(name: str, results: dict[str, Results], others: Collection[str]) -> str:
    """Corral's time to the best of `others` of the same round: the median of the rounds, the least and the greatest."""
    ours = results["corral"].times.get(name, []) if "corral" in results else []
    theirs = [times for other in others if (times := results[other].times.get(name))]
    if not ours or not theirs:
        return "–"
    # What has failed is not tried again: where a round is missing all later ones are.
    n_rounds = min(len(ours), max(map(len, theirs)))
    found = [ours[k] / min(times[k] for times in theirs if k < len(times)) for k in range(n_rounds)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def table(n_points: int, results: dict[str, Results]) -> str:
    against = {"better peer": [name for name in results if name not in ("corral", "before")]}
    if "before" in results:
        against["before"] = ["before"]
    heads = [*results, *(f"corral / {other}" for other in against)]
    lines = [f"### {n_points:,} points", "", f"| ms | {' | '.join(heads)} |", "| --- |" + " --- |" * len(heads)]
    for name in TIMES:
        cells = [each.row(name) for each in results.values()]
        cells += [ratio(name, results, others) for others in against.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"| KB: {', '.join(WAYS)} | {' | '.join(results)} |", "| --- |" + " --- |" * len(results)]
    for step in STEPS:
        cells = [
            ", ".join(f"{each.traffic[step].get(way, 0) / 1000:,.1f}" for way in WAYS) if step in each.traffic else "–"
            for each in results.values()
        ]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    lines += [
        "",
        f"| server memory, bytes a point (of that mapped from files), after | {' | '.join(results)} |",
        "| --- |" + " --- |" * len(results),
    ]
    for step in MEMORY_AFTER:
        cells = [
            "{:,.0f} ({:,.0f})".format(*each.memory[step]) if step in each.memory else "–" for each in results.values()
        ]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    text = sum(len(f"text {row}") for row in range(n_points)) / n_points
    lines += [
        "",
        f"- a point of corral's has a text of {text:.1f} bytes in memory; its embedding ({4 * N_DIMS}) and its "
        f"neighbours ({8 * N_NEIGHBOURS}) are mapped from files when they are needed",
    ]
    for name, each in results.items():
        lines += [f"- {name}, {step}: the lasso held {share:.1%}" for step, share in each.shares.items()]
        lines += [f"- {name}, {step}: – {reason}" for step, reason in each.failed.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=math.inf, help="for the rounds of one size, about")
    parser.add_argument("--before", type=Path, help="another checkout, with the same environment")
    names = ["corral", "before", "plotly", "atlas"]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        workspace = Workspace(folder / "workspace")
        run = Run(playwright)
        made = {n_points: make(n_points, workspace, folder) for n_points in (BASELINE, *arguments.points)}
        everybody = contenders(
            workspace, {n_points: project for n_points, (project, _) in made.items()}, folder, arguments.before
        )
        for n_points in arguments.points:
            xy, small = made[n_points][1], made[BASELINE][1]
            begun = time.monotonic()
            results: dict[str, Results] = {}
            running = [who for who in everybody if who.name in arguments.only]
            try:
                for who in running:
                    of_it = results[who.name] = Results()
                    log = folder / f"{who.name}.log"
                    run.attempt(who, of_it, partial(run.first, who, n_points, xy, small, log, of_it))
                    who.forget(n_points)
                    print(f"{who.name}: bytes and memory measured", results[who.name].failed, flush=True)
                started = time.monotonic()
                for number in range(arguments.rounds):
                    lasted, started = time.monotonic() - started, time.monotonic()
                    if number and started + lasted > begun + 60 * arguments.minutes:
                        break
                    for who in running[number % len(running) :] + running[: number % len(running)]:
                        of_it = results[who.name]
                        seen = run.attempt(who, of_it, partial(run.again, who, n_points, xy, of_it))
                        who.forget(n_points)
                        print(f"round {number + 1}, {who.name}:", seen, flush=True)
            finally:
                for who in running:
                    run.close(who.name)
                    who.stop()
            print(f"\n{table(n_points, results)}\n", flush=True)


if __name__ == "__main__":
    main()
