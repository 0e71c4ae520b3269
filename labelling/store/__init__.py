"""Texts with their embeddings in a folder of Parquet shards, for more than one machine's memory or time.

<store>/store.json         the manifest: the encoder, the type of the numbers, the files and the shards made of them
<store>/shards/<file>-<first row>.parquet
                           consecutive rows of one file that have a text: file, row, key, text, vector
"""

from labelling.errors import CorralError


class StoreError(CorralError, ValueError):
    """A store can't be made, read or added to. The message says why, and how to go on."""
