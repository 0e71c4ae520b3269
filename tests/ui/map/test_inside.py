"""What the page marks at mouse-up is what the server then says, bit for bit."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from labelling.selection.geometry import NOTHING, Points, combine

ROOT = Path(__file__).parents[3]
SCRIPT = """
import { load } from "./tests/js/load.js";
const { rowsInside, combined, makeGrid, fit } = load("rowsInside", "combined", "makeGrid", "fit");
const asked = JSON.parse(await new Promise((done) => {
  let text = "";
  process.stdin.on("data", (part) => (text += part)).on("end", () => done(text));
}));
const positions = Float32Array.from(asked.xy.flat(), (value) => value ?? NaN);
const hidden = Uint8Array.from(asked.hidden);
const grid = makeGrid(positions, fit(positions));
const answers = asked.drawn.map(({ mode, corners, how, old }) => {
  const places = corners.map(([x, y]) => ({ x, y }));
  return [...combined(old && Uint8Array.from(old), rowsInside(mode, places, positions, hidden, grid), how)];
});
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None:
        if os.environ.get("CORRAL_NODE_REQUIRED"):
            pytest.fail("node is missing")
        pytest.skip("no node")
    return path


def polygons(xy: np.ndarray, rng: np.random.Generator, away: float) -> list[tuple[str, np.ndarray]]:
    """Lassos that cross themselves, with corners on points and edges along them; boxes with points on their edges."""
    filled = xy[~np.isnan(xy[:, 0])].astype(float) - away
    drawn = []
    for n in (3, 4, 7, 40, 400):
        drawn.append(("lasso", rng.normal(0, 1.5, (n, 2))))
        drawn.append(("lasso", filled[rng.choice(len(filled), n)]))
        turns = np.sort(rng.uniform(0, 4 * np.pi, n))
        drawn.append(("lasso", np.column_stack([np.cos(turns), np.sin(turns)]) * rng.uniform(0.2, 2, (n, 1))))
        drawn.append(("lasso", np.round(rng.normal(0, 1.5, (n, 2)) * 4) / 4))
    for size in (0.02, 1, 30):  # as drawn by hand: short edges; the last is round them all
        turns = np.linspace(0, 2 * np.pi, 200)
        hand = np.column_stack([np.cos(turns), np.sin(3 * turns)]) * size
        drawn += [("lasso", hand), ("lasso", hand + filled[0])]
    drawn += [("box", filled[rng.choice(len(filled), 2)]) for _ in range(10)]
    drawn.append(("lasso", np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])))  # holds nothing
    return [(mode, corners + away) for mode, corners in drawn]


# No whole number of bytes; few points to a cell of the page's grid, or many; and those far from the origin are rounded.
@pytest.mark.parametrize(("n", "away"), [(1_003, 0.0), (20_001, 0.0), (2_005, 1000.0)])
def test_the_page_and_the_server_agree_bit_for_bit(node: str, n: int, away: float) -> None:
    rng = np.random.default_rng(0)
    xy = np.round(rng.normal(0, 1, (n, 2)) * 4) / 4  # many of the same height as a corner
    xy[: n // 2] = rng.normal(0, 1, (n // 2, 2))
    xy = (xy + away).astype(np.float32)
    xy[::50] = np.nan
    hidden = rng.random(n) < 0.1
    seen = ~hidden & ~np.isnan(xy[:, 0])
    points, drawn, wanted = Points(xy), [], []
    for mode, corners in polygons(xy, rng, away):
        rows = points.in_polygon(corners) if mode == "lasso" else points.in_box(corners[:, 0], corners[:, 1])
        for how in ("new", "add", "subtract", "intersect"):
            old = NOTHING if how == "new" else np.flatnonzero(seen & (rng.random(n) < 0.3))
            mask = np.zeros(n, bool)
            mask[old] = True
            drawn.append(
                {
                    "mode": mode,
                    "corners": corners.tolist(),
                    "how": how,
                    "old": np.packbits(mask).tolist() if len(old) else None,
                }
            )
            wanted.append(combine(old, rows[seen[rows]], how).tolist())
    asked = {
        "xy": [[None if np.isnan(x) else float(x) for x in row] for row in xy],
        "hidden": np.packbits(hidden).tolist(),
        "drawn": drawn,
    }
    run = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT], input=json.dumps(asked), capture_output=True, text=True, cwd=ROOT
    )
    assert not run.returncode, run.stderr
    answers = [
        np.flatnonzero(np.unpackbits(np.array(bytes_, np.uint8), count=n)).tolist() for bytes_ in json.loads(run.stdout)
    ]
    assert answers == wanted
    assert sum(map(bool, wanted)) > 80
