"""The deployment files, read once."""

import re
from pathlib import Path

import yaml
from django.conf import settings as django_settings

ROOT = Path(django_settings.BASE_DIR)
COMPOSE, PRIVATE, FURTHER = (
    yaml.safe_load((ROOT / name).read_text())
    for name in ("compose.yaml", "compose.private.yaml", "compose.worker.yaml")
)
PARTS = ("web", "worker", "scheduler")
OURS = (*PARTS, "migrate")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def filled(text: str, given: dict[str, str]) -> str:
    """Substitute `${NAME:-default}` and `${NAME:?reason}` as compose does."""

    def value(match: "re.Match[str]") -> str:
        return given.get(match[1], (match[3] or "") if match[2] == ":-" else "")

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, text)
