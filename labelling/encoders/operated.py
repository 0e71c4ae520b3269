"""The embeddings endpoints that whoever runs the server has bound, each with the key that goes to it alone."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelling.encoders import EncoderError
from labelling.encoders.endpoint import OPENAI, OPENAI_KEY_VARIABLE

VARIABLE = "CORRAL_ENDPOINTS"


@dataclass(frozen=True)
class OperatedEndpoint:
    """An endpoint by its name on the page; `key_variable` is that of the environment, None where it takes no key."""

    name: str
    base_url: str
    key_variable: str | None = None


# Where nobody else than the person at this machine reaches the server, the key of OpenAI is theirs.
OPENAI_ENDPOINT = OperatedEndpoint("OpenAI", OPENAI, OPENAI_KEY_VARIABLE)


def operated_endpoints() -> dict[str, OperatedEndpoint]:
    """The endpoints in the TOML file that CORRAL_ENDPOINTS names, by their names; none where it isn't set.

    A table each, called as the page shall call it: `base_url`, and `key_variable` where it takes a key. Raises
    EncoderError where the file can't be read or says something else.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return {}
    try:
        tables = tomllib.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"the file that {VARIABLE} names can't be read: {error}") from error
    return {name: _endpoint(name, table) for name, table in tables.items()}


def _endpoint(name: str, table: Any) -> OperatedEndpoint:
    known = isinstance(table, Mapping) and set(table) <= {"base_url", "key_variable"} and "base_url" in table
    if not known or not all(isinstance(value, str) for value in table.values()):
        raise EncoderError(
            f"[{name}] in the file that {VARIABLE} names must have a base_url, and a key_variable if it takes a key, "
            "both of them strings"
        )
    return OperatedEndpoint(name, **table)
