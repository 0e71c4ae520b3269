"""The tables, the engine that reaches them, and the migrations that bring older ones up to date."""
