# Build with uv, run without it: the image holds the locked packages, the members and nothing for development.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /src
COPY pyproject.toml uv.lock .python-version README.md ./
COPY platform platform
COPY migrations migrations
COPY modules modules
ENV UV_PROJECT_ENVIRONMENT=/opt/monocoque UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin monocoque
COPY --from=build /opt/monocoque /opt/monocoque
ENV PATH=/opt/monocoque/bin:$PATH PYTHONUNBUFFERED=1 MONOCOQUE_ENVIRONMENT=production MONOCOQUE_HOST=0.0.0.0
USER 10001
EXPOSE 8000
# exec form: the server is PID 1 and gets SIGTERM itself.
CMD ["monocoque", "serve"]
