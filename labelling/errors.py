"""What can't be done, as a person is told it, and what nobody expected, as the server's log is told it."""

import logging

log = logging.getLogger("corral")


class CorralError(Exception):
    """A step that can't be taken: its message says to a person what was wrong and how to go on.

    All that Corral raises for a person are one, besides the kind of Python's own that each is. Whatever else is raised
    is a fault: it goes into the log, and no page shows its message.
    """


class StepError(CorralError, ValueError):
    """A step that can't be taken now; the message says why and what to do."""


def log_fault(error: BaseException, where: str) -> None:
    """Put a fault into the log with its traceback; `where` says in what page or job, and of which project."""
    log.error("A fault in %s", where, exc_info=error)
