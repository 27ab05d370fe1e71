"""`python -m services.gateway`"""

import sys

from services.gateway.program import main

sys.exit(main())
