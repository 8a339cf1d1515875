# One image for any service of the shop:
#   docker build -f shop/docker/service.Dockerfile --build-arg SERVICE=user-service --build-arg PORT=3001 -t user-service .
#
# Three stages: dependencies are compiled once and kept as a layer, then the service, then an image that holds nothing but
# one static binary. `windlass image build` makes the same image without a daemon.

FROM rust:1.95-slim-bookworm AS builder
ARG SERVICE
# For example `postgres`, of user-service and order-service.
ARG FEATURES=""
WORKDIR /src
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# The cache of a mount is no part of any layer, so sources and intermediate files never reach a registry.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package "$SERVICE" --features "$FEATURES" --target "$(rustc -vV | sed -n 's/^host: //p')" \
    && cp target/*/release/"$SERVICE" /service

# Who runs it, and a folder that a volume is mounted over; an empty image has neither.
FROM debian:bookworm-slim AS base
RUN groupadd --gid 10001 service \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin service \
    && mkdir /data && chown 10001:10001 /data

FROM scratch AS runtime
ARG SERVICE
ARG PORT
COPY --from=base /etc/passwd /etc/group /etc/
COPY --from=base --chown=10001:10001 /data /data
COPY --from=builder --chown=0:0 --chmod=0555 /service /service
USER 10001:10001
ENV PORT=$PORT DATA_DIR=/data
EXPOSE $PORT
LABEL org.opencontainers.image.title=$SERVICE
# The binary asks itself: there is no shell and no curl in the image.
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["/service", "healthcheck"]
ENTRYPOINT ["/service"]
CMD ["serve"]
