"""``python -m pymig``."""

import sys

from pymig.cli import main

sys.exit(main())
