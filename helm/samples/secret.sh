#!/bin/sh
# Makes the Secret that the chart expects, from what you give; keys are made here and shown to nobody.
# Usage: sh secret.sh NAMESPACE 'postgres://…' 'redis://…'
set -eu
kubectl create secret generic twofold --namespace "$1" \
  --from-literal=database-url="$2" --from-literal=redis-url="$3" \
  --from-literal=encryption-keys="first:$(openssl rand -base64 32)" \
  --from-literal=cookie-keys="$(openssl rand -base64 32)"
