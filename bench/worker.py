"""A worker process: drains a transfer exactly as a Celery worker does, and says how much memory it took.

Started ahead of the measurement (a worker is up already when work comes), it waits for a line on standard input.
"""

import json
import sys

import django


def main() -> None:
    django.setup()
    from django.db import connection

    task, argument = sys.argv[1:]
    connection.ensure_connection()
    work = TASKS[task]
    print("ready", flush=True)
    sys.stdin.readline()
    before = peak()
    work(int(argument))
    print(json.dumps({"peak_mb": peak(), "before_mb": before}), flush=True)


def drain(transfer_id: int) -> None:
    from transfers.engine.worker import work_on

    while work_on(transfer_id):
        pass


def export(person_id: int) -> None:
    from accounts.models import User
    from transfers.sheets import export_people

    for _ in export_people(by=User.objects.get(pk=person_id)):
        pass


TASKS = {"drain": drain, "export": export}


def peak() -> float:
    """The most memory this process ever held, in MB."""
    with open("/proc/self/status") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
