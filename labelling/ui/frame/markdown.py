"""Text that somebody typed or uploaded, for where Streamlit reads Markdown."""

import re

SPECIAL = re.escape(r"\`*_{}[]()<>#+-.!|~$:@&/=")
# What Streamlit looks for once more in text that has been read, so that no backslash helps: the first colon of an emoji
# or icon (:smile:, :material_home:), that of a web address, the @ of an e-mail address, the first w of www., and signs
# that stand alone and are drawn as others (->).
FOUND_LATER = r":(?=[\w+-]+:|//)|(?<=[\w.+-])@(?=[\w-])|[wW](?=[wW]{2}\.)|(?<!\S)(?:<->|->|<-|--|[><~]=)(?!\S)"
TO_ESCAPE = re.compile(rf"(?P<later>{FOUND_LATER})|[{SPECIAL}]|(?P<blank>^\s+)", re.MULTILINE)


def escape(text: str) -> str:
    """Text for a label that Streamlit reads as Markdown: every character that could mean something is escaped.

    Space round it, an indent and empty lines are left out: they would not be drawn, and could mean something.
    """
    return TO_ESCAPE.sub(_escaped, text.strip())


def _escaped(found: re.Match[str]) -> str:
    if found["blank"]:
        return ""
    if found["later"]:  # each character becomes a piece of text of its own, in a span without a style
        return "".join(rf":color[\{char}]{{}}" if not char.isalpha() else f":color[{char}]{{}}" for char in found[0])
    return "\\" + found[0]


def cut(text: str, length: int) -> str:
    """The beginning of a text that has more characters than that."""
    return text if len(text) <= length else text[:length].rstrip() + " …"
