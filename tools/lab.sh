#!/usr/bin/env bash
# The interop lab: Debian sid in a folder, made once, for its newer libcrypto and peers. Builds this checkout in there and runs
# its tests and both tables of foreign peers. Packages come from where this machine's apt takes them.
#
# lab.sh [--make | --shell | INTEROP OPTION...]: --make only makes the folder, --shell opens a shell in it; the options go to
# interop.py and then nothing else is run. TERN_LAB is the folder, /var/tmp/tern-lab if not set; remove it to have it made anew.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib.sh
. tools/lib.sh
[ "$(id -u)" -eq 0 ] || exec sudo --preserve-env=TERN_LAB "$0" "$@"

LAB=${TERN_LAB:-/var/tmp/tern-lab}
PACKAGES=(
	ca-certificates gcc libc6-dev make cmake ninja-build pkgconf python3 libssl-dev zlib1g-dev libzstd-dev openssl
	libipsec-mb-dev libpcap-dev libcmocka-dev libsrtp2-dev libusrsctp-dev
	libwolfssl-dev gnutls-bin libgnutls28-dev libmbedtls-dev libnss3-dev libnss3-tools
	golang-go golang-github-pion-dtls-v3-dev tcpdump
)
[[ $LAB == /?* && $LAB != *[[:space:]]* ]] || die "TERN_LAB must be an absolute path without blanks"

unmount() {
	local mount
	for mount in proc dev/pts dev/shm dev; do
		! mountpoint -q "$LAB/$mount" || umount "$LAB/$mount" || umount -l "$LAB/$mount"
	done
}

mount_in() {
	mkdir -p "$LAB/srv/tern"
	mount -t proc proc "$LAB/proc"
	mount --bind /dev "$LAB/dev"
	[ ! -d /dev/pts ] || mount --bind /dev/pts "$LAB/dev/pts"
	[ ! -d /dev/shm ] || mount --bind /dev/shm "$LAB/dev/shm"
}

# In the lab's copy of the checkout, with nothing of this machine's environment.
INSIDE=(chroot "$LAB" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
	DEBIAN_FRONTEND=noninteractive sh -c 'cd /srv/tern && exec "$@"' sh)

inside() { # SECONDS COMMAND...
	timeout --kill-after=10 "$1" "${INSIDE[@]}" "${@:2}" </dev/null
}

# The mirror of Debian itself: the repository that has the release this machine runs.
mirror() {
	local codename
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt-get indextargets --format "\$(REPO_URI) \$(CODENAME)" "Created-By: Packages" |
		awk -v codename="$codename" '$2 == codename { print $1; exit }'
}

reachable() { # MIRROR: apt can read sid's index there, with this machine's own configuration and without touching its lists
	local lists status=0
	lists=$(mktemp -d)
	mkdir -p "$lists/partial"
	echo "deb $1 sid main" >"$lists/sources.list"
	timeout 300 apt-get -q update -o Dir::Etc::SourceList="$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$lists" -o APT::Update::Error-Mode=any </dev/null >"$lists/log" 2>&1 || status=$?
	[ $status -eq 0 ] || tail -n 5 "$lists/log"
	rm -rf "$lists"
	return $status
}

skip() {
	echo "SKIPPED: the mirror of Debian sid cannot be reached, so nothing of the lab was run"
	count 0 0 1 "lab"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

make_lab() {
	local from
	from=$(mirror)
	[ -n "$from" ] || die "apt's configuration names no mirror of this machine's Debian"
	reachable "$from" || skip
	say "Debian sid in $LAB (about 90 s and 1.5 GB, once)"
	[ -z "$(ls -A "$LAB" 2>/dev/null)" ] || [ -f "$LAB/.tern-lab-begun" ] || die "$LAB has something else in it"
	! grep -qF " $LAB/" /proc/mounts || die "something is mounted in $LAB"
	rm -rf --one-file-system "$LAB"
	mkdir -p "$LAB"
	touch "$LAB/.tern-lab-begun"
	timeout 900 debootstrap --variant=minbase sid "$LAB" "$from" >"$LAB.log" 2>&1 </dev/null ||
		{ tail -n 20 "$LAB.log"; die "debootstrap failed"; }
	rm -f "$LAB.log"
	echo "deb $from sid main" >"$LAB/etc/apt/sources.list"
	apt-config dump Acquire >"$LAB/etc/apt/apt.conf.d/10host"
	touch "$LAB/.tern-lab"
}

install_missing() {
	local missing
	# shellcheck disable=SC2016 # for the shell in there
	missing=$(inside 60 sh -c 'for p; do dpkg-query -W -f "\${db:Status-Status}" "$p" 2>/dev/null | grep -qx installed || echo "$p"; done' \
		sh "${PACKAGES[@]}")
	[ -n "$missing" ] || return 0
	say "packages of the lab"
	cp /etc/resolv.conf /etc/hosts "$LAB/etc/"
	inside 300 apt-get -q update >"$LAB/apt.log" 2>&1 || { tail -n 5 "$LAB/apt.log"; skip; }
	# shellcheck disable=SC2086 # one package a word
	inside 900 apt-get -q install -y --no-install-recommends $missing >"$LAB/apt.log" 2>&1 ||
		{ tail -n 20 "$LAB/apt.log"; die "the lab's packages cannot be installed"; }
}

# What git knows and what it does not ignore, as it lies here. The build folder in there stays, and so does the time of each
# file that is the same, whichever checkout it came from: a second run is quick, and never stale.
copy_checkout() {
	local old=$LAB/srv/tern new=$LAB/srv/new file
	rm -rf "$new"
	mkdir -p "$new"
	git -c safe.directory="*" ls-files -z --cached --others --exclude-standard |
		tar --create --null --files-from=- --ignore-failed-read 2>/dev/null | tar --extract --touch --no-same-owner -C "$new"
	while IFS= read -r -d '' file; do
		! cmp -s "$new/$file" "$old/$file" || touch --reference="$old/$file" "$new/$file"
	done < <(cd "$new" && find . -type f -print0)
	find "$old" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	find "$new" -mindepth 1 -maxdepth 1 -exec mv -t "$old" {} +
	rmdir "$new"
}

print_versions() {
	# shellcheck disable=SC2016 # for dpkg-query
	inside 60 dpkg-query -W -f '${Package} ${Version}\n' gcc libc6 libssl-dev libipsec-mb-dev libwolfssl-dev libgnutls28-dev libmbedtls-dev \
		libnss3 golang-github-pion-dtls-v3-dev golang-go
}

exec 9>"$LAB.lock"
flock --nonblock 9 || die "$LAB is in use by another run"
unmount
trap unmount EXIT
trap 'exit 1' INT TERM
if [ ! -f "$LAB/.tern-lab" ]; then make_lab; fi
mount_in
install_missing
[ "${1:-}" != --make ] || exit 0

say "Tern in Debian sid"
print_versions
copy_checkout
step 600 "build in the lab" "${INSIDE[@]}" tools/build-tree.sh build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WERROR=ON -DTERN_INTEROP=ON

if [ "${1:-}" = --shell ]; then
	"${INSIDE[@]}" bash
	exit
fi
if [ $# -gt 0 ]; then
	inside 1500 python3 tests/interop/interop.py --tern build/tern "$@"
	exit
fi
say "the suite"
step_counted 900 "suite in the lab" "${INSIDE[@]}" tools/ctest-line.sh build
for version in 1.2 1.3; do
	say "foreign peers of DTLS $version"
	step_counted 900 "interop $version in the lab" "${INSIDE[@]}" python3 tests/interop/interop.py --tern build/tern --dtls $version
done
say "early data with NSS"
step_counted 120 "early data in the lab" "${INSIDE[@]}" python3 tests/interop/early.py --tern build/tern
say "pion, by its tutorial"
step_counted 300 "pion in the lab" "${INSIDE[@]}" python3 tests/interop/pion.py --tern build/tern
if command -v chromium >/dev/null && command -v firefox-esr >/dev/null; then
	say "this machine's browsers, with the lab's libcrypto: post-quantum groups"
	step_counted 480 "browsers with the lab" python3 tests/browsers/browsers.py --group X25519MLKEM768 --logs out/browsers-lab \
		--echo "chroot $LAB /srv/tern/build/examples/webrtc/webrtc-echo" --tern "chroot $LAB /srv/tern/build/tern"
else
	echo "SKIPPED: ./run browsers installs what the lab needs here"
	count 0 0 1 "browsers with the lab"
fi
say "total"
totals
