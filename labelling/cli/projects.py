"""`projects`, `rename`, `delete` and `give`."""

import json
from dataclasses import asdict

import click

JSON = click.option("--json", "as_json", is_flag=True, help="For another program: JSON.")
PROJECT = click.argument("project", metavar="ID")


@click.command()
@JSON
@click.pass_obj
def projects(account: str | None, as_json: bool) -> None:
    """List the projects, the newest first."""
    from labelling.workspace import Workspace

    workspace = Workspace()
    found = workspace.projects(account)
    labelled = {info.id: workspace.open(info.id, account).open_log().n_labelled for info in found}
    if as_json:
        click.echo(json.dumps([{**asdict(info), "n_labelled": labelled[info.id]} for info in found], indent=2))
        return
    for info in found:
        done = f"{labelled[info.id]:,} of {info.n_rows:,} labelled"
        click.echo(f"{info.id}  {info.created_at[:10]}  {done:>28}  {info.name}")
    if not found:
        click.echo(f"There are no projects in {workspace.folder}.", err=True)


@click.command()
@PROJECT
@click.argument("name")
@click.pass_obj
def rename(account: str | None, project: str, name: str) -> None:
    """Give a project another name."""
    from labelling.workspace import Workspace

    opened = Workspace().open(project, account)
    opened.rename(name)
    click.echo(f"{project} is called {opened.name!r} now.")


@click.command()
@PROJECT
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.pass_obj
def delete(account: str | None, project: str, yes: bool) -> None:
    """Delete a project: its texts, maps and labels, and the embeddings that no other project uses."""
    from labelling.workspace import Workspace

    workspace = Workspace()
    opened = workspace.open(project, account)
    what = f"{opened.name!r}, {opened.n_rows:,} texts, {opened.open_log().n_labelled:,} of them labelled"
    if not yes:
        click.confirm(f"Delete {what}? It can't be brought back", abort=True)
    workspace.delete(project, account)
    click.echo(f"Deleted: {what}.")


@click.command()
@PROJECT
@click.argument("account", metavar="[ACCOUNT]", required=False)
@click.option("--nobody", is_flag=True, help="Take the owner off: it is seen where nobody signs in.")
def give(project: str, account: str | None, nobody: bool) -> None:
    """Make an account the owner of a project.

    The account is the name under which somebody signs in, most often an e-mail address. For a project that was made
    when nobody signed in, or by somebody who has left.
    """
    from labelling.workspace import Workspace

    if bool(account) == nobody:
        raise click.UsageError("Say to whom: an account, or --nobody.")
    Workspace().give(project, account)
    click.echo(f"{project} is {account or 'nobody'}'s now.")


COMMANDS = (projects, rename, delete, give)
