"""The site's settings, with one made-up migration of transfers beside the real ones: `LATER=good`."""

import os

from transfer_site.settings import *  # noqa: F403

if later := os.environ.get("LATER"):
    MIGRATION_MODULES = {"transfers": f"tests.upgrade.later.{later}"}
