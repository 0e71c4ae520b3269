"""What makes a project of a file, `embed`, `tune`, `export`, `report` and `next`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.projects import JSON, PROJECT
from labelling.cli.start import start
from labelling.cli.stores import embed_files, model_settings, of_files

if TYPE_CHECKING:
    from labelling.readers import Table
    from labelling.tasks.workbench import Workbench
    from labelling.workspace import Project, Workspace


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

    return every()


def encoder_settings(named: str | None, texts: list[str], workspace: Workspace) -> dict[str, Any]:
    """A space's settings of an encoder as it is named on the command line, checked: a model that isn't there is said.

    ``MODEL`` or ``KIND:MODEL``, of the kinds in the registry; ``tfidf`` is fitted on the texts.
    """
    from labelling.encoders.registry import TFIDF, fit_encoder

    if named == TFIDF:
        return fit_encoder(texts, workspace.folder)
    settings = model_settings(named)
    if settings:
        _ = encoder_with(workspace)(settings).n_dims
    return settings


def encoder_with(workspace: Workspace) -> Callable[..., Any]:
    from labelling.encoders.operated import OPENAI_ENDPOINT, operated_endpoints
    from labelling.encoders.registry import encoder_for

    endpoints = {OPENAI_ENDPOINT.name: OPENAI_ENDPOINT, **operated_endpoints()}
    return lambda settings: encoder_for(settings, workspace.folder, endpoints=endpoints, any_address=True)


def _workbench(workspace: Workspace, project: Project) -> Workbench:
    from labelling.tasks.workbench import open_workbench

    return open_workbench(workspace, project, encoder_with(workspace))


def bench_of(project_id: str, account: str | None) -> Workbench:
    from labelling.workspace import Workspace

    workspace = Workspace()
    return _workbench(workspace, workspace.open(project_id, account))


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
    from labelling.tasks.embed import embed
    from labelling.tasks.maps import make_umap

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


class Source(click.Path):
    """A file, a folder, or ``hf:`` and the id of a data set."""

    name = "source"

    def __init__(self) -> None:
        super().__init__(exists=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if str(value).startswith("hf:") else super().convert(value, param, ctx)


def _read(source: Path | str, split: str | None) -> tuple[Table, str]:
    """The table that a file, a folder or a data set on the hub holds, and what it is called."""
    from labelling import readers

    if isinstance(source, str):
        with progress("Loading from the hub") as tell:
            return readers.read_hub(source, split, on_progress=tell), source.removeprefix("hf:").partition("@")[0]
    if split is not None:
        raise click.UsageError("--split is for data sets on the hub: hf:owner/name.")
    if source.is_dir():
        source = source.resolve()  # the name of "." is the folder's
        return readers.read_folder(source), source.name
    return readers.read_table(source.read_bytes(), source.name), source.name


@click.command("open", hidden=True)
@click.argument("file", type=Source())
@click.option("--split", metavar="NAME", help="Of a data set on the hub, this split alone, such as train.")
@click.option("--text", metavar="COL", help="The column with the texts. Without it, the likeliest.")
@click.option("--label", metavar="COL", help="A column with labels that are already there.")
@click.option("--x", metavar="COL", help="With --y, a column of numbers: a third map, of your own.")
@click.option("--y", metavar="COL")
@click.option("--encoder", metavar="NAME", help="A model of sentence-transformers, KIND:MODEL, or tfidf.")
@click.option("--name", help="What the project is called. Without it, like the file.")
@click.option("--no-app", is_flag=True, help="Make the project, and don't open it.")
@JSON
@click.pass_obj
def open_file(
    account: str | None,
    file: Path | str,
    split: str | None,
    text: str | None,
    label: str | None,
    x: str | None,
    y: str | None,
    encoder: str | None,
    name: str | None,
    no_app: bool,
    as_json: bool,
) -> int:
    """Make a project of a file or a folder, embed its texts, and open it in the browser.

    Or of a data set on the Hugging Face hub: hf:owner/name, hf:owner/name@revision, hf:owner/name/folder.
    """
    from labelling import readers
    from labelling.readers import ReadError
    from labelling.tasks.projects import create_project
    from labelling.workspace import Workspace

    if (x is None) != (y is None):
        raise click.UsageError("A map of your own needs both --x and --y.")
    table, called = _read(file, split)
    columns = list(table.frame.columns)
    for wanted in filter(None, (text, label, x, y)):
        if wanted not in columns:
            raise ReadError(f"There is no column {wanted!r} in {called}. There are: {', '.join(map(repr, columns))}.")
    text = text or readers.guess_text_column(table.frame)
    if text is None:
        raise ReadError(f"Say which column holds the texts, by --text: {', '.join(map(repr, columns))}.")
    dataset = readers.make_dataset(table, text, label)
    for line in readers.report(dataset, table):
        click.echo(line, err=True)
    workspace = Workspace()
    texts = [words for words, empty in zip(dataset.texts, dataset.empty, strict=True) if not empty]
    settings = encoder_settings(encoder, texts, workspace)
    own = None if x is None or y is None else (x, y)
    project = create_project(workspace, name or called, dataset, settings, map_columns=own, owner=account, who=account)
    embed_texts(_workbench(workspace, project), umap=False)
    if as_json:
        click.echo(json.dumps({"id": project.id, "name": project.name, "n_rows": project.n_rows, "text": text}))
    else:
        click.echo(f"{project.id}  {project.n_rows:,} texts of column {text!r}  {project.name}")
    return 0 if no_app else start(project=project.id)


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
    if found is not None:
        key = str(space.id)
        before, after = found.figures[found.baseline].in_space, found.figures[key].in_space
        click.echo(
            f"Of {found.n_rows:,} labels held out ({found.n_groups:,} actions), {before:.0%} are found in the space "
            f"before, {after:.0%} in the new one: {found.verdict(key)}, "
            f"{found.gain[key]:+.0%} ± {found.margin[key]:.0%}."
        )
        if found.flatters or not found.enough:
            click.echo(
                "That is too little to tell." if not found.enough else "These figures flatter: see docs/tuners.md."
            )


@click.command()
@PROJECT
@click.option("--format", "kind", type=Registered(_formats), default="csv", show_default=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; - or nothing: standard output."
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

    Or as another tool reads them: see docs/formats.md.
    """
    from labelling.formats.registry import every
    from labelling.tasks.export import export as write
    from labelling.tasks.split import split as parts_of

    opened = bench_of(project, account).project
    parts = parts_of(opened, opened.open_log(), random_state=seed) if split else None
    content = write(opened, every()[kind], only_labelled=labelled, with_origins=origins, parts=parts)
    if out is None or str(out) == "-":
        sys.stdout.buffer.write(content)
        return
    _write(out, content)


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


COMMANDS = (open_file, embed, tune, export, report, next_proposals)
