# The bot with its production requirements and nothing else. Settings come from the environment:
#   docker build -t parlance .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --env-file .env -e DATABASE_URL=sqlite:////data/parlance.sqlite3 -v parlance:/data parlance
FROM python:3.11.14-slim-trixie AS build
COPY requirements/prod.txt /build/prod.txt
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --require-hashes -r /build/prod.txt

FROM python:3.11.14-slim-trixie
RUN useradd --system --uid 10001 --home-dir /data --create-home parlance
COPY --from=build /venv /venv
WORKDIR /app
COPY bot bot
COPY cogs cogs
RUN /venv/bin/python -m compileall -q bot cogs
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/parlance.sqlite3 \
    HEALTH_PORT=8080
USER 10001
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-m", "bot.probe"]
CMD ["python", "-m", "bot", "run"]
