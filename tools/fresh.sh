#!/usr/bin/env bash
# Makes a Debian bookworm in a folder of /var/tmp, clones HEAD into it and types what a newcomer types. Packages come from
# where this machine's apt takes them; nothing else of this machine is in there.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib.sh
. tools/lib.sh
[ "$(id -u)" -eq 0 ] || exec sudo "$0"

for line in './run demo' './run test'; do
	grep -qFx -e "$line" -e "    $line" README.md || die "README.md does not have the line '$line'"
done
mirrors=$(apt-get indextargets --format "\$(REPO_URI) \$(CODENAME)" "Created-By: Packages" | sort -u)
mirror=$(awk '$2 == "bookworm" { print $1; exit }' <<<"$mirrors")
[ -n "$mirror" ] || die "apt's configuration names no mirror of bookworm"

root=$(mktemp -d /var/tmp/tern-fresh.XXXXXX)
cleanup() {
	for mount in proc dev/pts dev/shm dev; do
		! mountpoint -q "$root/$mount" || umount "$root/$mount" || umount -l "$root/$mount"
	done
	# A mount that stayed must not be emptied.
	if grep -qF " $root/" /proc/mounts; then echo "fresh: still mounted: $root"; else rm -rf "$root"; fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say "a new Debian bookworm in $root"
timeout 900 debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$root.log" 2>&1 </dev/null ||
	{ tail -n 20 "$root.log"; die "debootstrap failed"; }
rm -f "$root.log"
while read -r uri codename; do
	echo "deb $uri $codename main"
done <<<"$mirrors" >"$root/etc/apt/sources.list"
apt-config dump Acquire >"$root/etc/apt/apt.conf.d/10host"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
[ ! -d /dev/pts ] || mount --bind /dev/pts "$root/dev/pts"
[ ! -d /dev/shm ] || mount --bind /dev/shm "$root/dev/shm"
git -c safe.directory="*" clone --quiet --no-hardlinks . "$root/srv/tern"

inside() { # COMMAND LINE: as a login without anything of ours but the fact that nobody is watching
	timeout --kill-after=10 1800 chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LANG=C.UTF-8 CI=true bash -c "cd /srv/tern && $1" </dev/null
}
say "./run demo"
if inside './run demo' >"$root/demo.log" 2>&1; then
	tail -n 15 "$root/demo.log"
	count 1 0 0 "fresh: ./run demo"
else
	tail -n 60 "$root/demo.log"
	count 0 1 0 "fresh: ./run demo"
fi
say "./run test"
status=0
inside './run test' 2>&1 | tee "$root/test.log" || status=$?
add_line "fresh: ./run test" $status "$(tail -n 1 "$root/test.log")"
say "total"
totals
