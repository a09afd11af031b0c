"""The bench is a package of the repository's root, not a distribution: pytest has to be told where it is."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
