#!/bin/sh
# Makes what compose.yaml needs under deploy/secrets: passwords, keys, and a certificate for localhost. Runs once;
# what is there is kept.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
umask 077
random() { openssl rand -base64 "$1" | tr -d '\n'; }
make() { [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }
make database_password "$(openssl rand -hex 24)"
make redis_password "$(openssl rand -hex 24)"
make database_url "postgres://twofold:$(cat secrets/database_password)@postgres:5432/twofold"
make redis_url "redis://:$(cat secrets/redis_password)@redis:6379"
make encryption_keys "first:$(random 32)"
make cookie_keys "$(random 32)"
if [ ! -e secrets/clients.yaml ]; then
  sample_secret="$(openssl rand -hex 24)"
  cat > secrets/clients.yaml <<END
clients:
  - client_id: sample
    client_name: Sample relying party
    client_secret: $sample_secret
    redirect_uris: [http://localhost:3001/callback]
    post_logout_redirect_uris: [http://localhost:3001/]
    grant_types: [authorization_code, refresh_token]
END
  cat > secrets/relying-party.json <<END
{ "issuer": "https://localhost:8443", "client_id": "sample", "client_secret": "$sample_secret", "address": "http://localhost:3001" }
END
fi
if [ ! -e secrets/tls.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout secrets/tls.key -out secrets/tls.crt 2>/dev/null
fi
# The containers read their secrets as other users; the folder itself stays closed to other people of this machine.
chmod 700 secrets
chmod 644 secrets/*
