#!/usr/bin/env bash
# Runs once in a new PostgreSQL: a role and a database for each `role:secret` of $LIVINGLAB_DATABASES.
set -euo pipefail
for pair in $LIVINGLAB_DATABASES; do
  role=${pair%%:*} password=$(<"/run/secrets/${pair##*:}")
  export role password
  psql --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\getenv role role
\getenv password password
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
