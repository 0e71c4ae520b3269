"""How much memory the child process that reads a file may take: a base, and room for what was counted so far.

A small file that unpacks to something large, in a way that nobody thought of, ends at the base. Linux holds to it;
elsewhere there is no such limit, and in other processes than the child there is none either.
"""

import contextlib
import sys

MB = 2**20
# Of it 150 MB are Python, pandas and pyarrow; 512 MB on top hold any file's pages, dictionaries and trees.
BASE = 660 * MB
# What nothing may exceed: the largest table that the limits in `tables` allow took 3 GB.
MOST = 6_000 * MB

_limited = False


def limit(n_seconds: int) -> None:
    """Put this process under its limits of memory and of processor time, from now on."""
    global _limited
    if not sys.platform.startswith("linux"):
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (n_seconds, n_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (BASE, MOST))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # If the machine runs out of memory, this one goes, not the server.
    _limited = True


def room_for(n_bytes: int) -> None:
    """Let the child take `n_bytes` above the base, because that much was counted and is allowed."""
    if _limited:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (min(BASE + n_bytes, MOST), MOST))
