"""`embed` of files, `sample`, `spread`, `audit` and `search`: what is done with stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.projects import JSON, PROJECT

if TYPE_CHECKING:
    import numpy as np

    from labelling.encoders import Encoder
    from labelling.labels.error_rate import Estimate
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
@click.option("--rows", type=click.IntRange(1), help="How many texts: 100,000; with --audit 100 of each label.")
@click.option("--spread", is_flag=True, help="Over all of the store, so that small groups are there.")
@click.option("--audit", metavar="LABELS", type=click.Path(path_type=Path), help="Of each label that was spread.")
@click.option("--unlike", metavar="LABELS", type=click.Path(path_type=Path), help="The least like what was labelled.")
@click.option("--name", help="What the project is called. Without it, like the store.")
@SEED
@JSON
@click.pass_obj
def sample(
    account: str | None,
    store: Path,
    rows: int | None,
    spread: bool,
    audit: Path | None,
    unlike: Path | None,
    name: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Make a project of some of a store's texts, drawn at random. Their embeddings are the store's.

    With --audit its texts bear the labels that were spread: read some of each, and `corral audit` says how right all
    of these are.
    """
    from labelling.tasks.sample import sample_project
    from labelling.tasks.spread_audit import OF_A_LABEL, audit_project
    from labelling.workspace import Workspace

    if spread + bool(audit) + bool(unlike) > 1:
        raise click.UsageError("Say one of --spread, --audit and --unlike.")
    found, encoder = opened(store)
    workspace, name = Workspace(), name or found.folder.name
    if audit is not None:
        how: dict[str, Any] = {"n": rows or OF_A_LABEL, "random_state": seed, "owner": account, "who": account}
        project = audit_project(workspace, found, audit, name, encoder, **how)
    else:
        positions = _drawn(found, rows or 100_000, seed, spread=spread, unlike=unlike)
        project = sample_project(workspace, found, positions, name, encoder, owner=account, who=account)
    if as_json:
        click.echo(json.dumps({"id": project.id, "name": project.name, "n_rows": project.n_rows, "of": found.n_texts}))
    else:
        click.echo(f"{project.id}  {project.n_rows:,} of {found.n_texts:,} texts  {project.name}")


def _drawn(store: Store, n: int, seed: int, *, spread: bool, unlike: Path | None) -> np.ndarray:
    from labelling.cli.make import progress
    from labelling.store.sampling import at_random, spread_out
    from labelling.tasks.spread import Labels
    from labelling.tasks.spread_audit import least_near

    if unlike is not None:
        return least_near(Labels.open(unlike, store), n)
    if not spread:
        return at_random(store, n, seed)
    with progress("Spreading") as tell:
        return spread_out(store, n, seed, tell)


@click.command()
@PROJECT
@JSON
@click.pass_obj
def audit(account: str | None, project: str, as_json: bool) -> None:
    """Say how many of the labels that were spread over a store are wrong, by what was read of them."""
    from labelling.tasks.spread_audit import audited
    from labelling.workspace import Workspace

    found = audited(Workspace().open(project, account))
    every: dict[str, Estimate | None] = {**found.labels, "all of these": found.whole}
    if as_json:
        said = {name: each and asdict(each) for name, each in found.labels.items()}
        whole = found.whole and asdict(found.whole)
        click.echo(json.dumps({"labels": said, "whole": whole, "n_texts": found.n_texts}, ensure_ascii=False))
        return
    for name, each in every.items():
        if each is None:
            click.echo(f"  nothing read yet                                        {name}")
        else:
            share = f"{each.share:6.1%} wrong ({each.low:.1%} to {each.high:.1%})"
            click.echo(f"{share:<32} {each.n_read:>6,} of {each.n_rows:>13,} read  {name}")


@click.command()
@PROJECT
@STORE
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
@click.option("--space", type=int, help="The number of a tuned space; without it, the newest that was kept.")
@click.pass_obj
def spread(account: str | None, project: str, store: Path, out: Path, space: int | None) -> None:
    """Write a label for each text of a store, by what has learnt those of a project; the same call goes on."""
    from labelling.cli.make import bench_of, progress
    from labelling.store.store import Store
    from labelling.tasks.spread import spread as run

    bench, found = bench_of(project, account), Store(store)
    encoder = bench.encoder_for(bench.project.spaces()[0].settings)
    with progress("Spreading") as tell:
        labels = run(bench.project, found, out, encoder, space_id=space, on_progress=tell)
    for label, n in labels.counts.items():
        click.echo(f"{n:>14,}  {label}")


@click.command()
@STORE
@click.argument("words")
@click.option("-n", "n", type=click.IntRange(1), default=20, show_default=True, help="How many texts.")
@JSON
def search(store: Path, words: str, n: int, as_json: bool) -> None:
    """Print the texts of a store that mean the most like these words: their cosine, file, row and text."""
    from labelling.cli.make import progress
    from labelling.store.search import search as run

    found, encoder = opened(store)
    with progress("Searching") as tell:
        positions, cosines = run(found, encoder, words, n, tell)
    order = positions.argsort()
    rows = found.take(positions[order], ["file", "row", "text"]).take(order.argsort()).to_pylist()
    said = [
        {"cosine": round(float(cosine), 4), **row, "file": found.manifest.files[row["file"]]["name"]}
        for cosine, row in zip(cosines, rows, strict=True)
    ]
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    for each in said:
        # Nothing in a text is for the terminal.
        text = " ".join("".join(c if c.isprintable() else " " for c in each["text"]).split())
        click.echo(f"{each['cosine']:6.3f}  {Path(each['file']).name}:{each['row']}  {text[:200]}")


COMMANDS = (sample, spread, audit, search)
