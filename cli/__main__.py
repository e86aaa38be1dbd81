"""`python -m attnzoo.cli`: the same as the command `attnzoo`."""

import sys

from .main import main

sys.exit(main())
