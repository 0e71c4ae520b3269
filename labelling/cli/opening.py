"""What makes a project of a file, a folder or a data set of the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.make import embed_texts, encoder_with, progress, workbench_of
from labelling.cli.projects import JSON
from labelling.cli.start import start
from labelling.cli.stores import model_settings

if TYPE_CHECKING:
    import pandas as pd

    from labelling.readers import Table
    from labelling.workspace import Project, Workspace


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


class Source(click.Path):
    """A file, a folder, or ``hf:`` and the id of a data set."""

    name = "source"

    def __init__(self) -> None:
        super().__init__(exists=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).startswith("hf:"):
            return value
        if not Path(value).exists():
            self.fail(f"There is neither a command nor a file or folder {value!r}; --help lists the commands.")
        return super().convert(value, param, ctx)


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


def _labels(table: Table, named: tuple[str, ...]) -> tuple[str | None, pd.DataFrame | None]:
    """The column with one label a row; or what each row says of each label. Of the columns that are named, if any."""
    from labelling import readers
    from labelling.readers import ReadError

    told, answers = readers.guess_labels(table)
    if not named:
        return told, readers.read_label_values(table.frame, answers) if answers else None
    if len(named) > 1 or list(named) == answers:
        return None, readers.read_label_values(table.frame, named)
    try:
        readers.read_labels(table.frame, named[0])
    except ReadError as error:
        try:
            return None, readers.read_label_values(table.frame, named)
        except ReadError:
            raise error from None
    return named[0], None


def _say_labels(project: Project) -> int:
    """Say which labels came along, if any; how many rows have one."""
    from labelling.readers.tables import count, listed

    log = project.open_log()
    if log.labels:
        names = listed([label.name for label in log.labels])
        said = f"{log.n_labelled:,} of {count(project.n_rows, 'row')} came with {count(len(log.labels), 'label')}"
        click.echo(f"{said}: {names}.", err=True)
    return log.n_labelled


@click.command("open", hidden=True)
@click.argument("file", type=Source())
@click.option("--split", metavar="NAME", help="Of a data set on the hub, this split alone, such as train.")
@click.option("--text", metavar="COL", help="The column with the texts. Without it, the likeliest.")
@click.option(
    "--label",
    "labels",
    metavar="COL",
    multiple=True,
    help="A column with labels that are there already; again for each column of yes and no. Without it, those that "
    "another tool's file, or an export of Corral's own, surely holds.",
)
@click.option("--no-label", is_flag=True, help="Take no labels.")
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
    labels: tuple[str, ...],
    no_label: bool,
    x: str | None,
    y: str | None,
    encoder: str | None,
    name: str | None,
    no_app: bool,
    as_json: bool,
) -> int:
    """Make a project of a file or a folder, embed its texts, and open it in the browser.

    Or of a data set on the Hugging Face hub: hf:owner/name, hf:owner/name@revision, hf:owner/name/folder. A file that
    `corral pack` wrote is unpacked.
    """
    from labelling import readers
    from labelling.cli.pack import take_over
    from labelling.readers import ReadError
    from labelling.tasks.packed import is_pack
    from labelling.tasks.projects import create_project
    from labelling.workspace import Workspace

    if isinstance(file, Path) and file.is_file() and is_pack(file):
        project = take_over(account, file, send=False, as_json=as_json)
        return 0 if no_app else start(project=project.id)
    if (x is None) != (y is None):
        raise click.UsageError("A map of your own needs both --x and --y.")
    table, called = _read(file, split)
    columns = list(table.frame.columns)
    for wanted in filter(None, (text, *labels, x, y)):
        if wanted not in columns:
            raise ReadError(f"There is no column {wanted!r} in {called}. There are: {', '.join(map(repr, columns))}.")
    text = text or readers.guess_text_column(table.frame)
    if text is None:
        raise ReadError(f"Say which column holds the texts, by --text: {', '.join(map(repr, columns))}.")
    label, label_values = (None, None) if no_label else _labels(table, labels)
    dataset = readers.make_dataset(table, text, label)
    for line in readers.report(dataset, table):
        click.echo(line, err=True)
    if label is None and label_values is None and not no_label:
        likely = readers.guess_label_column(table.frame, text)
        if likely is not None:
            click.echo(f"No labels were taken. {likely!r} may hold some: --label {likely!r} takes them.", err=True)
    workspace = Workspace()
    texts = [words for words, empty in zip(dataset.texts, dataset.empty, strict=True) if not empty]
    settings = encoder_settings(encoder, texts, workspace)
    own = None if x is None or y is None else (x, y)
    project = create_project(
        workspace,
        name or called,
        dataset,
        settings,
        label_values=label_values,
        map_columns=own,
        owner=account,
        who=account,
    )
    n_labelled = _say_labels(project)
    embed_texts(workbench_of(workspace, project), umap=False)
    if as_json:
        said = {"id": project.id, "name": project.name, "n_rows": project.n_rows, "text": text}
        click.echo(json.dumps({**said, "n_labelled": n_labelled}))
    else:
        click.echo(f"{project.id}  {project.n_rows:,} texts of column {text!r}  {project.name}")
    return 0 if no_app else start(project=project.id)


COMMANDS = (open_file,)
