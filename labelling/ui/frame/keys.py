"""The keys of the keyboard, each defined once. Those of the map itself are taken by its script, map/shortcuts.js.

What a label's key may be stands in `labelling.labels.label.KEYS`: what no other step of the label page has.
"""

from string import ascii_lowercase, digits

from labelling.labels.label import Label

UNDO, REDO = "Ctrl+Z", "Ctrl+Shift+Z"
GROW, SHRINK, DROP_STRAYS = "G", "S", "D"
INVERT, UNLABELLED, BACK, DESELECT = "I", "U", "B", "Escape"
MORE_LIKE_IT, TAKE_OUT = "T", "X"
SELECT_FOUND, CHECK, NO_CHECK = "M", "V", "Shift+V"
ACCEPT = "Enter"  # what is suggested for the selection
NEXT_PAGE, LAST_PAGE = "J", "K"
YES, NO, UNLABEL = "Y", "O", "0"
WHAT_NEXT, MIXED, SPLIT = "Q", "X", "P"  # a proposal; NEXT_PAGE passes it over, ACCEPT accepts it, DESELECT ends
# While texts are checked one by one; the labels' keys and those above mean nothing then.
ALL_BELONG, KEEP, DONE = "A", "Enter", "Escape"
# Of the map's script.
SEARCH, NEW_LABEL, WORDS, TO_SELECTION, SHOW_ALL, HELP = "/", "N", "W", "F", "H", "?"
NEARER, FARTHER = "+", "-"
MORE_LABELS = "."  # then the two keys of `code_of`

CODES = [
    first + second
    for firsts, seconds in ((digits, digits), (ascii_lowercase, digits), (ascii_lowercase, ascii_lowercase))
    for first in firsts
    for second in seconds
]


def code_of(label: Label, *, digits_are_taken: bool = False) -> str | None:
    """The two keys that give a label without a key of its own, after MORE_LABELS: the tenth by "10", for good.

    Where `digits_are_taken` by something else every label is given by two keys: what has the key 3 by "03".
    """
    if label.key is not None and not digits_are_taken:
        return None
    if label.key is not None and label.key in digits:
        return f"0{label.key}"
    number = label.id + 1
    if number >= len(CODES) - 9:
        return None
    return CODES[number if number > 9 else -number]  # "01" to "09" are those of the keys 1 to 9


# What the page's "?" and the README show.
TABLE = (
    ("drag", "a lasso; shift adds, alt takes away, both keep what is in both"),
    (
        "click",
        "pins a text: whole, with its columns; in the list the first marks it, shift all up to it, Ctrl it too",
    ),
    ("click again", f"unpins it; so does {DESELECT}, and a selection that it is not in"),
    ("up, down", "in the list of texts: mark the next, with shift one more"),
    ("marked texts", f"a label's key, chip or name, or {UNLABEL}, is for them alone; {YES} says that theirs is right"),
    (TAKE_OUT, "takes out of the selection what is marked, else the text under the pointer"),
    (MORE_LIKE_IT, "looks for more like the pinned text"),
    (SEARCH, f"search; {SELECT_FOUND} selects what was found, and after a label the next that are like it"),
    (f"{NEW_LABEL}, 1 to 9, {UNLABEL}", "a new label, the labels, unlabel"),
    (
        f"{MORE_LABELS} and two more",
        "the labels without a key of their own, as on their chips; where digits answer, 3 is . 0 3",
    ),
    ("Ctrl, shift, alt + click", "on a label beside the map: selects its points, adds them, hides or shows them"),
    (f"{YES}, {NO}, {UNLABEL}", "yes, no, unknown for the label in focus, where each label is asked on its own"),
    (f"{GROW}, {SHRINK}", "grow the selection to the nearest texts in the full space, shrink it to its core"),
    (DROP_STRAYS, "drop the strays: they lie here on the map, but their neighbours in the full space lie elsewhere"),
    (INVERT, "select all else that is shown"),
    (UNLABELLED, "keep what is unlabelled of the selection; where none is: all that is shown and unlabelled"),
    (f"{BACK}, {DESELECT}", "the selection before, none"),
    (f"{NEXT_PAGE}, {LAST_PAGE}", "the next and the last texts to read: a screenful, then a page"),
    (
        CHECK,
        f"check: read some of what was labelled last, drawn at random; 1 to 9, {ALL_BELONG}, {KEEP} "
        f"answer, a label's two keys after {MORE_LABELS} say the right one",
    ),
    (NO_CHECK, "no check is asked for during the next hour"),
    (ACCEPT, "accept what is suggested for the selection"),
    (
        WHAT_NEXT,
        f"what next: a proposal; 1 to 9 and 0 mark what does not belong, {ACCEPT} accepts, {MIXED} says that it is "
        f"mixed, {SPLIT} shows its parts, {NEXT_PAGE} passes it over",
    ),
    (WORDS, "hide the words on the map, or show them; a click on one selects its region"),
    (f"{TO_SELECTION}, {SHOW_ALL}", "zoom to the selection, show all (also by double-click)"),
    (
        f"wheel, {NEARER}, {FARTHER}, arrows",
        "zoom and move, up and down only where no text is listed or the map was reached by Tab; "
        "so do the middle button, and space and drag",
    ),
    (f"{UNDO}, {REDO}", "undo, redo"),
    (HELP, "these keys"),
)
