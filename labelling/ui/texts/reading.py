"""The texts page's reading of what is uploaded or pasted: errors and ways round them, the sheet, the names' row."""

import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import streamlit as st

from labelling import readers
from labelling.readers import ReadError, ReadOptions, Table
from labelling.readers.tables import count
from labelling.tasks.packed import is_pack
from labelling.ui.frame import access, faults, page, state
from labelling.ui.frame.steps import step
from labelling.ui.texts import unpacking
from labelling.ui.texts.unpacking import Pack

PREVIEW_ROWS = 5
FILE, PASTED, HUB = "file", "pasted", "hub"
# A file that did not arrive is a red chip, and only its tooltip says why ("AxiosError: Network Error").
UPLOADER = """<style>
.stFileUploader:has(.stFileChip[aria-invalid]):not(:has(.stFileChip:not([aria-invalid])))::after {
  content: "This file did not reach the server, and nothing of it is loaded. Choose it again."; display: block;
  color: light-dark(#b3261e, #ff8a80); font-size: 0.875rem; margin-top: 0.4rem; }
</style>"""


@dataclass(frozen=True, eq=False)
class Found:
    """A table that was read, what to call the project made of it, and how to read it again in another way."""

    name: str
    table: Table
    read: Callable[[ReadOptions], Table]
    options: ReadOptions
    id: str = field(default_factory=lambda: uuid.uuid4().hex)  # stays when it is read again


@dataclass(frozen=True, eq=False)
class Problem:
    """What could not be read: a file or pasted text, or a table of before in another way."""

    of: str
    name: str
    read: Callable[[ReadOptions], Table]
    options: ReadOptions
    error: ReadError


@dataclass
class Upload:
    """The table or the pack that was read last, and what could not be read; the file that was read, by Streamlit's
    number of it; and how many uploaders of this tab lost their file to a server that was started anew."""

    found: Found | None = None
    pack: Pack | None = None
    problem: Problem | None = None
    file_id: str | None = None
    n_gone: int = 0


def read_file() -> None:
    """A file uploader; what was read before stays where the new file can't be read."""
    st.html(UPLOADER)
    # Every file is let through to the reader: it says more of a wrong one than the browser's filter would.
    # A new uploader, an empty one, takes the place of one whose file is gone: in that one a file can't be chosen twice.
    upload = state.of_tab(Upload)
    key = f"file {upload.n_gone}"
    file = st.file_uploader("CSV, TSV, TXT, JSONL, JSON, Parquet or Excel", key=key, type=None)
    if file is None and st.session_state[key] is not None:  # the browser names one that this server has never got
        upload.n_gone += 1
        st.rerun()
    # Not by on_change: a tab that was open while the server was started anew brings its file in its first run there,
    # when the server has not seen the widget yet and calls nothing.
    if file is not None and file.file_id != upload.file_id:
        with st.spinner("Reading the file …"):
            content = file.getvalue()
            if is_pack(io.BytesIO(content)):
                _take_pack(content, file.name)
            else:
                _take(FILE, file.name, partial(readers.read_table, content, file.name), ReadOptions())
            upload.file_id = file.file_id
    if file is None:
        _forget_problem(FILE)
        if upload.n_gone and upload.file_id is None:
            st.warning(
                "The server was started anew and no longer has this file: choose it again.",
                icon=":material/restart_alt:",
            )
    _show_problem(FILE)


def read_pasted() -> None:
    """A text area for texts, one a line, or for cells copied from a spreadsheet."""
    pasted = st.text_area("One text a line, or cells copied from a spreadsheet", key="pasted", height=140)
    if st.button("Read"):
        _take(PASTED, "Pasted texts", partial(readers.read_pasted, pasted), ReadOptions())
    _show_problem(PASTED)


def read_hub() -> None:
    """The id of a data set on the Hugging Face hub, and one of its splits."""
    left, right = st.columns([2, 1])
    named = left.text_input("Data set on the Hugging Face hub", key="hub", placeholder="owner/name")
    split = right.text_input("Split", key="split", placeholder="all")
    st.caption(
        "Its Parquet files are loaded from huggingface.co, and what was loaded is kept for the next time; no script is "
        "run. owner/name@revision is a revision of it, owner/name/folder a part."
    )
    if st.button("Load") and named.strip():
        # Where others use the server, what its own sign-in opens is not theirs to read.
        token = False if access.account() is not None or access.open_to_all() else None
        bar = st.progress(0.0, "Asking the hub …")

        def tell(done: int, total: int) -> None:
            said = f"Loading: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
            bar.progress(min(done / max(total, 1), 1.0), said)

        def read(_: ReadOptions) -> Table:
            return readers.read_hub(named, split.strip() or None, token=token, on_progress=tell)

        _take(HUB, named.strip().removeprefix("hf:"), read, ReadOptions())
        bar.empty()
    _show_problem(HUB)


def _take(of: str, name: str, read: Callable[[ReadOptions], Table], options: ReadOptions) -> None:
    upload = state.of_tab(Upload)
    upload.problem = None
    try:
        upload.found, upload.pack = Found(name, read(options), read, options), None
    except ReadError as error:
        upload.problem = Problem(of, name, read, options, error)
    except Exception as error:
        upload.problem = Problem(of, name, read, options, ReadError(faults.said(error)))


def _take_pack(content: bytes, name: str) -> None:
    upload = state.of_tab(Upload)
    upload.problem = None
    try:
        upload.found, upload.pack = None, unpacking.read(content)
    except Exception as error:
        read = partial(readers.read_table, content, name)
        upload.problem = Problem(FILE, name, read, ReadOptions(), ReadError(faults.said(error)))


def _forget_problem(of: str) -> None:
    upload = state.of_tab(Upload)
    if upload.problem is not None and upload.problem.of == of:
        upload.problem = None


def _show_problem(of: str) -> None:
    upload = state.of_tab(Upload)
    problem = upload.problem
    if problem is None or problem.of != of:
        return
    page.error(problem.error)
    if problem.error.lines:
        st.code("\n".join(problem.error.lines), language=None, wrap_lines=True)
    for number, offer in enumerate(problem.error.offers):
        st.button(
            page.escape(offer.said),
            key=f"offer {number}",
            on_click=step(_take),
            args=(of, problem.name, problem.read, offer.options),
        )
    if upload.found is not None:
        st.caption(f"Still loaded: {page.escape(upload.found.name)}, shown below.")


def preview(found: Found) -> Found:
    """The first rows as they were read, and where their names stand; the table as the person wants it read."""
    st.markdown(f"##### {page.escape(found.name)}")
    found = choose_reading(found)
    frame = found.table.frame
    shown = "" if len(frame) <= PREVIEW_ROWS else f"The first {PREVIEW_ROWS} of "
    st.caption(f"{shown}{count(len(frame), 'row')}, as read")
    st.dataframe(frame.head(PREVIEW_ROWS), hide_index=True, width="stretch")
    return found


def choose_reading(found: Found) -> Found:
    """The sheet of a workbook, and the row with the names of the columns; the table read so.

    What was read before stays where it can't be read so; the page says why.
    """
    table = found.table
    if len(table.sheets) < 2 and table.header is None:
        return found
    refused: list[ReadError] = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(table.sheets) > 1:
            first = table.sheets.index(table.sheet) if table.sheet in table.sheets else 0
            sheet = st.selectbox("Sheet", table.sheets, index=first, key=f"sheet of {found.id}", width=260)
            if sheet != table.sheet:
                found = _again(found, replace(found.options, sheet=sheet, header=None), refused)
        header = found.table.header
        if header is not None:
            key = f"{found.id} {found.table.sheet}"
            none = bool(st.session_state.get(f"no names of {key}", header == 0))
            row = st.number_input(
                "Names of the columns: in row",
                min_value=1,
                value=max(header, 1),
                step=1,
                key=f"names of {key}",
                disabled=none,
                width=220,
                help="Of the rows that have something in them, counted from 1. What is above it is left out.",
            )
            none = st.checkbox("there are none", value=header == 0, key=f"no names of {key}")
            chosen = 0 if none else int(row)
            if chosen != header:
                found = _again(found, replace(found.options, header=chosen), refused)
    for error in refused:
        page.error(error)
        st.caption("Still shown: the table as it was read before.")
    return found


def _again(found: Found, options: ReadOptions, refused: list[ReadError]) -> Found:
    """The table read with these options and kept; as it was where it can't be, with the error added to `refused`."""
    if options == found.options:
        return found
    upload = state.of_tab(Upload)
    problem = upload.problem
    if problem is not None and (problem.of, problem.options) == (found.id, options):  # not again at every click
        refused.append(problem.error)
        return found
    try:
        found = replace(found, table=found.read(options), options=options)
        upload.found = found
    except Exception as error:
        refusal = error if isinstance(error, ReadError) else ReadError(faults.said(error))
        upload.problem = Problem(found.id, found.name, found.read, options, refusal)
        refused.append(refusal)
    return found
