# As the real image: a new folder gets the user, the password and the database of the environment.
set -e
data=/var/lib/mysql
chown mysql "$data"
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --user=mysql --datadir="$data" --skip-test-db > /dev/null
  password=$(cat "$MYSQL_PASSWORD_FILE")
  printf '%s\n' 'FLUSH PRIVILEGES;' "CREATE DATABASE $MYSQL_DATABASE;" \
    "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$password';" \
    "GRANT ALL ON $MYSQL_DATABASE.* TO '$MYSQL_USER'@'%';" |
    mariadbd --user=mysql --datadir="$data" --bootstrap
fi
exec mariadbd --user=mysql --datadir="$data" --bind-address=0.0.0.0 --skip-name-resolve --socket=/tmp/mysql.sock --pid-file=/tmp/mysql.pid
