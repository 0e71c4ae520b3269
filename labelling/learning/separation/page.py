"""Recordings as one HTML file that plays offline; page.html is its frame, player.js its script."""

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from labelling.learning.separation.figure import HEIGHT, describe, figure
from labelling.learning.separation.recording import N_NEIGHBOURS, Recording

PLAYER_JS, PAGE_HTML = Path(__file__).with_name("player.js"), Path(__file__).with_name("page.html")
SCORE_NOTE = (
    f"Neighbours agree: the share of the shown texts whose {N_NEIGHBOURS} nearest on the map vote for their own label. "
    "Predicted rightly: the share whose label the tuner names. It was told the label of none of them. "
    "Space plays and pauses, the arrow keys step."
)


def to_html(recordings: Sequence[Recording], texts: Sequence[str], *, title: str, about: Mapping[str, str]) -> str:
    """The figure as one HTML file that plays offline, in light and in dark: plotly.js is inside, nothing is fetched.

    Below it stand what the recordings rest on (labelled examples, texts, settings, seed) and `about`, name by name.
    """
    from plotly.offline import get_plotlyjs

    start = """
const host = document.getElementById("player"), recorded = JSON.parse(document.getElementById("figure").textContent);
showRecording(Plotly, host, recorded).then(({ theme }) =>
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme));
"""
    scripts = [get_plotlyjs(), PLAYER_JS.read_text(encoding="utf-8") + start]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    facts = {**rests_on(recordings), **about}
    return Template(PAGE_HTML.read_text(encoding="utf-8")).substitute(
        # Whatever a text or a name holds, only these two scripts run, and no host is asked for anything.
        policy=f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:",
        title=html.escape(title),
        height=HEIGHT,
        note=html.escape(SCORE_NOTE),
        about="".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in facts.items()),
        figure=str(figure(recordings, texts).to_json()).replace("<", "\\u003c"),  # no text ends the script element
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def rests_on(recordings: Sequence[Recording]) -> dict[str, str]:
    """What recordings of one split rest on, for reading."""
    first = recordings[0]
    few, most = min(first.given), max(first.given)
    each = f"{most}" if few == most else f"{few} to {most}"
    return {
        "Labelled examples": f"{sum(first.given):,} ({each} for each of {len(first.names):,} labels)",
        "Texts on the map": f"{len(first.rows):,} others, whose labels the tuner was not told",
        "Tuner": "; ".join(" · ".join(describe(recording)) for recording in recordings),
        "Seed of the split": str(first.random_state),
    }
