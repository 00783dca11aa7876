"""The site's settings, with an additional made-up migration of transfers: `LATER=good`."""

import os

from transfer_site.settings import *  # noqa: F403

if later := os.environ.get("LATER"):
    MIGRATION_MODULES = {"transfers": f"tests.harness.upgrade.later.{later}"}
