#!/bin/sh
# A stand-in for xl: domains are files beside it, one line each as `xl list` prints it.
# Migration is real as far as it goes: the name travels through the command given with -s.
here=$(dirname "$(readlink -f "$0")")
domains=$here/domains
mkdir -p "$domains"
next() { n=$(cat "$here/next" 2>/dev/null || echo 1); echo $((n + 1)) >"$here/next"; echo "$n"; }
put() { printf '%-40s %5d %5d %5d     %s %8.1f\n' "$1" "$2" "$3" "$4" "$5" "$6" >"$domains/$1"; }
[ "$1" = shutdown ] && name=$3 || name=$2
case $1 in
  destroy | shutdown | reboot | mem-set)
    [ -e "$domains/$name" ] || { echo "$name is an invalid domain identifier" >&2; exit 2; } ;;
esac
case $1 in
  help) echo 'Usage xl [-v] <subcommand> [args]' ;;
  info) cat "$here/info" ;;
  list)
    echo 'Name                                        ID   Mem VCPUs      State   Time(s)'
    echo 'Domain-0                                     0  1023     1     r----- 154706.1'
    cat "$domains"/* 2>/dev/null || : ;;
  create)
    state=-b----
    [ "$2" = -p ] && { state=--p---; shift; }
    grep -q '^kernel\|^bootloader' "$2" || { echo 'xc: error: no kernel' >&2; exit 3; }
    name=$(sed -n "s/^name = '\(.*\)'/\1/p" "$2")
    put "$name" "$(next)" "$(sed -n 's/^memory = //p' "$2")" "$(sed -n 's/^vcpus = //p' "$2")" $state 0.5 ;;
  destroy) rm "$domains/$2" ;;
  shutdown) [ -e "$here/deaf" ] && sleep 60; sed -i 's/-b----/---s--/' "$domains/$3" ;;
  reboot) set -- $(cat "$domains/$2"); put "$1" "$(next)" "$3" "$4" "$5" 0.0 ;;
  mem-set) mib=$3; set -- $(cat "$domains/$2"); put "$1" "$2" "$mib" "$4" "$5" "$6" ;;
  rename) mv "$domains/$2" "$domains/$3"; sed -i "s/^$2 /$3 /" "$domains/$3" ;;
  migrate) # -s COMMAND -C CONFIG NAME HOST
    mv "$domains/$6" "$domains/$6--migratedaway"; sed -i "s/^$6 /$6--migratedaway /" "$domains/$6--migratedaway"
    [ -e "$here/slow" ] && sleep 60
    sed "s/--migratedaway//" "$domains/$6--migratedaway" | sh -c "$3 $7 xl migrate-receive" || exit 4
    rm "$domains/$6--migratedaway" ;;
  migrate-receive) read -r name id rest; echo "$name $(next) $rest" >"$domains/$name" ;;
  *) exit 1 ;;
esac
