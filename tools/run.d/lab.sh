# shellcheck shell=bash
#: every test in Debian sid (made once, in a folder of /var/tmp; needs root), and its newer peers, of DTLS 1.3 too
need <<-'END'
	debootstrap makes the new Debian
	git         says what belongs to the checkout
END
exec tools/lab.sh "$@"
