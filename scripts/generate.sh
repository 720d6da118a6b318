#!/bin/sh
# Makes all generated code anew: protobuf, templ pages, the list of common passwords, and the console's assets.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .cache/bin
go build -o .cache/bin/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
find server -name '*.proto' | sort | while read -r proto; do
	protoc --plugin=.cache/bin/protoc-gen-go --go_out=. --go_opt=paths=source_relative "$proto"
	# The line that names the version of protoc would differ between releases of Debian.
	sed -i '/^\/\/ \tprotoc /d' "${proto%.proto}.pb.go"
done
go tool templ generate ./views
node scripts/passwords.mjs
node static/build.mjs
gofmt -w $(find views server -name '*_templ.go' -o -name '*.pb.go')
