#!/bin/sh
# Runs before the image's entry point, which creates the roles only at the first start: a failure during that would leave
# a server that looks complete. With the same password, one role could connect as another.
if [ "$SITE_PASSWORD" = "$OWNER_PASSWORD" ] || [ "$SITE_PASSWORD" = "$POSTGRES_PASSWORD" ] ||
    [ "$OWNER_PASSWORD" = "$POSTGRES_PASSWORD" ]; then
    echo "SITE_PASSWORD, OWNER_PASSWORD and SUPERUSER_PASSWORD must be three different passwords. Nothing was started:" \
        "fix .env and start again." >&2
    exit 1
fi
exec docker-entrypoint.sh "$@"
