#!/bin/sh
# Checks format, vet, and the rules of imports_test.go.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
unformatted=$(find . -name '*.go' -not -path './node_modules/*' -not -path './.cache/*' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
	echo "lint: not formatted by gofmt:" >&2
	echo "$unformatted" >&2
	failed=1
fi
go vet ./... || failed=1
go vet -tags failpoint ./server/... || failed=1
go test -count=1 . || failed=1
if [ -x node_modules/.bin/tsc ]; then
	node_modules/.bin/tsc --noEmit -p static/tsconfig.json || failed=1
else
	echo "lint: the types of static/src were not checked, as node modules are not installed (make generate installs them)"
fi
exit $failed
