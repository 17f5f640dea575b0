# shellcheck shell=bash
# What the commands of ./run share. Sourced with the repository's root as working directory.

JOBS=$(nproc)
export DEBIAN_FRONTEND=noninteractive

say() {
	printf '\n== %s\n' "$*"
}

die() {
	echo "run: $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo DEBIAN_FRONTEND=noninteractive "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

apt() {
	as_root apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Installs the packages that are missing. Standard input: a line "PACKAGE WHY" for each.
need() {
	local package why missing=()
	command -v dpkg-query >/dev/null || { need_by_hand; return 0; }
	while read -r package why; do
		if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
			[ ${#missing[@]} -gt 0 ] || say "installing what is missing"
			printf '%-22s %s\n' "$package" "$why"
			missing+=("$package")
		fi
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	# A machine that has never updated its lists knows no candidate; one whose lists are old gets a 404.
	if apt install -y --no-install-recommends --dry-run "${missing[@]}" >/dev/null 2>&1 && install_packages "${missing[@]}"; then
		return 0
	fi
	apt update >/dev/null || die "apt-get update failed"
	install_packages "${missing[@]}" || die "could not install: ${missing[*]}"
}

install_packages() {
	local log status=0
	log=$(mktemp)
	apt install -y --no-install-recommends "$@" >"$log" 2>&1 || { status=1; tail -n 20 "$log"; }
	rm -f "$log"
	return $status
}

need_by_hand() {
	echo "run: this is not a Debian machine; please install the equivalents of these yourself:"
	cat
}

need_build() {
	need <<-'END'
		gcc         the C compiler
		libc6-dev   the C library's headers
		cmake       the build system
		ninja-build what CMake drives
		libssl-dev  libcrypto, which Tern takes its cryptography from
	END
}

# Of what Debian has on amd64 alone.
need_ipsecmb() {
	[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || return 0
	need <<-'END'
		libipsec-mb-dev seals and opens records faster; may be missing
	END
}

need_clang() {
	need <<-'END'
		clang           the second compiler, and libFuzzer
		libclang-rt-dev clang's sanitizers
	END
}

need_webrtc() {
	need <<-'END'
		pkg-config       finds the two libraries
		libsrtp2-dev     what DTLS keys in WebRTC
		libusrsctp-dev   data channels
	END
}

need_test() {
	need_clang
	need_ipsecmb
	need <<-'END'
		libcmocka-dev   unit tests
		pkg-config      finds cmocka and the compressors; a test of the installed library
		libpcap-dev     reads captures; may be missing
		zlib1g-dev      compresses certificates; each of the three may be missing
		libbrotli-dev   compresses certificates
		libzstd-dev     compresses certificates
		valgrind        watches what is done with secrets
		python3         drives the interop tests
		openssl         a foreign peer, and the tests' certificates
		libgnutls28-dev a foreign peer
		libmbedtls-dev  a foreign peer
		libwolfssl-dev  a foreign peer
		tshark          decodes a capture with our key log
		tcpdump         makes that capture
	END
}

need_check() {
	need <<-'END'
		clang-format  the style
		clang-tidy    static analysis
		cppcheck      static analysis
		g++           the public headers compile as C++
		binutils      symbols of the library
		python3       the rules of the house
		shellcheck    the scripts
	END
}

# build DIR [CMAKE OPTION]...: a tree that exists keeps its generator; DIR/build.log has what the compiler said. TARGET: not all
# of it.
configure() {
	local dir=$1 generator=()
	shift
	[ -f "$dir/CMakeCache.txt" ] || ! command -v ninja >/dev/null || generator=(-G Ninja)
	cmake -S . -B "$dir" "${generator[@]}" "$@"
}

build() {
	local dir=$1 log=$1/build.log
	mkdir -p "$dir"
	if configure "$@" >"$log" 2>&1 && timeout 900 cmake --build "$dir" -j "$JOBS" ${TARGET:+--target "$TARGET"} >>"$log" 2>&1; then
		return 0
	fi
	grep -E -A12 'FAILED|error:|Error' "$log" | head -n 60 || tail -n 40 "$log"
	echo "the build in $dir failed; all of it: $log"
	return 1
}

# ---- counting: every step adds a line; totals prints the sum as the one line that CI reads

TALLY=()

count() { # PASSED FAILED SKIPPED WHAT
	TALLY+=("$*")
	printf '%s: %d passed, %d failed, %d skipped\n' "${*:4}" "$1" "$2" "$3"
}

# Runs a step that passes or fails as a whole, under a time limit.
step() { # SECONDS WHAT COMMAND...
	local limit=$1 what=$2 status=0
	shift 2
	timeout --kill-after=10 "$limit" "$@" </dev/null || status=$?
	[ $status -ne 124 ] && [ $status -ne 137 ] || echo "$what: stopped after $limit s"
	if [ $status -eq 0 ]; then count 1 0 0 "$what"; else count 0 1 0 "$what"; fi
}

# Runs a step that ends with its own line "N passed, N failed, N skipped" and adds it.
step_counted() { # SECONDS WHAT COMMAND...
	local limit=$1 what=$2 log status=0
	shift 2
	log=$(mktemp)
	timeout --kill-after=10 "$limit" "$@" </dev/null 2>&1 | tee "$log" || status=$?
	add_line "$what" "$status" "$(tail -n 1 "$log")"
	rm -f "$log"
}

add_line() { # WHAT STATUS LINE: a failure that the line does not tell counts as one
	if [[ $3 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		local failed=${BASH_REMATCH[2]}
		if [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; then
			failed=1
		fi
		count "${BASH_REMATCH[1]}" "$failed" "${BASH_REMATCH[3]}" "$1"
	else
		echo "$1: ended without its result (status $2)"
		count 0 1 0 "$1"
	fi
}

totals() {
	local line passed=0 failed=0 skipped=0 p f s what
	for line in "${TALLY[@]}"; do
		read -r p f s what <<<"$line"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		[ "$f" -eq 0 ] || echo "failed: $what"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed -eq 0 ] && [ $passed -gt 0 ]
}
