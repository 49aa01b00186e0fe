# Debian's servers under the names that docker/compose*.yaml use, with as much of what the real images do as those files ask
# for. Only where no registry answers: see compose.mjs.
ARG BASE
FROM ${BASE} AS debian
RUN apt-get update

FROM debian AS postgres
RUN apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/postgresql/*
COPY stand-in.postgres.sh /start
ENTRYPOINT ["sh", "/start"]

FROM debian AS mysql
RUN apt-get install -y --no-install-recommends mariadb-server && rm -rf /var/lib/mysql/*
COPY stand-in.mysql.sh /start
ENTRYPOINT ["sh", "/start"]

FROM debian AS redis
RUN apt-get install -y --no-install-recommends redis-server
WORKDIR /data
# As in the real image: who reaches it may talk to it.
ENTRYPOINT ["sh", "-c", "exec \"$@\" --protected-mode no", "sh"]

FROM debian AS prometheus
RUN apt-get install -y --no-install-recommends prometheus
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
