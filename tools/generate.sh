#!/bin/sh
# Makes src/qdrant/points/gen from proto/; the result is committed. Needs protoc (Debian: protobuf-compiler).
set -eu
cd "$(dirname "$0")/.."
protoc --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_out=src/qdrant/points/gen --es_opt=target=ts,import_extension=js -I proto proto/points.proto
