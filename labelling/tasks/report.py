"""A project's results as one HTML page to look at and to hand on: it asks no network for anything.

report.html is its frame, report.css its looks, report.js draws the map.
"""

import base64
import hashlib
import html
import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np

from labelling.labels import LabelLog
from labelling.labels.disagreement import Disagreements
from labelling.labels.effort import LONGEST_PAUSE, Effort, effort
from labelling.labels.error_rate import Estimate, percent
from labelling.labels.fold import ONE
from labelling.labels.label import NO, UNLABELLED, YES, Label
from labelling.learning.evaluation import Evaluation
from labelling.learning.registry import TUNERS
from labelling.palette import style
from labelling.readers.tables import count
from labelling.selection.regions import regions
from labelling.workspace import Project, Space
from labelling.workspace.spaces import now

FRAME, LOOKS, SCRIPT = (Path(__file__).with_name(f"report.{kind}") for kind in ("html", "css", "js"))
MAX_POINTS = 200_000  # drawn: more would be no more to see, and megabytes to send
MAX_CHARACTERS = 400  # of a text
MAX_PAIRS = 12  # of kinds of disagreement in the list
NOT_CHECKED = "not checked yet"
# Circle, square, triangle, diamond, as on the map of the app: paths within -1 to 1.
SHAPES = (
    "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "M-.88-.88H.88V.88H-.88z",
    "M0-1 1 .85H-1z",
    "M0-1 1 0 0 1-1 0z",
)
SEVERAL = "#888888"


@dataclass(frozen=True)
class _Entry:
    """A line of the legend: what is drawn so, and how many texts that is. `mark` is None for the quiet colour."""

    name: str
    mark: tuple[str, str] | None
    label: Label | None = None


def report(project: Project, log: LabelLog, *, n_texts: int = 0, random_state: int = 0) -> str:
    """The page: the map by label, counts, how right each label is, how much work it took, held-out figures.

    How right is estimated from random checks alone. `n_texts` of each label, drawn at random, are quoted; without them
    no text is in it, but for the words that name the map's regions. Names of people are those of the log.
    """
    log.refresh()
    entries, codes = _drawn(log)
    rng = np.random.default_rng(random_state)
    space = project.current
    view, map_note = _map(project, space, entries, codes, rng)
    looks, script = (path.read_text(encoding="utf-8") for path in (LOOKS, SCRIPT))
    work, differ = effort(log.actions), log.disagreements()
    parts = [_people(work), _disagreements(log, differ), _held_out(project), _quoted(project, log, n_texts, rng)]
    return Template(FRAME.read_text(encoding="utf-8")).substitute(
        # Whatever a text or a name holds, only this script and these looks count, and no host is asked for anything.
        policy=f"default-src 'none'; script-src 'sha256-{_digest(script)}'; style-src 'sha256-{_digest(looks)}'; "
        "base-uri 'none'; form-action 'none'",
        title=html.escape(project.name),
        about=f"As of {now()[:16].replace('T', ' ')} UTC, made with Corral.",
        tiles=_tiles(project, log, work, differ),
        map_title="The texts as points, coloured by label; the table of labels tells the same in numbers.",
        map_note=html.escape(map_note),
        labels=_table(log, entries, codes),
        more="".join(parts),
        points=json.dumps(view).replace("<", "\\u003c"),  # no text ends the script element
        script=script,
        style=looks,
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# ---------------------------------------------------------------- the map


def _drawn(log: LabelLog) -> tuple[list[_Entry], np.ndarray]:
    """What is told apart on the map, the first of it without a label; and each row's place there: uint16 (n_rows,)."""
    entries = [_Entry("no label", None)]
    for label in log.labels:
        look = style(label.style)
        entries.append(_Entry(label.name, (SHAPES[look["shape"]], look["colour"]), label))
    place = np.zeros(log.n_ids + 1, np.uint16)  # the last is for UNLABELLED
    for number, entry in enumerate(entries):
        if entry.label is not None:
            place[entry.label.id] = number
    if not log.multi_label:
        return entries, place[log.codes]
    codes, n_borne = np.zeros(log.n_rows, np.uint16), np.zeros(log.n_rows, np.uint16)
    for label in log.labels:
        bears = log.label_values(label.id) == YES
        n_borne += bears
        codes[bears] = place[label.id]
    if (n_borne > 1).any():
        codes[n_borne > 1] = len(entries)
        entries.append(_Entry("several labels", (SHAPES[0], SEVERAL)))
    return entries, codes


def _map(
    project: Project, space: Space, entries: list[_Entry], codes: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, object], str]:
    """The points as the script takes them, and what is said of them."""
    looks = [entry.mark or (SHAPES[0], "") for entry in entries]
    projection = "UMAP" if space.has_map("UMAP") else "PCA"
    xy = space.map(projection)
    placed = np.flatnonzero(~np.isnan(xy).any(axis=1)) if xy is not None else np.empty(0, np.int64)
    if xy is None or not len(placed):
        empty: dict[str, object] = {"xy": "", "codes": "", "styles": looks, "width": 1, "height": 1, "words": []}
        return empty, "There is no map yet: the texts are still to be embedded."
    # In no order of the file, so that no label lies over the others; but those without one below.
    some = rng.permutation(placed)[:MAX_POINTS]
    some = some[np.argsort(codes[some] > 0, kind="stable")]
    low = xy[placed].min(axis=0)
    span = np.maximum(xy[placed].max(axis=0) - low, 1e-9)

    def quantised(points: np.ndarray) -> np.ndarray:
        return np.round((points - low) / span * 65535).astype("<u2")

    named = [region for region in regions(xy, project.dataset.text) if region.level == 0]
    words = [[region.name, *quantised(np.array([region.x, region.y])).tolist()] for region in named]
    drawn = "" if len(some) == len(placed) else f" {len(some):,} of them, drawn at random, are drawn."
    note = (
        f"The {projection} map of {count(len(placed), 'text')} in the space {space.name!r}: what lies close together "
        f"is alike. The words are those that set a region apart. Point at a label to see where it lies.{drawn}"
    )
    return {
        "xy": base64.b64encode(quantised(xy[some]).tobytes()).decode(),
        "codes": base64.b64encode(codes[some].astype("<u2").tobytes()).decode(),
        "styles": looks,
        "width": float(span[0] / span.max()),
        "height": float(span[1] / span.max()),
        "words": words,
    }, note


# ---------------------------------------------------------------- labels


def _right(wrong: Estimate) -> tuple[str, str]:
    """The share that is right, with its interval, or the interval alone; and how much no check covers."""
    at, low, high = wrong.right
    if wrong.is_rough:
        return f"{low} to {high} %", wrong.unchecked
    return f"{at} %", "; ".join(filter(None, (f"{low} to {high} %", wrong.unchecked)))


def _tiles(project: Project, log: LabelLog, work: dict[str, Effort], differ: Disagreements) -> str:
    right = log.rightness()
    n, n_text = log.n_labelled, int(np.count_nonzero(~project.dataset.empty))
    hours = sum(each.seconds for each in work.values())
    n_gestures = sum(each.n_gestures for each in work.values())
    n_differ = int(np.count_nonzero(differ.rows))
    at, checked = "–", NOT_CHECKED
    if right is not None:
        at, interval = _right(right)
        checked = ", ".join(filter(None, (interval, f"{right.n_read:,} read")))
    tiles = [
        ("Texts", f"{n_text:,}", ""),
        ("Labelled", f"{n:,}", f"{percent(n / n_text)} % of them" if n_text else ""),
        ("Labels", f"{len(log.labels):,}", "yes, no or unknown each" if log.multi_label else "one a text"),
        ("Estimated right", at, checked),
        ("Gestures", f"{n_gestures:,}", "gave labels, or took them off"),
        ("Active time", _time(hours), count(len(work), "person").replace("persons", "people")),
        ("Disagreements", f"{n_differ:,}", "texts" if len(work) > 1 else "one person alone"),
    ]
    return "".join(
        f"<div><dt>{name}</dt><dd>{html.escape(value)}<small>{html.escape(more)}</small></dd></div>"
        for name, value, more in tiles
    )


def _share(part: float) -> str:
    return f"{100 * part:.0f} %"


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _table(log: LabelLog, entries: list[_Entry], codes: np.ndarray) -> str:
    drawn = np.bincount(codes, minlength=len(entries))
    yes, no = log.counts(), log.counts(answer=NO) if log.multi_label else None
    columns = "<th class=number>Yes<th class=number>No" if log.multi_label else "<th class=number>Texts"
    lines = []
    for number, entry in enumerate(entries):
        if entry.label is None:
            figures = f"<td class=number>{drawn[number]:,}" + ("<td>" if no is not None else "") + "<td><td>"
        else:
            n_no = "" if no is None else f"<td class=number>{no[entry.label.id]:,}"
            figures = f"<td class=number>{yes[entry.label.id]:,}{n_no}{_checked(log, entry.label)}"
        name = f"<bdi>{html.escape(entry.name)}</bdi>"
        lines.append((entry.label is None, f'<tr data-label="{number}" tabindex="0">{_mark(entry)}<td>{name}{figures}'))
    rows = "".join(line for _, line in sorted(lines, key=lambda line: line[0]))
    note = (
        "Estimated right: the share of right labels, from texts that were drawn at random after labelling and read, "
        "with its 95 % interval (Wilson's). What was read before labelling says nothing about it."
    )
    return (
        f"<table><thead><tr><th><th>Label{columns}<th>Estimated right<th class=number>Read</thead>"
        f"<tbody>{rows}</tbody></table>"
        f'<p class="note quiet">{note}</p>'
    )


def _mark(entry: _Entry) -> str:
    path, colour = entry.mark or (SHAPES[0], "")
    fill = f'fill="{colour}"' if colour else 'class="point"'
    return (
        '<td class="mark"><svg width="14" height="14" viewBox="-1.2 -1.2 2.4 2.4" aria-hidden="true">'
        f'<path d="{path}" {fill}/></svg>'
    )


def _checked(log: LabelLog, label: Label) -> str:
    wrong = log.quality_of_label(label.id)
    if wrong is None:
        return f'<td class="right quiet">{NOT_CHECKED}<td class="number quiet">0'
    low, at, high = (44 * (1 - share) + 3 for share in (wrong.high, wrong.share, wrong.low))
    picture = (
        '<svg class="range" width="50" height="10" aria-hidden="true"><line x1="3" y1="5" x2="47" y2="5"/>'
        f'<rect x="{low:.1f}" y="3.5" width="{max(high - low, 1):.1f}" height="3"/>'
        + ("" if wrong.is_rough else f'<circle cx="{at:.1f}" cy="5" r="3"/>')
        + "</svg>"
    )
    share, interval = _right(wrong)
    return f'<td class="right">{picture} {share} <small>{interval}</small><td class="number">{wrong.n_read:,}'


# ---------------------------------------------------------------- the rest


def _section(title: str, body: str, *, wide: bool = False) -> str:
    return f"<section{' class=wide' if wide else ''}><h2>{title}</h2>{body}</section>"


def _who(name: str) -> str:
    return f"<bdi>{html.escape(name or 'somebody')}</bdi>"


def _people(work: dict[str, Effort]) -> str:
    if not work:
        return ""
    lines = "".join(
        f"<tr><td>{_who(who)}<td class=number>{each.n_gestures:,}<td class=number>{each.n_checks:,}"
        f"<td class=number>{_time(each.seconds)}"
        for who, each in work.items()
    )
    note = (
        "A gesture gives labels or takes them off, to one text or to thousands; what was taken back later counts too. "
        f"Active time is that between a person's actions; pauses of more than {LONGEST_PAUSE // 60} minutes do not "
        "count, nor does what was read before the first action."
    )
    return _section(
        "Work",
        "<table><thead><tr><th>Who<th class=number>Gestures<th class=number>Checks<th class=number>Active time</thead>"
        f'<tbody>{lines}</tbody></table><p class="note quiet">{note}</p>',
    )


def _disagreements(log: LabelLog, differ: Disagreements) -> str:
    if not differ.pairs:
        return ""

    def said(value: int, column: int) -> str:
        if column == ONE:
            return "no label" if value == UNLABELLED else f"<bdi>{html.escape(log.last_name(value))}</bdi>"
        word = {YES: "yes", NO: "no"}.get(value, "unknown")
        return f"<bdi>{html.escape(log.last_name(column))}</bdi>: {word}"

    lines = "".join(
        f"<tr><td>{_who(pair.first)}: {said(pair.before, pair.column)}<td>{_who(pair.then)}: "
        f"{said(pair.after, pair.column)}<td class=number>{n:,}"
        for pair, n in differ.pairs.most_common(MAX_PAIRS)
    )
    n, rest = int(np.count_nonzero(differ.rows)), len(differ.pairs) - MAX_PAIRS
    note = f"Of {count(n, 'text')} somebody changed what another had said; a correction is one too." + (
        f" {count(rest, 'rarer kind')} of it {'is' if rest == 1 else 'are'} not listed." if rest > 0 else ""
    )
    return _section(
        "Disagreements",
        f"<table><thead><tr><th>First<th>Then<th class=number>Texts</thead><tbody>{lines}</tbody></table>"
        f'<p class="note quiet">{note}</p>',
    )


def _held_out(project: Project) -> str:
    """What the kept tuner whose map is shown, or else the newest, is worth on labels that were held out from it."""
    tuned = [space for space in project.spaces() if space.state == "kept" and space.kind in TUNERS]
    if not tuned:
        return ""
    shown = project.current.id
    space = next((space for space in tuned if space.id == shown), tuned[-1])
    values, key = space.settings.get("evaluation"), str(space.id)
    found = Evaluation.from_dict(values) if values else None
    if found is None or key not in found.figures or not found.enough:
        why = "was not measured on labels that were held out" if found is None else "could be held out too little of"
        return _section("The tuner", f"<p>{html.escape(repr(space.name))} {why}: what it is worth nobody knows.</p>")
    before, after = found.figures[found.baseline], found.figures[key]
    gain = f"{100 * found.gain[key]:+.0f} % ± {_share(found.margin[key])}, {found.verdict(key)}"
    said = (
        f"Of {found.n_rows:,} labels of {count(found.n_groups, 'action')} that were held out from "
        f"{space.name!r} when it was made, the nearest labelled texts name {_share(before.in_space)} rightly in the "
        f"space before and {_share(after.in_space)} in the new one: {gain}."
    )
    lines = "".join(
        f"<tr><td><bdi>{html.escape(name)}</bdi><td class=number>{n:,}<td class=number>{_share(before.recall[name])}"
        f"<td class=number>{_share(after.recall[name])}"
        for name, n in sorted(found.counts.items(), key=lambda one: -one[1])
    )
    more = f" Nothing could be held out of {count(len(found.not_measured), 'label')}." if found.not_measured else ""
    return _section(
        "The tuner",
        f"<p>{html.escape(said + more)}</p><table><thead><tr><th>Label<th class=number>Held out<th class=number>Before"
        f"<th class=number>After</thead><tbody>{lines}</tbody></table>",
    )


def _quoted(project: Project, log: LabelLog, n: int, rng: np.random.Generator) -> str:
    if not n:
        return ""
    parts = []
    filled = ~project.dataset.empty
    for label in log.labels:
        rows = rng.permutation(np.flatnonzero((log.label_values(label.id) == YES) & filled))[:n]
        texts = (project.dataset.text(int(row)).strip() for row in rows)
        items = "".join(f'<li dir="auto">{html.escape(_cut(text))}</li>' for text in texts)
        if items:
            parts.append(f"<section><h3><bdi>{html.escape(label.name)}</bdi></h3><ul>{items}</ul></section>")
    if not parts:
        return ""
    note = f"At most {count(n, 'text')} of each label, drawn at random."
    return _section(
        "Some texts", f'<p class="note quiet">{note}</p><div class="texts">{"".join(parts)}</div>', wide=True
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip() + " …"
