#!/usr/bin/env bash
# consumer_test.sh BUILD CMAKE CC: installs BUILD into an empty prefix and builds consumer.c against it in four ways.
set -euo pipefail
build=$1 cmake=$2 cc=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

prefix=$work/prefix
quietly() {
	"$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
quietly "$cmake" --install "$build" --prefix "$prefix"

try() { # NAME PROGRAM
	echo "$1: $(LD_LIBRARY_PATH=$libdir "$2")"
}

# Not through a pipe to grep -q: ldd would die of it now and then, and pipefail tell of that.
needs() { # PROGRAM LIBRARY
	local list
	list=$(ldd "$1") || exit 1
	[[ $list == *"$2"* ]]
}

libdir=$(dirname "$(find "$prefix" -name libtern.a)")
quietly "$cmake" -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc"
quietly "$cmake" --build "$work/cmake"
try "find_package, shared" "$work/cmake/shared"
try "find_package, static" "$work/cmake/static"

# The .pc file names the prefix it was configured for; a packager who moves it overrides the variable, and so do we.
if command -v pkg-config >/dev/null; then
	export PKG_CONFIG_PATH=$libdir/pkgconfig
	pc() { pkg-config --define-variable=prefix="$prefix" "$@" tern; }
	read -ra flags <<<"$(pc --cflags --libs)"
	"$cc" -o "$work/pc-shared" "$here/consumer.c" "${flags[@]}"
	try "pkg-config, shared" "$work/pc-shared"
	# Not --static: that would link libcrypto statically too, with libraries whose -dev packages may not be there.
	mapfile -t needed < <(pc --print-requires-private)
	private=$(sed -n 's/^Libs.private: *//p' "$libdir/pkgconfig/tern.pc")
	read -ra flags <<<"$(pc --cflags --libs) $(pkg-config --libs "${needed[@]%% *}" | tr '\n' ' ') $private"
	"$cc" -o "$work/pc-static" "$here/consumer.c" "${flags[@]/-ltern/$libdir/libtern.a}"
	try "pkg-config, static" "$work/pc-static"
	needs "$work/pc-static" libtern && { echo "the static program needs libtern.so"; exit 1; }
fi
needs "$work/cmake/shared" 'libtern.so.0 ' || { echo "the shared program does not use libtern.so.0"; exit 1; }
if [ -x "$build/tern" ]; then
	"$prefix"/bin/tern --version
fi
