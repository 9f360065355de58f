FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN release/build

FROM debian:bookworm-slim
COPY --from=build /src/target/shipped/tollgate /usr/local/bin/tollgate
# An empty folder of keys, to mount another one over.
WORKDIR /etc/tollgate/keys.d
COPY config/container.toml /etc/tollgate/tollgate.toml
WORKDIR /
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["tollgate", "health", "--config", "/etc/tollgate/tollgate.toml"]
ENTRYPOINT ["tollgate"]
CMD ["run", "--config", "/etc/tollgate/tollgate.toml"]
