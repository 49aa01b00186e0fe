# As the real image: a new folder gets the user, the password and the database of the environment.
set -e
data=/var/lib/postgresql/data
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
as() { setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp "$@"; }
mkdir -p "$data"
chown postgres "$data"
if [ ! -s "$data/PG_VERSION" ]; then
  as initdb -D "$data" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
  as pg_ctl -D "$data" -w -o "-c listen_addresses='' -k /tmp" start
  as createdb -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
  as pg_ctl -D "$data" -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D "$data" -c 'listen_addresses=*' -k /tmp
