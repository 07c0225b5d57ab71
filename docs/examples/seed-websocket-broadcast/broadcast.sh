#!/bin/sh
# Broadcasts from outside, and asks who is registered under the channel.
#   sh broadcast.sh [channel]
set -eu
channel="${1:-public:lobby}"
admin="${FANFARE_ADMIN_URL:-http://127.0.0.1:9000}"

curl -sSf "$admin/v1/publish" \
  -H "Authorization: Bearer $FANFARE_ADMIN_KEY" -H "Content-Type: application/json" \
  -d "{\"channel\":\"$channel\",\"data\":\"hello by curl\"}"
echo
npx fanfare publish "$channel" '"hello by fanfare publish"'
curl -sSf "$admin/v1/channels/$channel/connections" -H "Authorization: Bearer $FANFARE_ADMIN_KEY"
echo
