#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

# These connect as the role that owns the tables (MIGRATION_DATABASE_URL), all others as the application.
OWNERS_COMMANDS = ("migrate", "seed_demo")

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")
    if sys.argv[1:2] and sys.argv[1] in OWNERS_COMMANDS:
        os.environ["AS_TABLE_OWNER"] = "1"
    execute_from_command_line(sys.argv)
