/** What stands before the examples of a heading of README. */
import type { World } from './world.js';

const PHOTOS = String.raw`
  rm -rf ~/photos; mkdir -p ~/photos/2019 ~/photos/old; cd ~/photos
  head -c 3100000 /dev/zero | openssl enc -aes-128-ctr -K 01 -iv 01 >2019/beach.jpg 2>/dev/null
  head -c 2400000 /dev/zero | openssl enc -aes-128-ctr -K 02 -iv 02 >2019/dunes.jpg 2>/dev/null
  cp 2019/dunes.jpg 'old/dunes (copy).jpg'; ln 2019/beach.jpg favourite.jpg; ln -s 2019 latest
  printf 'Sort these some day.\n' >notes.txt; chmod 640 notes.txt
  printf 'soup\n' >"$(printf 'caf\351\nmenu.txt')"
  touch -d '2019-07-14 15:04' 2019/beach.jpg; touch -d '2019-07-15 09:30' 2019/dunes.jpg
  touch -d '2020-02-02 12:00' old/*; touch -hd '2021-05-06 18:20' caf* latest notes.txt 2019 old .`;

export const BEFORE: Readonly<Record<string, (world: World) => void>> = {
  'A tour': (world) => world.prepare(PHOTOS),
  'Look around': (world) => world.prepare('echo new >new.txt'),
  'Again, and what was': (world) => world.prepare('rm new.txt'),
  'Bring it back': (world) =>
    world.prepare(
      'export HKFS_ARCHIVE=/data/archive; mkdir -p /mnt/disk; hkfs restore photos --to /mnt/disk',
    ),
  'The tree was tidied up by hand': (world) => {
    world.prepare(`${PHOTOS}
      hkfs init /data/tidy; hkfs ingest ~/photos -a /data/tidy`);
    Object.assign(world, { archive: '/data/tidy', cwd: '/data/tidy' });
  },
  'Is it all in there?': (world) => {
    world.prepare(
      `mkdir -p /media/stick/DCIM; cd /media/stick/DCIM; cp -p ~/photos/2019/* .; echo new >new.txt`,
    );
    Object.assign(world, { archive: '/data/archive', cwd: '/home/alice' });
  },
};
