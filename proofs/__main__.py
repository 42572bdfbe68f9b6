"""``python -m proofs``: print the ledger; exit status 0 only if every step holds."""

from __future__ import annotations

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
