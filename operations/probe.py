"""`python -m operations.probe http://127.0.0.1:8000/health/ready`: ends with 0 when the answer is 200, else with 1.

For the health check of a container, which has no curl. The site answers to its own names only, so one of them is sent.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen


def is_well(address: str) -> bool:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".") or "localhost"
    try:
        with urlopen(Request(address, headers={"Host": host}), timeout=4) as answer:  # noqa: S310  # nosec B310  (named by us)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_well(sys.argv[1]))
