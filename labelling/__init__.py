"""Corral's library: texts to embeddings, maps, labels and tuned spaces, with or without the browser."""

import os

# Read by OpenMP when torch is first imported, here and in child processes. Threads that wait for each other actively,
# the default, starve each other as soon as something else is running: on two busy cores embedding took 5 to 10 times
# as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
