"""Describe the environment of a run: machine, software versions and PostgreSQL settings."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.server import Server

SHOWN = (
    *("shared_buffers", "work_mem", "max_wal_size", "fsync", "synchronous_commit", "full_page_writes"),
    *("random_page_cost", "jit", "autovacuum", "max_parallel_workers_per_gather"),
)


def describe(server: Server) -> dict[str, Any]:
    from transfers.registry import data_types

    with server.connect() as connection:
        settings = {name: row[0] for name in SHOWN if (row := connection.execute(f"SHOW {name}").fetchone())}
        server_version = connection.info.parameter_status("server_version")
    return {
        "machine": {
            "cores": os.cpu_count(),
            "processor": processor(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {
            "postgresql": server_version,
            "python": platform.python_version(),
            **{name: version(name) for name in ("django", "psycopg")},
        },
        "postgresql_settings": settings,
        "data_types": len(data_types()),
    }


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
