FROM python:3.11-slim AS build
COPY requirements/run.txt /build/run.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement /build/run.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home bot \
    && mkdir /data && chown 10001 /data
COPY --from=build /venv /venv
COPY bot /app/bot
# The bot keeps its files in ./data, which is the volume from here.
WORKDIR /
VOLUME /data
USER 10001
# Nothing is imported from the working folder.
ENV PATH="/venv/bin:$PATH" PYTHONPATH=/app PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "bot", "healthcheck"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot", "run"]
