"""`python -m deploy.contracts`: writes contracts/ and the picture in docs/. Run it after any change of a schema."""

from __future__ import annotations

import sys

from deploy.contracts.files import generated, write

if __name__ == "__main__":
    for path in write(generated()):
        print(path)
    sys.exit(0)
