# Icepack in a small Debian image. The build needs Debian and Swift packages, nothing else.
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libbrotli-dev liblz4-dev libpq-dev libsqlite3-dev libsnappy-dev libssl-dev libzstd-dev \
        pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY Tools Tools
COPY Benchmarks Benchmarks
# The Swift runtime goes into the executable, so that the image below needs no Swift.
RUN swift build --configuration release --product icepack --static-swift-stdlib \
    && install -D --strip .build/release/icepack /image/icepack

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libbrotli1 liblz4-1 libpq5 libsnappy1v5 libsqlite3-0 libssl3 libzstd1 \
        zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/icepack icepack \
    && install --directory --owner icepack --group icepack /var/lib/icepack
COPY --from=build /image/icepack /usr/local/bin/icepack
USER 10001:10001
# The embedded store's default, ./icepack-data, is below it.
WORKDIR /var/lib/icepack
EXPOSE 8000
# SIGTERM fails the running job in order, and releases its table.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/icepack"]
CMD ["serve"]
