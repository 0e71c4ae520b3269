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


def where_to_ask(
    settings: Mapping[str, Any], endpoints: Mapping[str, OperatedEndpoint], *, any_address: bool
) -> dict[str, Any]:
    """The address and the key that an endpoint's settings get: those that are bound, or what was typed, without a key.

    `endpoints` are those that are bound here, by name; with `any_address` one that was typed is asked as well. Raises
    EncoderError where the settings name another.
    """
    name, typed = settings.get("endpoint"), str(settings.get("base_url", ""))
    if name is None:  # an address that was typed: maybe before it was bound
        name = next((key for key, one in endpoints.items() if one.base_url.strip("/ ") == typed.strip("/ ")), None)
    if name is not None and name in endpoints:
        found = endpoints[name]
        return {"base_url": found.base_url, "key_variable": found.key_variable or "", "any_address": True}
    if name is not None or not any_address:
        what = typed if name is None else name
        raise EncoderError(
            f"the endpoint {what[:80]!r} is not set up on this server: whoever runs it binds endpoints in the file "
            f"that {VARIABLE} names"
        )
    return {"base_url": typed, "key_variable": "", "any_address": False}
