"""`embed`, `tune`, `export`, `report` and `next`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.projects import JSON, PROJECT
from labelling.cli.stores import embed_files, of_files

if TYPE_CHECKING:
    from labelling.tasks.workbench import Workbench
    from labelling.workspace import Project, Workspace


MODEL = "model"  # beside the formats of rows: what has learnt the labels


class Registered(click.ParamType):
    """One of the names of a registry, which is looked at when it is needed: that takes seconds."""

    name = "name"

    def __init__(self, names: Callable[[], Collection[str]]) -> None:
        self.names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(self.names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        names = self.names()
        if value not in names:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, names))}.", param, ctx)
        return str(value)


def _tuners() -> Collection[str]:
    from labelling.learning.registry import options

    return options()


def _formats() -> Collection[str]:
    from labelling.formats.registry import every

    return [*every(), MODEL]


def encoder_with(workspace: Workspace) -> Callable[..., Any]:
    from labelling.encoders.operated import OPENAI_ENDPOINT, operated_endpoints
    from labelling.encoders.registry import encoder_for

    endpoints = {OPENAI_ENDPOINT.name: OPENAI_ENDPOINT, **operated_endpoints()}
    return lambda settings: encoder_for(settings, workspace.folder, endpoints=endpoints, any_address=True)


def workbench_of(workspace: Workspace, project: Project) -> Workbench:
    from labelling.tasks.workbench import open_workbench

    return open_workbench(workspace, project, encoder_with(workspace))


def bench_of(project_id: str, account: str | None) -> Workbench:
    from labelling.workspace import Workspace

    workspace = Workspace()
    return workbench_of(workspace, workspace.open(project_id, account))


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the standard error, with what is left, that is told (done, total)."""
    bar: Any = None
    before = 0

    def tell(done: int, total: int) -> None:
        nonlocal bar, before
        if bar is None:
            bar = click.progressbar(length=max(total, 1), label=title, file=sys.stderr)
            bar.__enter__()
        bar.update(done - before)
        before = done

    try:
        yield tell
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


def embed_texts(bench: Workbench, *, umap: bool) -> None:
    from labelling.projections import UmapProcess
    from labelling.tasks.embed import can_be_made, embed
    from labelling.tasks.maps import make_umap

    if any(map(can_be_made, bench.project.spaces())):
        with progress("Embedding") as tell:
            embed(bench, lambda _so_far, done, total: tell(done, total))
    space = bench.project.current
    if umap and not space.has_map("UMAP"):
        process = UmapProcess()
        try:
            with progress("UMAP map") as tell:
                make_umap(bench.project, space, process, on_progress=tell)
        finally:
            process.close()


@click.command()
@click.argument("what", metavar="ID | FILES...", nargs=-1, required=True)
@click.option("--umap", is_flag=True, help="Make the UMAP map, too.")
@of_files
@click.pass_obj
def embed(account: str | None, what: tuple[str, ...], umap: bool, out: Path | None, **files: Any) -> None:
    """Embed what is not embedded yet, and make the map. Ctrl+C keeps what is done; the next call goes on.

    Of a project, by its ID. With -o of files of any size, .parquet, .csv or .jsonl, into a store: a folder of Parquet
    shards, on this machine or on a Ray cluster (docs/large.md).
    """
    if out is not None:
        with progress("Embedding") as tell:
            embed_files(what, out, on_progress=tell, **files)
        return
    if len(what) != 1:
        raise click.UsageError("Say one project, or by -o the store that files are embedded into.")
    bench = bench_of(what[0], account)
    embed_texts(bench, umap=umap)
    click.echo(f"All texts of {bench.project.name!r} are embedded.")


@click.command()
@PROJECT
@click.option("--tuner", type=Registered(_tuners), default="feed-forward", show_default=True)
@click.option(
    "--keep", type=click.FloatRange(0, 1), default=0.65, show_default=True, help="How much of the original map stays."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--name", help="What the new space is called.")
@click.option("--measure", is_flag=True, help="Hold out labels and say what the new space is worth on them.")
@JSON
@click.pass_obj
def tune(
    account: str | None,
    project: str,
    tuner: str,
    keep: float,
    seed: int,
    name: str | None,
    measure: bool,
    as_json: bool,
) -> None:
    """Bend the map towards the labels; the new space is kept, and shown from then on."""
    from labelling.learning.registry import make_tuner, options
    from labelling.tasks.evaluate import evaluate
    from labelling.tasks.tune import tune as run

    bench = bench_of(project, account)
    embed_texts(bench, umap=False)
    with progress("Tuning") as tell:
        space = run(
            bench.project,
            bench.log,
            options()[tuner],
            {"keep": keep, "random_state": seed},
            lambda step, n_steps, _loss, _held_out: tell(step, n_steps),
        )
    found = None
    if measure:
        with progress("Holding out labels") as tell:
            found = evaluate(bench.project, bench.log, space, lambda each: make_tuner(each.kind, each.settings), tell)
    bench.project.keep_space(space.id, name)
    bench.project.show_space(space.id)
    called = bench.project.space(space.id).name
    if as_json:
        click.echo(json.dumps({"space": space.id, "name": called, "measured": found and found.to_dict()}, default=str))
        return
    click.echo(f"{called!r} is kept, and is the map you label on now.")
    if found is not None and not found.enough:
        click.echo(
            "Too little could be held out to tell whether it is better: label each label's texts in two actions."
        )
    elif found is not None:
        key = str(space.id)
        before, after = found.figures[found.baseline].in_space, found.figures[key].in_space
        click.echo(
            f"Of {found.n_rows:,} labels held out ({found.n_groups:,} actions), {before:.0%} are found in the space "
            f"before, {after:.0%} in the new one: {found.verdict(key)}, "
            f"{found.gain[key]:+.0%} ± {found.margin[key]:.0%}."
        )


@click.command()
@PROJECT
@click.option("--format", "kind", type=Registered(_formats), default="csv", show_default=True)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="The file, or a new folder for what is a .zip. - or nothing: standard output.",
)
@click.option("--labelled", is_flag=True, help="Only the rows that have a label.")
@click.option("--origins", is_flag=True, help="Also who labelled, how it was chosen, what a model says.")
@click.option("--split", is_flag=True, help="In parts to train, validate and test: whole steps, near-copies together.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the split.")
@click.pass_obj
def export(
    account: str | None,
    project: str,
    kind: str,
    out: Path | None,
    labelled: bool,
    origins: bool,
    split: bool,
    seed: int,
) -> None:
    """Write the rows with their labels: every column, in the uploaded order, with label, labelled_at and source.

    Or as another tool reads them: see docs/formats.md. What is a .zip becomes a new folder where -o doesn't end so.
    The format model is what has learnt the labels, as `corral model` writes it.
    """
    from labelling.cli.model import write_model
    from labelling.errors import CorralError
    from labelling.formats.registry import every
    from labelling.tasks.export import export as write
    from labelling.tasks.export import is_archive
    from labelling.tasks.split import split as parts_of

    if kind == MODEL:
        if out is None or labelled or origins or split:
            raise click.UsageError("The model is a folder: say -o FOLDER, and nothing about rows.")
        write_model(account, project, out)
        return
    form = every()[kind]
    folder = out is not None and is_archive(form, in_parts=split) and out.suffix.lower() != ".zip" and str(out) != "-"
    if out is not None and folder and out.exists():
        raise CorralError(f"{out} is there already: name a new folder, or a file that ends in .zip.")
    bench = bench_of(project, account)
    if split:
        _make_graph(bench)
    parts = parts_of(bench.project, bench.log, random_state=seed) if split else None
    content = write(bench.project, form, only_labelled=labelled, with_origins=origins, parts=parts)
    if out is None or str(out) == "-":
        sys.stdout.buffer.write(content)
    elif folder:
        _write_folder(out, content)
    else:
        _write(out, content)


def _make_graph(bench: Workbench) -> None:
    """The neighbour graph of the original space, by which near-copies are known, where it is not made yet."""
    from labelling.projections import UmapProcess
    from labelling.tasks.maps import make_graph

    embed_texts(bench, umap=False)
    original = bench.project.spaces()[0]
    if original.graph is not None:
        return
    process = UmapProcess()
    try:
        with progress("Near-copies") as tell:
            make_graph(original, process, tell)
    finally:
        process.close()


def _write_folder(out: Path, content: bytes) -> None:
    from labelling.errors import CorralError
    from labelling.files import new_folder
    from labelling.formats.archive import unzip

    try:
        with new_folder(out) as folder:
            unzip(content, folder)
    except OSError as error:
        raise CorralError(f"{out} can't be written ({error.strerror or error}): nothing was changed.") from error
    click.echo(f"{out}: a folder of {len(content) / 1e6:,.1f} MB.", err=True)


def _write(out: Path, content: bytes) -> None:
    from labelling.errors import CorralError
    from labelling.files import write_whole

    try:
        write_whole(out, lambda file: file.write(content))
    except OSError as error:
        raise CorralError(f"{out} can't be written ({error.strerror or error}): nothing was changed.") from error
    click.echo(f"{out}: {len(content) / 1e6:,.1f} MB.", err=True)


@click.command()
@PROJECT
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The .html file.")
@click.option("--texts", type=click.IntRange(0, 100), default=0, help="Quote so many texts of each label, at random.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.pass_obj
def report(account: str | None, project: str, out: Path, texts: int, seed: int) -> None:
    """Write a page of results: the map, the labels and how right they are, the work it took. It needs no network."""
    from labelling.tasks.report import report as page

    opened = bench_of(project, account).project
    _write(out, page(opened, opened.open_log(), n_texts=texts, random_state=seed).encode())


@click.command("next")
@PROJECT
@click.option("-n", "n", type=click.IntRange(1, 100), default=1, show_default=True, help="How many proposals.")
@click.option("--aim", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.9, show_default=True)
@click.pass_obj
def next_proposals(account: str | None, project: str, n: int, aim: float) -> None:
    """Print what is worth labelling next, as JSON: rows, the label suggested for each, and those to read."""
    from labelling.tasks.propose import propose

    opened = bench_of(project, account).project
    log = opened.open_log()
    for found in propose(opened, log, n, aim=aim):
        said = {
            "kind": found.kind,
            "expected": None if found.labels is None else found.expected,
            "rows": found.rows.tolist(),
            "labels": None if found.labels is None else [log.label(int(label)).name for label in found.labels],
            "read": [{"row": int(row), "text": opened.dataset.text(int(row))} for row in found.sample],
        }
        click.echo(json.dumps(said, ensure_ascii=False))


COMMANDS = (embed, tune, export, report, next_proposals)
