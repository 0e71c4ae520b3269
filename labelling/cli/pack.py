"""`pack`, `unpack` and `replay`: a whole job as one file."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelling.cli.make import bench_of, embed_texts, encoder_with
from labelling.cli.make import progress as bar
from labelling.cli.projects import JSON, PROJECT

if TYPE_CHECKING:
    from labelling.tasks.replay import Replayed
    from labelling.workspace import Project

FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
SEND = click.option("--send", is_flag=True, help="Let the endpoint that the pack names embed: texts are sent there.")
DIFFERENCES = 20  # said one by one; --json says all


@click.command()
@PROJECT
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The .zip file.")
@click.option("--anonymous", is_flag=True, help="Person 1, person 2 ... in place of the people's names.")
@click.option("--no-vectors", is_flag=True, help="Without embeddings and maps, which can be made anew.")
@click.pass_obj
def pack(account: str | None, project: str, out: Path, anonymous: bool, no_vectors: bool) -> None:
    """Pack a project into one file: texts, every action, settings, versions. No account and no key is in it."""
    from labelling.readers.tables import count
    from labelling.tasks.pack import pack as run
    from labelling.workspace import Workspace

    workspace = Workspace()
    opened = workspace.open(project, account)
    with bar("Packing") as tell:
        n_actions = run(workspace, opened, out, anonymous=anonymous, vectors=not no_vectors, on_progress=tell)
    assert n_actions is not None  # noqa: S101 - Ctrl+C raises
    said = f"{count(opened.n_rows, 'text')}, {count(n_actions, 'action')}, {out.stat().st_size / 1e6:,.1f} MB."
    click.echo(f"{out}: {said}", err=True)


@click.command()
@FILE
@SEND
@JSON
@click.pass_obj
def unpack(account: str | None, file: Path, send: bool, as_json: bool) -> None:
    """Take a packed project over as a new one: the same texts, labels, history and people."""
    take_over(account, file, send=send, as_json=as_json)


def take_over(account: str | None, file: Path, *, send: bool, as_json: bool) -> Project:
    """The project that is made of a pack, embedded where its encoder may; what is left out is said."""
    from labelling.tasks.embed import can_be_made
    from labelling.tasks.unpack import unpack as run
    from labelling.workspace import Workspace

    workspace = Workspace()
    found = run(workspace, file, owner=account)
    project = found.project
    for name in found.left_out:
        click.echo(f"The space {name!r} is left out: the pack holds neither its vectors nor what made it.", err=True)
    address = _endpoint(file)
    if address is not None:
        click.echo(f"Its encoder is the endpoint {address}: what is added or searched for is sent there.", err=True)
    if any(map(can_be_made, project.spaces())):
        if address is None or send:
            embed_texts(bench_of(project.id, account), umap=False)
        else:
            click.echo(f"It is not embedded: `corral embed {project.id}` sends its texts there.", err=True)
    n_labelled = project.open_log().n_labelled
    if as_json:
        said = {"id": project.id, "name": project.name, "n_rows": project.n_rows, "n_labelled": n_labelled}
        click.echo(json.dumps({**said, "left_out": found.left_out}))
    else:
        click.echo(f"{project.id}  {n_labelled:,} of {project.n_rows:,} labelled  {project.name}")
    return project


@click.command()
@FILE
@SEND
@JSON
@click.pass_obj
def replay(account: str | None, file: Path, send: bool, as_json: bool) -> int:
    """Make a packed project anew: embed, label by its log, tune; and compare the labels row by row.

    Exit status 1 where a row is labelled otherwise.
    """
    from labelling.errors import StepError
    from labelling.tasks.replay import replay as run
    from labelling.workspace import Workspace

    if (address := _endpoint(file)) is not None and not send:
        raise StepError(f"The texts would be sent to {address} to be embedded: say --send, if they may be.")
    workspace = Workspace()
    with ExitStack() as bars:
        told: dict[str, Any] = {}

        def progress(title: str, done: int, total: int) -> None:
            if title not in told:
                bars.close()
                told[title] = bars.enter_context(bar(title))
            told[title](done, total)

        found = run(workspace, file, encoder_with(workspace), owner=account, on_progress=progress)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False))
    else:
        _tell(found)
    return int(not found.equal)


def _as_json(found: Replayed) -> dict[str, Any]:
    return {
        "id": found.project.id,
        "equal": found.equal,
        "n_rows": found.n_rows,
        "differing": [{"row": row, "packed": then, "now": now} for row, then, now in found.differing],
        "not_made": found.not_made,
        "suggested": {name: {"same": same, "of": of} for name, (same, of) in found.suggested.items()},
        "versions": [{"name": name, "packed": then, "now": now} for name, then, now in found.versions],
    }


def _tell(found: Replayed) -> None:
    for name, why in found.not_made.items():
        click.echo(f"Not made anew: {name}. {why}", err=True)
    for name, (same, of) in found.suggested.items():
        click.echo(f"{name}: suggests the same label for {same:,} of {of:,} texts.")
    if found.versions:
        others = (f"{name} {now or 'not installed'} (packed with {then})" for name, then, now in found.versions)
        click.echo(f"Other versions: {', '.join(others)}.", err=True)
    if found.equal:
        click.echo(f"equal: all {found.n_rows:,} rows are labelled as in the pack. {found.project.id}")
        return
    click.echo(f"{len(found.differing):,} of {found.n_rows:,} rows differ. {found.project.id}")
    for row, then, now in found.differing[:DIFFERENCES]:
        click.echo(f"row {row:,}: {_shown(then)} in the pack, {_shown(now)} now")
    if len(found.differing) > DIFFERENCES:
        click.echo(f"... and {len(found.differing) - DIFFERENCES:,} more; --json lists all.")


def _shown(label: str | dict[str, int] | None) -> str:
    return "nothing" if label is None else json.dumps(label, ensure_ascii=False)


def _endpoint(file: Path) -> str | None:
    from labelling.tasks.unpack import asks_an_endpoint

    return asks_an_endpoint(file)


COMMANDS = (pack, unpack, replay)
