"""`python -m operations.monitoring.probe http://127.0.0.1:8000/health/ready`: exit with 0 if the response is 200.

Used for the health check of a container that has no curl. The `Host` header of the request is the first entry of
ALLOWED_HOSTS, because the site refuses hosts that are not listed.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen


def is_healthy(address: str) -> bool:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".") or "localhost"
    try:
        with urlopen(Request(address, headers={"Host": host}), timeout=4) as answer:  # noqa: S310  # nosec B310  (named by us)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1]))
