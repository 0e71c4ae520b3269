"""Which rows: by a lasso, a filter, a search, their neighbours; and the words that set them apart."""
