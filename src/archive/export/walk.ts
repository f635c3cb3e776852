/** Entries depth first, each directory before what it holds, names in the order of their bytes. */
import { childPath } from '../../fs/confined-path.js';
import type { Entry, NamedEntry, Namespace } from '../../projections/namespace.js';

/** Gives a promise only where the walk has to wait: of most entries it has not. */
export type Visit = (path: string, entry: Entry) => Promise<void> | undefined;

/** A directory with more entries is read piece by piece; a smaller one holds no iterator while it is walked. */
const READ_AHEAD = 2_000;

interface Open {
  readonly path: string;
  readonly batches: AsyncGenerator<Entry[]>;
  entries: Entry[];
  at: number;
  ended: boolean;
}

/** Everything below a directory; paths begin with the path that it is given. */
export async function walkBelow(namespace: Namespace, top: NamedEntry, visit: Visit): Promise<void> {
  const stack = [openDirectory(namespace, top.path, top.entry)];
  try {
    for (let open = stack.at(-1); open !== undefined; open = stack.at(-1)) {
      const entry = open.entries[open.at++];
      if (entry === undefined) {
        if (open.ended) stack.pop();
        else await readOn(open);
        continue;
      }
      const path = childPath(open.path, entry.name);
      const waited = visit(path, entry);
      if (waited) await waited;
      if (entry.directoryId !== null) stack.push(openDirectory(namespace, path, entry));
    }
  } finally {
    for (const { batches } of stack) await batches.return(undefined);
  }
}

function openDirectory(namespace: Namespace, path: string, { directoryId }: Entry): Open {
  return { path, batches: namespace.list(directoryId!), entries: [], at: 0, ended: false };
}

async function readOn(open: Open): Promise<void> {
  open.entries = [];
  open.at = 0;
  while (open.entries.length < READ_AHEAD) {
    const next = await open.batches.next();
    if (next.done) {
      open.ended = true;
      return;
    }
    open.entries = open.entries.length === 0 ? next.value : open.entries.concat(next.value);
  }
}
