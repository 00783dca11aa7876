# One image for web server, workers, scheduler and migrations; the command selects which.
FROM python:3.11-slim AS build
WORKDIR /app
# saml: with SAML support (docs/sign-in.md).
ARG REQUIREMENTS=base
COPY requirements requirements
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/$REQUIREMENTS.txt
COPY . .
# The settings require a key and a database; collectstatic uses neither.
RUN SECRET_KEY=$(python -c "import secrets; print(secrets.token_urlsafe(50))") DATABASE_URL=postgresql:///none REDIS_URL=redis://none \
    STATIC_ROOT=/app/collected /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q /app/accounts /app/audit /app/demo /app/operations /app/records /app/spreadsheets /app/tenancy /app/transfer_site /app/transfers /app/web /app/wording

FROM python:3.11-slim
RUN groupadd --gid 10001 transfer \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin transfer \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    STATIC_ROOT=/app/collected \
    WEB_BIND=0.0.0.0:8000 \
    LOG_FORMAT=json
# Everything except /data and /tmp may be mounted read-only; no capabilities are needed.
USER 10001
EXPOSE 8000
CMD ["gunicorn"]
