"""What `embed` does with files: into a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from labelling.store.work import Machines

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
    from labelling.cli.make import model_settings
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
