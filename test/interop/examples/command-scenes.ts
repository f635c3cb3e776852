/** The archive in which the examples of the commands run, and what stands before some of them. */

/** An archive of three months, with more than twelve operations, 1,234 events, and a copy of most things. */
export const ARCHIVE = String.raw`
  export HKFS_ARCHIVE=/data/archive
  mkdir -p ~/photos/2019 ~/documents ~/src/node_modules ~/projects ~/Downloads ~/keys ~/media /mnt/old-disk
  seq 1 20000 >~/photos/2019/beach.jpg; seq 2 20000 >~/photos/2019/dunes.jpg; cp ~/photos/2019/dunes.jpg ~/again.jpg
  echo test >~/documents/letter.txt; echo scan >~/Downloads/scan.pdf; echo mkv >~/media/film.mkv
  echo x >~/projects/main.c; echo o >~/src/main.o; echo m >~/src/node_modules/m.js; echo t >~/projects/a.tmp
  mkdir -p ~/photos/unsorted ~/photos/blurred ~/many; echo u >~/photos/unsorted/u.jpg; echo b >~/photos/blurred/b.jpg
  ln -s main.c ~/projects/link; (cd ~/many; for n in $(seq 1300); do : >"$n"; done); echo one >~/IMG_0001.jpg
  cp -r ~/photos ~/documents ~/media /mnt/old-disk; cp -r /mnt/old-disk /media/stick; echo new >/media/stick/new.txt
  ago() { faketime -f "$@"; }
  ago '@2025-12-15 10:00:00' hkfs init /data/archive
  ago '@2025-12-15 11:00:00' hkfs ingest ~/photos
  ago -89d hkfs ingest ~/documents
  ago -80d hkfs ingest ~/IMG_0001.jpg ~/again.jpg ~/projects ~/media
  ago -80d hkfs ingest ~/many
  ago -70d hkfs ingest ~/photos --to machines/desk/photos
  ago -70d hkfs ingest ~/photos --to backup-2015
  ago -70d hkfs mv again.jpg other.jpg
  ago -60d hkfs ingest ~/Downloads --to downloads
  ago -60d hkfs ingest /mnt/old-disk --to old-laptop
  cp -r ~/photos ~/stick; echo only >~/stick/only.txt; ago -50d hkfs ingest ~/stick --to usb-stick
  ago -50d hkfs tag v1
  ago -40d hkfs tag before-cleanup
  cp ~/photos/2019/beach.jpg ~/a.jpg; cp ~/photos/2019/dunes.jpg ~/b.jpg; ago -30d hkfs ingest ~/a.jpg ~/b.jpg --to old
  ago -3d hkfs remote add usb /mnt/usb/backup
  ago -3d hkfs backup usb
  hkfs remote add nas /mnt/nas/backup; hkfs backup nas
  hkfs remote add cloud /mnt/cloud/backup
  tar -C /mnt -cf - old-disk | zstd -q -o ~/backup.tar.zst
  cp -r /media/stick ~/old-disk; hkfs clone /mnt/usb/backup ~/clone; for a in second third; do hkfs ingest ~/photos -a /data/$a --init; done
  mkdir -p /mnt/stick /mnt/disk /mnt/new /mnt/rescue /data/unsorted
  (cd /media/stick; find . -type f | xargs b3sum >~/disk.b3; find . -type f | xargs sha256sum >~/SHA256SUMS)
  cp /data/archive/.hkfs/keys/archive.pub ~
  hkfs head --signed >~/head.txt
  openssl genpkey -algorithm ed25519 -out ~/keys/archives.pem 2>/dev/null
`;

export interface Scene {
  /** Run before the example; not shown on the page. */
  readonly before?: string;
  /** 0 unless it is told. */
  readonly status?: number;
  /** Why it is not run. */
  readonly skip?: string;
  readonly cwd?: string;
  readonly archive?: string;
  /** It asks, where a terminal is; without one it says so, exit 2. */
  readonly asks?: boolean;
  /** Run after it, so that the next find all as it was. */
  readonly after?: string;
}

const S3 = { skip: 'its URL is of a server on the network' };

const NO = { status: 1 };
const ASKS = { asks: true };
const FRESH = {
  before: 'mv /data/archive /data/aside',
  after: 'rm -rf /data/archive; mv /data/aside /data/archive',
};

export const SCENES: Readonly<Record<string, Scene>> = {
  'hkfs bundle apply *': {
    before: 'hkfs bundle create /mnt/stick/new.hkfs',
    archive: '/home/alice/clone',
    after: 'rm /mnt/stick/new.hkfs',
  },
  'hkfs check-proof event.*': { before: 'cd; hkfs prove @1234 -o event.tlog-proof' },
  'hkfs check-proof since.*': { before: 'cd; rm -f since.proof; hkfs prove --since head.txt -o since.proof' },
  'hkfs clone s3:*': S3,
  'hkfs contains /media/stick': NO,
  'hkfs contains old-disk *': NO,
  'hkfs contains --remote *': NO,
  'hkfs contains - *': NO,
  'hkfs diff op:11': NO,
  'hkfs diff tag:*': NO,
  'hkfs restore / *': { before: 'hkfs rm --yes machines/host' },
  'diff <(*': { before: 'cd; cp -a /data/second A; cp -a /data/second B' },
  'hkfs export photos/ --manifest *': { before: 'hkfs restore photos --to /mnt/disk --overwrite never' },
  'hkfs fetch documents --from s3:*': S3,
  'hkfs init /data/archive*': FRESH,
  'hkfs prove @1234 *': { before: 'cd; rm -f event.tlog-proof' },
  'hkfs prove --since *': { before: 'cd; rm -f since.proof' },
  'hkfs prune backup-2015': ASKS,
  'hkfs prune usb-stick *': ASKS,
  'hkfs prune old-laptop *': ASKS,
  'hkfs pull': { archive: '/home/alice/clone' },
  'hkfs pull /mnt/other/backup': {
    before: 'hkfs remote add other /mnt/other/backup && hkfs backup other',
    archive: '/home/alice/clone',
  },
  'hkfs recover --from-tree': {
    before: 'rm -rf /data/third/.hkfs/log',
    archive: '/data/third',
    asks: true,
  },
  'hkfs remote add usb *': { before: 'hkfs remote rm usb' },
  'hkfs remote add office *': S3,
  'hkfs remote add cloud *': S3,
  'hkfs remote rm usb && *': { before: 'hkfs remote add usb /mnt/usb/backup' },
  'hkfs rm photos/blurred *': ASKS,
  'hkfs stat ino:*': { cwd: '/data/archive' },
  'hkfs verify --remote usb *': { before: 'hkfs remote add usb /mnt/usb/backup && hkfs backup usb' },
  // Times of the examples have nanoseconds.
  'hkfs export projects --format ustar *': { status: 3 },
  'hkfs tag before-cleanup': { archive: '/data/second' },
};
