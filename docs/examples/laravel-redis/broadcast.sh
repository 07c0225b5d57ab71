#!/bin/sh
# What Laravel's redis broadcaster sends for `broadcast(new OrderShipped($order))` on the channel public:orders.
#   sh broadcast.sh [redis-cli arguments]
set -eu
redis-cli "$@" publish laravel_database_public:orders \
  '{"event":"App\\Events\\OrderShipped","data":{"order":42},"socket":null}'
