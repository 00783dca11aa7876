"""The site's settings. If LATER is set, e.g. to `good`, they add that made-up migration from `later/`."""

import os

from transfer_site.settings import *  # noqa: F403

if later := os.environ.get("LATER"):
    MIGRATION_MODULES = {"transfers": f"tests.harness.upgrade.later.{later}"}
