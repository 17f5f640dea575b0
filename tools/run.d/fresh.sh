# shellcheck shell=bash
#: the README's two commands, typed in a clone on a newly made Debian 12 (in a folder of /var/tmp; needs root)
need <<-'END'
	debootstrap makes the new Debian
	git         clones the repository into it
END
exec tools/fresh.sh
