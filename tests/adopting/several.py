"""Run commands of `manage.py` one after the other in one process, which starts once.

Argument: the words of each command, as JSON. Prints as JSON, for each command, its exit code and what it printed.
"""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from transfer_site.command_line import main


def run(words: list[str]) -> tuple[int, str]:
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed):
        code = main(["manage.py", *words])
    if isinstance(code, str):  # as sys.exit does
        return 1, f"{printed.getvalue()}{code}\n"
    return code or 0, printed.getvalue()


if __name__ == "__main__":
    json.dump([run(words) for words in json.loads(sys.argv[1])], sys.stdout)
