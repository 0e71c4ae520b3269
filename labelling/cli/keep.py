"""`check` and `backup`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from labelling.cli.projects import JSON


@click.command()
@click.argument("project", metavar="[ID]", required=False)
@JSON
def check(project: str | None, as_json: bool) -> int:
    """Look whether a project, or the whole workspace, is whole. Exit status 1 where something is damaged or missing."""
    from labelling.readers.tables import count
    from labelling.workspace import Workspace
    from labelling.workspace.upkeep import check as run

    found = run(Workspace(), project)
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in found], indent=2))
        return bool(found)
    for problem in found:
        click.echo(f"{problem.project or 'workspace'}: {problem.what}. {problem.then}.")
    click.echo(f"{count(len(found), 'problem')} found.")
    return bool(found)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the workspace into a .zip, also while the app runs."""
    from labelling.readers.tables import count
    from labelling.workspace import Workspace
    from labelling.workspace.upkeep import backup as run

    click.echo(f"{count(run(Workspace(), file), 'project')} copied to {file}.")


COMMANDS = (check, backup)
