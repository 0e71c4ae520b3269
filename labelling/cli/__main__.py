"""`python -m labelling.cli`, where the `corral` command is not installed."""

import sys

from labelling.cli import main

sys.exit(main())
