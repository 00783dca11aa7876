#!/usr/bin/env python
import os
import sys

from transfer_site.command_line import main

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")
    sys.exit(main(sys.argv))
