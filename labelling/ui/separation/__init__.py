"""The page Separation."""
