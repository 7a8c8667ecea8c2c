# syntax=docker/dockerfile:1

# The wheel and everything it needs, so that nothing is fetched or compiled while the last stage is made.
FROM python:3.13-slim-trixie AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels .

# A dump is restored best by the tools of the server's own major version, and Debian has only one of them; the
# PostgreSQL project's package archive has all. This script of Debian's postgresql-common adds it with its key.
FROM python:3.13-slim-trixie AS archive
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && rm -rf /var/lib/apt/lists/*

FROM python:3.13-slim-trixie
COPY --from=archive /usr/share/postgresql-common/pgdg /usr/share/postgresql-common/pgdg
COPY --from=archive /etc/apt/sources.list.d/pgdg.sources /etc/apt/sources.list.d/pgdg.sources

# Versions are not pinned: archives keep only the newest minor release, which is the one to dump with.
# ssh-keygen checks the signature of an approval. The product itself dumps MongoDB through the
# driver; mongodump, which Debian does not offer at present, would be for a person who looks into a backup by hand.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates openssh-client \
        postgresql-client-14 postgresql-client-15 postgresql-client-16 postgresql-client-17 postgresql-client-18 \
    && if apt-cache show mongodb-database-tools >/dev/null 2>&1; then \
        apt-get install --yes --no-install-recommends mongodb-database-tools; \
    fi \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /project --shell /usr/sbin/nologin migration \
    && install --directory --owner migration --group migration --mode 0750 /project

RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

# The root file system may be read-only: the project with its migrations and state is the volume, and what is
# passing goes to /tmp, which is then a tmpfs.
ENV PYTHONDONTWRITEBYTECODE=1 TMPDIR=/tmp
USER 10001
WORKDIR /project
VOLUME ["/project"]
HEALTHCHECK --interval=60s --timeout=20s --start-period=10s CMD ["database-migration", "doctor", "--quiet"]
ENTRYPOINT ["database-migration"]
CMD ["serve"]
