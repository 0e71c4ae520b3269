"""Text that somebody typed or uploaded, for where Streamlit reads Markdown."""


def escape(text: str) -> str:
    """Text for a label that Streamlit reads as Markdown: every character that could mean something is escaped."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-.!|~$:@&" else char for char in text)
