# SPDX-License-Identifier: GPL-2.0-or-later

"""``python -m pymig``."""

import sys

from pymig.cli import main

sys.exit(main())
