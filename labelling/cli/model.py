"""`model` and `predict`: what has learnt the labels, taken away or asked about other texts."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.make import bench_of, encoder_with, progress
from labelling.cli.projects import JSON, PROJECT

if TYPE_CHECKING:
    from labelling.learning.model import Model

FORMAT_HELP = "Without it, for sentence-transformers, or by the ending .skops."
SPACE = click.option("--space", type=int, help="The number of a tuned space; without it, the newest that was kept.")


@click.command()
@PROJECT
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The new folder, or .skops file.")
@click.option(
    "--format", "form", type=click.Choice(["sentence-transformers", "transformers", "skops"]), help=FORMAT_HELP
)
@SPACE
@click.pass_obj
def model(account: str | None, project: str, out: Path, form: str | None, space: int | None) -> None:
    """Write the encoder and the tuner, or a classifier, as one folder that loads without Corral.

    For sentence-transformers, with labels.json and a README that says what it is worth; a classifier for transformers,
    where its head allows that; or a scikit-learn pipeline by skops.
    """
    write_model(account, project, out, form, space)


def write_model(
    account: str | None, project: str, out: Path, form: str | None = None, space: int | None = None
) -> None:
    from labelling.tasks.model import SENTENCE_TRANSFORMERS, SKOPS, save_model

    form = form or (SKOPS if out.suffix == ".skops" else SENTENCE_TRANSFORMERS)
    bench = bench_of(project, account)
    made = save_model(bench.project, bench.encoder_for(bench.project.spaces()[0].settings), out, space, form)
    said = "a pipeline of encoder and tuner" if form == SKOPS else "with a README that says what it is worth"
    click.echo(f"{out}: {made.name!r}, {said}.")


@click.command()
@click.argument("model", metavar="ID|MODEL")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A new .csv, .jsonl or .parquet.",
)
@click.option("--text", metavar="COL", help="The column with the texts. Without it the project's, or the likeliest.")
@SPACE
@click.option("--sure", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="What is sure enough.")
@click.option("--send", is_flag=True, help="Send the texts to the endpoint that embeds the project's.")
@JSON
@click.pass_obj
def predict(
    account: str | None,
    model: str,
    file: Path,
    out: Path,
    text: str | None,
    space: int | None,
    sure: float,
    send: bool,
    as_json: bool,
) -> None:
    """Write the rows of a file with label, probability and whether that is sure enough.

    By the newest tuner or classifier of a project, or what `model` wrote. CSV, JSONL and Parquet may be larger
    than memory. Ctrl+C keeps what is done, in OUT.parts; the same command goes on.
    """
    from labelling.tasks.predict import predict as run

    with ExitStack() as bar:
        shown: dict[str, Any] = {}

        def tell(title: str, done: int, total: int) -> None:
            if title not in shown:
                bar.close()
                shown[title] = bar.enter_context(progress(title))
            shown[title](done, total)

        asked, preferred = _model(model, account, space, send=send)
        found = run(asked, file, out, text=text, preferred=preferred, at_least=sure, on_progress=tell)
    if found is None:  # nobody but Ctrl+C stops it, and that raises
        return
    for note in found.notes:
        click.echo(note, err=True)
    if as_json:
        click.echo(json.dumps({"out": str(out), "by_nearness": asked.knows_near, **vars(found)}, ensure_ascii=False))
        return
    share = found.n_sure / max(found.n_rows - found.n_empty, 1)
    by = "its probability times how near the labelled texts are" if asked.knows_near else "its probability alone"
    click.echo(
        f"{out}: {found.n_rows:,} rows, {found.n_empty:,} of them without a text in {found.text!r}. "
        f"{found.n_sure:,} ({share:.0%}) are sure enough, by {by}: at least {sure:g}."
    )


def _model(named: str, account: str | None, space: int | None, *, send: bool) -> tuple[Model, str | None]:
    """The model of a folder or a project, and the project's column with the texts."""
    from labelling.encoders.registry import ENDPOINT, OWN
    from labelling.errors import StepError
    from labelling.learning.model import load_model
    from labelling.workspace import CLASSIFIER, Workspace
    from labelling.workspace.models import model_space

    if Path(named).exists() or Path(named).name != named or named.endswith(".skops"):
        if space is not None:
            raise click.UsageError("--space is of a project: a folder holds one model.")
        return load_model(Path(named)), None
    workspace = Workspace()
    project = workspace.open(named, account)
    kind = project.spaces()[0].settings.get("kind")
    if model_space(project, space).kind != CLASSIFIER:
        if kind == OWN:
            raise StepError(
                "The vectors of this project were brought along: no encoder could make one of another text. "
                "Train a classifier, on the page Classify."
            )
        if kind == ENDPOINT and not send:
            raise StepError(
                "The texts of this project are embedded by an endpoint: all of the file would be sent to it. Say "
                "--send where that is meant."
            )
    return project.model(space, encoder_with(workspace)), project.dataset.text_column


COMMANDS = (model, predict)
