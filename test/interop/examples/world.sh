#!/bin/bash
# A small machine of its own, in which the examples of the documents run as they are written: /home, /data,
# /media, /mnt and /restore are on one file system, the user is alice, the host is called desk.
# Usage: unshare --mount --uts --fork world.sh DIRECTORY PROJECT NODE
# Says "ready" when it stands, and is gone with its standard input.
set -e
directory=$1 project=$2 node=$3
mount -t tmpfs -o mode=755 none "$directory"
mkdir "$directory"/{upper,work,root,disk}
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"
cd "$directory/root"
for place in home data media mnt restore; do
  mkdir -p "../disk/$place" "$place"
  mount --bind "../disk/$place" "$place"
done
mount --rbind /proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 none tmp
mkdir -p ".$project"
mount --bind "$project" ".$project"
hostname desk
sed -i '/^[^:]*:[^:]*:1000:/d' etc/passwd etc/group
echo 'alice:x:1000:1000::/home/alice:/bin/bash' >>etc/passwd
echo 'alice:x:1000:' >>etc/group
mkdir -p home/alice
chown 1000:1000 home/alice data media mnt restore
printf '#!/bin/sh\nexec %s %s/bin/run.js "$@"\n' "$node" "$project" >usr/local/bin/hkfs
# The other machine of the examples is this one.
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >usr/local/bin/ssh
chmod 755 usr/local/bin/hkfs usr/local/bin/ssh
echo ready
cat >/dev/null
