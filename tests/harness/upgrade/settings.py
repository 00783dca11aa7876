"""The site's settings. If LATER is set, e.g. to `good`, the made-up migration of that name in `later/` is added."""

import os

from transfer_site.settings import *  # noqa: F403

if later := os.environ.get("LATER"):
    MIGRATION_MODULES = {"transfers": f"tests.harness.upgrade.later.{later}"}
