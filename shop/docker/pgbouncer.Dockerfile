# Connection pooling in front of PostgreSQL. Its configuration and users come from the chart.
#   docker build -f shop/docker/pgbouncer.Dockerfile -t pgbouncer:1.18.0 shop/docker

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer=1.18.0-1+b1 postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 service \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin service
USER 10001:10001
EXPOSE 6432
HEALTHCHECK --interval=10s --timeout=3s --start-period=3s --retries=3 \
  CMD ["pg_isready", "--host=127.0.0.1", "--port=6432"]
ENTRYPOINT ["/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
