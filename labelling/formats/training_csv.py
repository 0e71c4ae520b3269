"""CSV to train on with SetFit, scikit-learn and others: the labelled texts alone, ``text`` and ``label``.

UTF-8 without a byte order mark, every cell as it is, for a program is to learn from it: to look at it in a spreadsheet
take the CSV for Excel, which guards against formulas.
"""

import pandas as pd

from labelling.formats.delimited import to_csv
from labelling.formats.records import Records
from labelling.readers.exported import PREFIX


def to_training_csv(records: Records) -> bytes:
    """``text,label``; with yes, no and unknown a column ``label: <name>`` a label: 1, 0, or nothing for unknown."""
    known = [record for record in records if record.known]
    columns: dict[str, list[str | None]] = {"text": [record.text for record in known]}
    if records.multi_label:
        cats = [record.cats for record in known]
        for name in records.names:
            columns[f"{PREFIX}{name}"] = [str(found[name]) if name in found else None for found in cats]
    else:
        columns["label"] = [record.label for record in known]
    return to_csv(pd.DataFrame(columns, dtype="str"))
