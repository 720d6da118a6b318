#!/bin/sh
# Installs what a target of the Makefile needs and is missing, on Debian. Usage: setup.sh run|test|generate|e2e|sdk|torture ...
#
# As root, or where sudo asks for no password, packages are installed by apt-get. Elsewhere, and
# where apt-get fails, the script names what is missing. Only what nothing works without ends it
# with an error; the rest makes tests skip, which they say.
set -u
cd "$(dirname "$0")/.." || exit 1

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_install() {
	command -v apt-get >/dev/null 2>&1 || return 1
	[ "$(id -u)" = 0 ] && return 0
	command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

have() {
	command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

listed=
# install PROGRAM PACKAGES... makes sure that PROGRAM is there; returns 1 when it is not.
install() {
	program=$1
	shift
	have "$program" && return 0
	if can_install; then
		echo "setup: installing $* for $program"
		[ -n "$listed" ] || { as_root apt-get -qq update && listed=yes; }
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
		have "$program" && return 0
		echo "setup: *** apt-get could not install $program ($*)" >&2
	else
		echo "setup: *** $program is missing and this user may not install it: apt-get install $*" >&2
	fi
	return 1
}

# want is install for what one can do without; the sentence says what is lost.
want() {
	lost=$1
	shift
	install "$@" || echo "setup: *** $lost" >&2
}

need() {
	install "$@" || exit 1
}

modules() {
	[ -d node_modules ] && [ node_modules -nt package-lock.json ] && return 0
	echo "setup: installing node modules"
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules
}

go_is_new_enough() {
	go list -m >/dev/null 2>&1
}

if ! have go; then
	echo "setup: *** Go is missing: install the version that go.mod names, or a newer one" >&2
	exit 1
fi
# SQLite is compiled from C.
need gcc gcc libc6-dev
if ! go_is_new_enough; then
	go list -m >&2
	exit 1
fi

for target in "$@"; do
	case $target in
	run) ;;
	test)
		want "tests of the MySQL store will be skipped" mariadbd mariadb-server-core mariadb-client-core
		want "tests that trace system calls will be skipped" strace strace
		want "the test with the configuration files of real jars will be skipped" mvn maven
		;;
	torture)
		want "nodes will run without network namespaces, and no partition will be tested" ip iproute2
		want "nodes will run without network namespaces, and no partition will be tested" nsenter util-linux
		want "slow fsyncs will not be tested" strace strace
		;;
	generate)
		need protoc protobuf-compiler
		need node nodejs
		need npm npm
		modules || exit 1
		;;
	e2e)
		need curl curl ca-certificates
		want "browser tests will be skipped" chromium chromium fonts-wqy-zenhei
		if install node nodejs && install npm npm; then
			modules || echo "setup: *** node modules could not be installed: browser tests will be skipped" >&2
		else
			echo "setup: *** browser tests will be skipped" >&2
		fi
		;;
	sdk)
		for sdk in "python3 python3 python3-venv" "node nodejs" "npm npm" "javac default-jdk-headless" "mvn maven"; do
			# shellcheck disable=SC2086
			want "tests with the SDKs that need ${sdk%% *} will be skipped" $sdk
		done
		python3 -c 'import ensurepip' 2>/dev/null || { can_install && as_root apt-get -qq install -y python3-venv >/dev/null; }
		;;
	*)
		echo "setup: nothing is called $target; there are run, test, generate, e2e and sdk" >&2
		exit 2
		;;
	esac
done
