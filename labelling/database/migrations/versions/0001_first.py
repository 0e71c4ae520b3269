"""The schema of Corral 0.1 to 0.3, which those versions made themselves."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: a database of this version is there, or a newer one is made at once."""
