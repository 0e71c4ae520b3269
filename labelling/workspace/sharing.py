"""Accounts, and which projects each may open."""

from sqlalchemy import ColumnElement, or_, select

from labelling.database.engine import WorkspaceError
from labelling.database.tables import members, projects

MAX_ACCOUNT = 1_000  # characters of an account's name: an e-mail address, or a subject and the address of its issuer


def as_account(name: str) -> str:
    """The name of an account as it is kept: an e-mail address in lower case. Raises WorkspaceError."""
    name = name.strip()
    if not name or len(name) > MAX_ACCOUNT or not name.isprintable():
        raise WorkspaceError("Type the name under which they sign in, most often their e-mail address.")
    # Not a subject, of which each case is another; nor beyond ASCII, where different addresses may have one lower case.
    return name.lower() if name.isascii() and " " not in name else name


def open_to(account: str | None) -> ColumnElement[bool]:
    """The projects that this account may open; those without an owner where nobody signs in."""
    if account is None:
        return projects.c.owner.is_(None)
    shared = select(members.c.project_id).where(members.c.who == account)
    return or_(projects.c.owner == account, projects.c.id.in_(shared))
