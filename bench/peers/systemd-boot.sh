#!/bin/bash
# Boots the machine's own systemd as process 1 of namespaces of its own, on an overlay of / that vanishes with it: systemd-boot.sh DIR
# Inside, the folder of DIR is to be seen; units come from DIR/units and the journal lies in DIR/journal. Prints the pid of that systemd. Needs root.
set -u
dir=$1
tree=/sys/fs/cgroup
[ -d "$tree/unified" ] && tree=$tree/unified
group=$tree/$(basename "$(dirname "$dir")")-$(basename "$dir")
mkdir -p "$group" "$dir/root" "$dir/units" "$dir/journal"
echo "$group" >"$dir/cgroup"
# shellcheck disable=SC2016
setsid bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --fork --pid --mount --uts --ipc --net --cgroup --kill-child bash -ec "$3" boot "$2"' boot "$group" "$dir" '
dir=$1
mount --make-rprivate /
mount -t tmpfs tmpfs "$dir/root"
cd "$dir/root"
mkdir u w m
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/root/u,workdir=$dir/root/w" m
cd m
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
base=$(dirname "$dir")
mkdir -p ".$base"
mount --bind "$base" ".$base"
mkdir -p var/log/journal
mount --bind "$dir/journal" var/log/journal
mount -t tmpfs -o mode=755 tmpfs dev
for one in null zero full random urandom tty; do touch dev/$one; mount --bind /dev/$one dev/$one; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
rm -rf etc/systemd/system/*.wants
for unit in systemd-modules-load systemd-udevd systemd-networkd systemd-resolved systemd-timesyncd; do ln -sf /dev/null etc/systemd/system/$unit.service; done
mkdir -p etc/systemd/journald.conf.d
printf "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=16G\nSystemMaxFileSize=1G\n" >etc/systemd/journald.conf.d/bench.conf
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=unshare HOME=/root TERM=linux "SYSTEMD_UNIT_PATH=$dir/units:" /lib/systemd/systemd --unit=basic.target </dev/null >"$dir/console" 2>&1
' </dev/null >"$dir/boot.err" 2>&1 &
for _ in $(seq 1 200); do
  for pid in $(cat "$group/init.scope/cgroup.procs" 2>/dev/null); do
    case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in /lib/systemd/systemd\ *) echo "$pid"; exit 0 ;; esac
  done
  sleep 0.05
done
cat "$dir/boot.err" >&2
exit 1
