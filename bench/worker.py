"""A worker process: drains a transfer exactly as a Celery worker does, and says how much memory it took.

Started ahead of the measurement (a worker is up already when work comes), it waits for a line on standard input.
"""

import json
import sys

import django

from bench.cpu import Meter


def main() -> None:
    django.setup()
    from django.db import connection

    task, argument = sys.argv[1:]
    connection.ensure_connection()
    work = TASKS[task]
    print("ready", flush=True)
    sys.stdin.readline()
    before = peak()
    meter = Meter(connection.connection.info.backend_pid)
    work(int(argument))
    report = {"peak_mb": peak(), "before_mb": before, "cpu": meter.seconds}
    print(json.dumps(report), flush=True)


def drain(transfer_id: int) -> None:
    from transfers.engine.worker import work_on

    while work_on(transfer_id):
        pass


def export(person_id: int) -> None:
    from accounts import wall
    from accounts.models import User
    from transfers.sheets import export_people

    with wall.every_tenant():
        person = User.objects.get(pk=person_id)
    with wall.tenant(person.tenant_id):
        for _ in export_people(by=person):
            pass


TASKS = {"drain": drain, "export": export}


def peak() -> float:
    """The most memory this process ever held, in MB."""
    with open("/proc/self/status") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
