#!/bin/sh
# holder.sh DIR SEGMENT_BYTES CWD [[?]CGROUP…] -- COMMAND…: holds one worker, see README.md.
# It calls itself as holder.sh DIR --worker CWD [[?]CGROUP…] -- COMMAND… to become the worker.
umask 077
dir=$1

# "PID START BOOT" of this shell: what tells it from any later process of the same number.
identity() {
  if [ -r /proc/$$/stat ]; then
    IFS= read -r line </proc/$$/stat
    set -- ${line##*) }
    shift 19
    IFS= read -r boot </proc/sys/kernel/random/boot_id
    echo "$$ $1 $boot"
  else
    echo "$$ $(set -- $(ps -o lstart= -p $$); IFS=_; echo "$*") $(sysctl -n kern.bootsessionuuid)"
  fi
}

trouble() {
  echo "$1" >"$dir/trouble.tmp" && mv "$dir/trouble.tmp" "$dir/trouble"
  exit 1
}

if [ "$2" = --worker ]; then
  cwd=$3
  shift 3
  # Cut off = the agent died while it wrote: nothing is run.
  environment=$(cat <&3)
  exec 3<&-
  case $environment in *'#whole') ;; *) trouble 'the agent ended while it handed over the environment' ;; esac
  while [ "$1" != -- ]; do
    group=${1#\?}
    if ! { echo $$ >"$group/cgroup.procs"; } 2>/dev/null && [ "$group" = "$1" ]; then trouble "the cgroup $group could not be entered"; fi
    shift
  done
  shift
  cd "$cwd" 2>/dev/null || trouble "the working directory $cwd could not be entered"
  identity >"$dir/pid.tmp" && mv "$dir/pid.tmp" "$dir/pid" || exit 1
  unset OSTLER_HOLDER_SHELL OLDPWD
  umask 022
  eval "$environment"
  unset environment
  exec "$@"
fi

# A handler, not '': what is ignored would stay ignored in the worker.
trap : HUP INT TERM QUIT USR1 USR2 ALRM

exec 9<>"$dir/alive"
identity >"$dir/holder.$$" && ln "$dir/holder.$$" "$dir/holder" 2>/dev/null
claimed=$?
rm -f "$dir/holder.$$"
[ $claimed = 0 ] || exit 1

bytes=$2
shift 2
printf '%64s' '' >"$dir/exit.tmp"

# The read ends exist before the worker does, so that a worker of a few ms loses nothing; the write ends stay open until its end is recorded.
exec 7<>"$dir/out.p" 8<>"$dir/err.p" 5<"$dir/out.p" 6<"$dir/err.p" 4<>"$dir/draining"
(trap '' HUP INT TERM QUIT USR1 USR2 ALRM; exec split -b "$bytes" -a 6 - "$dir/out." <&5 3<&- 5<&- 6<&- 7>&- 8>&- 9>&-) >/dev/null 2>&1 &
(trap '' HUP INT TERM QUIT USR1 USR2 ALRM; exec split -b "$bytes" -a 6 - "$dir/err." <&6 3<&- 5<&- 6<&- 7>&- 8>&- 9>&-) >/dev/null 2>&1 &
exec 4>&- 5<&- 6<&-

$OSTLER_HOLDER_SHELL "$0" "$dir" --worker "$@" </dev/null 1<>"$dir/out.p" 2<>"$dir/err.p" 7>&- 8>&- 9>&-
code=$?
exec 3<&-
[ -e "$dir/pid" ] || exit 1
echo "$code" 1<>"$dir/exit.tmp" && mv "$dir/exit.tmp" "$dir/exit"
