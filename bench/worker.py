"""A worker process that runs a transfer exactly as a Celery worker does, or an export, and reports CPU time and memory.

It is started before the measurement, because in production the workers are already running, and begins its work when
it reads a line from standard input.
"""

import json
import sys
from dataclasses import replace
from typing import Any

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


def transfer(transfer_id: int) -> None:
    from transfers.engine.worker import work_on

    while work_on(transfer_id):
        pass


def export(person_id: int) -> None:
    from accounts.models import User
    from tenancy.context import all_tenants_context, tenant_context
    from transfers.results.exports import export_people

    with all_tenants_context():
        person = User.objects.get(pk=person_id)
    with tenant_context(person.tenant_id):
        for _ in export_people(by=person).csv():
            pass


def transfer_by_external_id(transfer_id: int) -> None:
    """Do the same with owners by external IDs, which the benchmark's users have: they are equal to their IDs."""
    from transfers import registry

    for module in registry.declarations():
        entries = getattr(module, "DATA_TYPES", [])
        entries[:] = [replace(entry, owners=tuple(map(by_external_id, entry.owners))) for entry in entries]
    for cached in (registry.data_types, registry.held_attributes, registry.looks_beyond_tenants):
        cached.cache_clear()
    transfer(transfer_id)


def by_external_id(owner: Any) -> Any:
    path = getattr(owner, "path", None)
    if path is not None:  # its fields are no arguments of its constructor
        return type(owner)(owner.field, *path, as_text=owner.as_text, holds="external_id")
    return replace(owner, holds="external_id") if owner.holds == "id" else owner


TASKS = {"transfer": transfer, "transfer_by_external_id": transfer_by_external_id, "export": export}


def peak() -> float:
    """Return the peak resident memory of this process in MB."""
    with open("/proc/self/status") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
