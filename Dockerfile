FROM python:3.11-slim AS build
COPY requirements/run.txt /build/run.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement /build/run.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home bot
COPY --from=build /venv /venv
COPY bot /app/bot
WORKDIR /app
USER bot
ENV PATH="/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
CMD ["python", "-m", "bot", "run"]
