# shellcheck shell=bash
#: takes out one defense at a time and sees whether a test notices (some ten minutes)
need_build
need_test
tools/mutants.py "$@"
