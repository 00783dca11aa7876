"""`python -m transfer_site.run`, which is `make run`."""

import sys

from transfer_site.run.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
