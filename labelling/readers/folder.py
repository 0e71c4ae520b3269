"""A folder on this machine, as the command takes it: the files in it that hold one table."""

import os
from collections import Counter
from pathlib import Path

from labelling.dataset import ReadError
from labelling.readers.packed import MAX_FILES, is_table, kind_of, tables_among
from labelling.readers.tables import count, listed


def files_in(folder: Path, max_bytes: int) -> list[tuple[str, bytes]]:
    """The files in a folder that hold its table, see `packed.tables_among`: each by its name in it, and what is in it.

    Hidden files and folders are passed over, links to folders are not followed. Raises ReadError where there is no
    table or several, where a link leads out of the folder, or the files have more than `max_bytes`.
    """
    names = sorted(_names(folder))
    tables = tables_among(names)
    if not tables:
        found = list(filter(is_table, names))
        kinds = Counter(kind_of(name) for name in found)
        holds = f"{count(len(names), 'file')}: {listed(names)}" if names else "no file"
        if len(kinds) > 1:
            said = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())
            holds = f"tables of several kinds ({said}): {listed(found)}"
        raise ReadError(
            f"The folder {folder.name!r} holds {holds}. It must hold one table, or the shards of one, such as "
            "train-00000-of-00002.parquet: name the file."
        )
    paths = [folder / name for name in tables]
    try:
        n_bytes = sum(path.stat().st_size for path in paths)
        if n_bytes > max_bytes:
            raise ReadError(
                f"The files in {folder.name!r} have {n_bytes / 1e6:,.1f} MB; up to {max_bytes / 1e6:,.1f} MB can be "
                "read. Name some of them alone, or keep only the columns you need."
            )
        return [(name, path.read_bytes()) for name, path in zip(tables, paths, strict=True)]
    except OSError as error:
        raise ReadError(f"The folder {folder.name!r} can't be read: {error.strerror or error}.") from None


def _names(folder: Path) -> list[str]:
    """The files in a folder and those below, by their names in it."""
    whole = folder.resolve()
    names: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in (*folders, *files):
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink() and not path.resolve().is_relative_to(whole):
                raise ReadError(
                    f"In the folder {folder.name!r}, {inside[-60:]!r} is a link that leads out of it: put the file "
                    "itself there, or take the link away."
                )
            if name in files and not name.startswith(".") and path.is_file():
                names.append(inside)
        if len(names) > MAX_FILES:
            raise ReadError(f"The folder {folder.name!r} holds more than {MAX_FILES:,} files: name the table in it.")
    return names
