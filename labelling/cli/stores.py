"""`embed` of files, `sample`: what is done with stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.projects import JSON

if TYPE_CHECKING:
    from labelling.encoders import Encoder
    from labelling.store.store import Store
    from labelling.store.work import Machines

STORE = click.argument("store", metavar="STORE", type=click.Path(path_type=Path))
SEED = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
WORKERS = click.option("--workers", type=click.IntRange(1), help="How many processes. Without it, what is good here.")
RAY = click.option("--ray", metavar="ADDRESS", help="On this Ray cluster: auto, local, ray://host:10001.")
GPUS = click.option("--gpus-per-worker", type=click.FloatRange(0), default=0, help="Of the cluster, for each worker.")


def of_files(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `embed` that are for files."""
    options = (
        click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="The store, a folder."),
        click.option("--text", metavar="COL", help="The column with the texts."),
        click.option("--encoder", metavar="NAME", help="A model of sentence-transformers, or KIND:MODEL."),
        click.option("--float16", is_flag=True, help="Half of the bytes."),
        click.option("--shard-rows", type=click.IntRange(1), help="Rows in a shard, which a kill may cost: 16,384."),
        WORKERS,
        RAY,
        GPUS,
    )
    for option in reversed(options):
        command = option(command)
    return command


def machines(workers: int | None, ray: str | None, gpus_per_worker: float) -> Machines:
    from labelling.store.work import Machines

    return Machines(workers, ray, gpus_per_worker)


def embed_files(
    files: tuple[str, ...],
    out: Path,
    *,
    text: str | None,
    encoder: str | None,
    float16: bool,
    shard_rows: int | None,
    workers: int | None,
    ray: str | None,
    gpus_per_worker: float,
    on_progress: Callable[[int, int], object],
) -> None:
    from labelling.encoders.registry import TFIDF
    from labelling.store.embedding import SHARD_ROWS, embed

    if text is None:
        raise click.UsageError("Say which column holds the texts, by --text.")
    store = embed(
        files,
        out,
        text=text,
        encoder={"kind": TFIDF} if encoder == TFIDF else model_settings(encoder),
        float16=float16,
        machines=machines(workers, ray, gpus_per_worker),
        shard_rows=shard_rows or SHARD_ROWS,
        on_progress=on_progress,
    )
    click.echo(
        f"{out}: {store.n_texts:,} texts of {store.n_rows:,} rows, {store.manifest.n_dims} numbers each, in "
        f"{len(store.shards):,} shards."
    )


# ---------------------------------------------------------------- the commands


def model_settings(named: str | None) -> dict[str, Any]:
    """A space's settings of a model, ``MODEL`` or ``KIND:MODEL``; it is not looked for."""
    from labelling.encoders import EncoderError
    from labelling.encoders.registry import ENCODERS, ENDPOINT, PACKAGED

    if named is None:
        return {}
    kind, colon, model = named.partition(":")
    if not colon or kind not in ENCODERS:
        kind, model = PACKAGED, named
    if kind == ENDPOINT:
        raise EncoderError("An endpoint is chosen in the app, where it says how many texts would be sent.")
    return {"kind": kind, "model": model}


def opened(folder: Path) -> tuple[Store, Encoder]:
    """A store, and its encoder. Raises StoreError where there is none, or its model is another one here."""
    from labelling.encoders.registry import encoder_for
    from labelling.store.store import Store

    store = Store(folder)
    encoder = encoder_for(store.manifest.encoder, folder)
    store.must_be_of(encoder.fingerprint, "the model of that name here")
    return store, encoder


@click.command()
@STORE
@click.option("--rows", type=click.IntRange(1), default=100_000, show_default=True, help="How many texts.")
@click.option("--spread", is_flag=True, help="Over all of the store, so that small groups are there.")
@click.option("--name", help="What the project is called. Without it, like the store.")
@SEED
@JSON
@click.pass_obj
def sample(
    account: str | None, store: Path, rows: int, spread: bool, name: str | None, seed: int, as_json: bool
) -> None:
    """Make a project of some of a store's texts, drawn at random. Their embeddings are the store's."""
    from labelling.cli.make import progress
    from labelling.store.sampling import at_random, spread_out
    from labelling.tasks.sample import sample_project
    from labelling.workspace import Workspace

    found, encoder = opened(store)
    if spread:
        with progress("Spreading") as tell:
            positions = spread_out(found, rows, seed, tell)
    else:
        positions = at_random(found, rows, seed)
    project = sample_project(
        Workspace(), found, positions, name or found.folder.name, encoder, owner=account, who=account
    )
    if as_json:
        click.echo(json.dumps({"id": project.id, "name": project.name, "n_rows": project.n_rows, "of": found.n_texts}))
    else:
        click.echo(f"{project.id}  {project.n_rows:,} of {found.n_texts:,} texts  {project.name}")


COMMANDS = (sample,)
