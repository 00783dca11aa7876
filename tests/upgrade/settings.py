"""The site's settings, with the migrations of one app from elsewhere: `LATER=transfers=tests.upgrade.later.good`."""

import os

from transfer_site.settings import *  # noqa: F403

later = os.environ.get("LATER", "")
MIGRATION_MODULES = dict([later.split("=")]) if later else {}
