#!/usr/bin/env bash
# secrets.sh DIR: make the secrets of compose.yaml, one file each; those that are there are kept.
# The folder is yours alone; each file in it can be read by the account of the container it is mounted into.
set -euo pipefail
umask 077
folder=${1:?name a folder outside the checkout}
mkdir -p "$folder"
chmod 0700 "$folder"
make() {
  [ -e "$folder/$1" ] || (set -o noclobber && printf '%s' "$2" >"$folder/$1" && chmod 0444 "$folder/$1")
}
for name in airflow_session airflow_jwt airflow_password engine_token registry_password registry_superuser \
  spark_secret vault_password vault_superuser; do
  make "$name" "$(openssl rand -hex 32)"
done
make airflow_fernet "$(openssl rand 32 | openssl base64 -A | tr '+/' '-_')"
make airflow_database \
  "postgresql+psycopg://airflow:$(<"$folder/airflow_password")@registry-database/airflow"
make airflow_accounts "$(printf '{"engineer": "%s", "analyst": "%s", "dpo": "%s", "auditor": "%s"}' \
  "$(openssl rand -hex 12)" "$(openssl rand -hex 12)" "$(openssl rand -hex 12)" "$(openssl rand -hex 12)")"
echo "the secrets are in $folder; the passwords of the pages are in airflow_accounts" >&2
