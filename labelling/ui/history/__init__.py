"""The page Check: what needs checking, and the history."""
