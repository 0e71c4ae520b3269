"""Give a project to an account: one made when nobody signed in, or by somebody who has left.

    python -m labelling.give                    lists the projects that have no owner
    python -m labelling.give PROJECT ACCOUNT    makes this account its owner: most often an e-mail address
    python -m labelling.give PROJECT --nobody   takes the owner off: it is seen where nobody signs in

For who runs the server: it reads CORRAL_WORKSPACE and CORRAL_DATABASE_URL as the app does, and asks nobody's leave.
"""

import argparse
import sys
from collections.abc import Sequence

from labelling.database import WorkspaceError
from labelling.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labelling.give", description="Give a project to an account.")
    parser.add_argument("project", nargs="?", help="the project's id, as in its address")
    parser.add_argument("account", nargs="?", help="the name under which the new owner signs in")
    parser.add_argument("--nobody", action="store_true", help="take the owner off")
    chosen = parser.parse_args(arguments)
    if chosen.project and bool(chosen.account) == chosen.nobody:
        parser.error("say to whom: an account, or --nobody")
    out = sys.stdout.write
    try:
        workspace = Workspace()
        if chosen.project is None:
            for info in workspace.projects():
                out(f"{info.id}  {info.created_at[:10]}  {info.n_rows:>9,} texts  {info.name}\n")
            return 0
        workspace.give(chosen.project, chosen.account)
    except WorkspaceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    out(f"{chosen.project} is {chosen.account or 'nobody'}'s now.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
