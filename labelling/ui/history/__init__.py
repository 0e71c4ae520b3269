"""The page History, and the audit."""
