# SPDX-License-Identifier: Apache-2.0
# Two stages: the Debian package is built, then installed into a slim Debian.
#
#   docker build -t chancery .
#   docker run --rm -v chancery:/var/lib/chancery chancery \
#       chancery init --soft /var/lib/chancery --charter open --listen 0.0.0.0:8200
#   docker run -d -v chancery:/var/lib/chancery -p 8200:8200 chancery
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates dpkg-dev file
WORKDIR /src
COPY . .
RUN scripts/deps build && rm -rf build/release build/package && \
    cmake --preset release -DCHANCERY_TESTS=OFF && \
    cmake --build build/release --target chancery chanceryd chancery-server chancery-signer chancery-publisher man && \
    cd build/release && cpack -G DEB -B /package

FROM debian:12-slim
# The programs of the package, without its units; softhsm2 for software tokens. Another PKCS#11
# module comes with a volume or a stage of your own.
COPY --from=build /package/*.deb /tmp/
RUN apt-get update && \
    apt-get install -y --no-install-recommends /tmp/*.deb softhsm2 && \
    rm -rf /tmp/*.deb /var/lib/apt/lists/* /var/lib/chancery /etc/chancery && \
    useradd --system --home-dir /var/lib/chancery --shell /usr/sbin/nologin chancery && \
    install -d -o chancery -g chancery -m 700 /var/lib/chancery
# One user for all rooms: "chancery status" says single-user. Landlock and seccomp confine them.
USER chancery
ENV CHANCERY_HOME=/var/lib/chancery
VOLUME /var/lib/chancery
EXPOSE 8200
STOPSIGNAL SIGTERM
# Signatures are to be had: a sealed or halted signer is not healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["chancery", "status", "--ready"]
CMD ["chanceryd"]
