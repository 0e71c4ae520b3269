"""fastText's supervised format: ``__label__name text``, a text a line.

See https://fasttext.cc/docs/en/supervised-tutorial.html. It is for training alone: there is no way to say no, nor
unlabelled. White space ends a label and a line feed a text, so in names it becomes ``-``, and in texts each line break
a space.
"""

import re

import pandas as pd

from labelling.formats.records import FormatError, Records

LABEL = "__label__"
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def to_fasttext(records: Records) -> bytes:
    """A line for each text that bears a label, with all that it bears.

    Raises FormatError where two labels would be written alike, or a text begins as a label does.
    """
    written = {name: re.sub(r"\s+", "-", name) for name in records.names}
    alike: dict[str, str] = {}
    for name, code in written.items():
        if code in alike:
            raise FormatError(
                f"The labels {alike[code][:40]!r} and {name[:40]!r} would both be {LABEL}{code[:40]} in fastText, "
                "whose labels hold no white space. Rename one of them on the page Labels, or choose another format."
            )
        alike[code] = name
    lines = []
    for record in records:
        if not record.yes:
            continue
        text = _BREAKS.sub(" ", record.text)
        if text.lstrip().startswith(LABEL):
            raise FormatError(
                f"The text of row {record.row + 1:,} begins with {LABEL}, which fastText would take for a label: "
                f"{text[:40]!r}. Leave the row out, or choose another format."
            )
        lines.append("".join(f"{LABEL}{written[name]} " for name in record.yes) + text + "\n")
    return "".join(lines).encode()


def read_fasttext(content: bytes) -> pd.DataFrame:
    """The lines as they stand in the file."""
    return pd.DataFrame({"line": content.decode().split("\n")[:-1]}, dtype="str")
