#!/bin/sh
# Runs before the image's own entry point, which makes the roles at the first start alone: stopped in the middle of that,
# it would take the server for made the next time. One password for two roles would give the one the power of the other.
if [ "$SITE_PASSWORD" = "$OWNER_PASSWORD" ] || [ "$SITE_PASSWORD" = "$POSTGRES_PASSWORD" ] ||
    [ "$OWNER_PASSWORD" = "$POSTGRES_PASSWORD" ]; then
    echo "SITE_PASSWORD, OWNER_PASSWORD and SUPERUSER_PASSWORD have to be three different passwords. Nothing was started:" \
        "correct .env and start again." >&2
    exit 1
fi
exec docker-entrypoint.sh "$@"
