# shellcheck shell=bash
#: the house rules: format, lint, arrows between folders, sizes, exported symbols (--update-symbols renews the list)
need_build
need_check
exec tools/check.sh "$@"
