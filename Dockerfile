FROM python:3.14-slim AS build
COPY requirements/run.txt /build/run.txt
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-compile --only-binary :all: --require-hashes --requirement /build/run.txt
COPY bot /app/bot
# The clone's umask may have kept the files from the bot's user.
RUN chmod -R u=rwX,go=rX /app && python -m compileall -q --invalidation-mode unchecked-hash /app /venv

FROM python:3.14-slim
# The base comes without bytecode, and each health check would compile all the modules that it loads.
RUN useradd --uid 10001 --no-create-home bot \
    && install --directory --owner 10001 --mode 700 /data \
    && python -m compileall -q -x '/(site-packages|ensurepip|idlelib|pydoc_data|tkinter|turtledemo)/' "$(python -c 'import os; print(os.path.dirname(os.__file__))')"
COPY --from=build /venv /venv
COPY --from=build /app /app
# The bot keeps its files in ./data, which is the volume from here.
WORKDIR /
VOLUME /data
USER 10001
# Nothing is imported from the working folder.
ENV PATH="/venv/bin:$PATH" PYTHONPATH=/app PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# What the bot's texts tell the operator to run.
ENV BOT_START_COMMAND="docker compose up --detach"
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "bot", "healthcheck"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot", "run"]
