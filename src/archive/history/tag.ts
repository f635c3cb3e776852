/** `tag`: names for moments. The newest event of a name is what it means. */
import { HkfsError } from '../../errors.js';
import { whyNoTag } from '../../events/chosen-names.js';
import * as keys from '../../projections/keys.js';
import { nameFromBytes } from '../../fs/names.js';
import { readRows } from '../../projections/views.js';
import type { Moment, TagOptions, TagRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveMoment } from '../queries/moments.js';
import { execute, type ChangeOptions } from './change.js';

/** @throws HkfsError BAD_TAG, TAG_EXISTS, BAD_MOMENT */
export async function tag(archive: OpenArchive, options: TagOptions, change: ChangeOptions): Promise<TagRow> {
  const { name, at, force = false } = options;
  checkName(name);
  const moment = await resolveMoment(archive, at, change.clock());
  const known = await findTag(archive, name);
  if (known !== null && !force)
    throw new HkfsError('TAG_EXISTS', `there is a tag ${name} already, for @${known}`, {
      hint: 'choose another name, or give this one to the new moment with --force',
    });
  const { position, time } = moment;
  const event = { type: 'tag.added', tag: name, position } as const;
  const plan = {
    command: 'tag',
    args: [name, `@${position}`],
    steps: [{ event, text: `tag @${position} ${name}` }],
  };
  await execute(archive, plan, { ...change, counts: {} });
  return { tag: name, position, time };
}

/** All tags in the order of their names' bytes, each with the moment that it means now. */
export async function* tags(archive: OpenArchive): AsyncGenerator<TagRow> {
  const newest = new Map<string, number>();
  for await (const rows of readRows(archive.views.level, keys.prefixRange(Buffer.of(keys.PREFIX.tag))))
    for (const { key, value } of rows)
      newest.set(nameFromBytes(key.subarray(1, key.length - 9)), keys.readPosition(value, 0));
  for (const [name, position] of newest) yield { tag: name, ...(await momentOf(archive, position)) };
}

async function momentOf(archive: OpenArchive, position: number): Promise<Moment> {
  const { timeMs } = await archive.log.commitAt(position);
  return { position, time: new Date(timeMs).toISOString() };
}

async function findTag(archive: OpenArchive, name: string): Promise<number | null> {
  const range = { gte: keys.tagKey(name, 0), lt: keys.tagKey(name, Number.MAX_SAFE_INTEGER) };
  const [value] = await archive.views.level.values({ ...range, reverse: true, limit: 1 }).all();
  return value === undefined ? null : keys.readPosition(value, 0);
}

function checkName(name: string): void {
  const reason = whyNoTag(name);
  if (reason === null) return;
  throw new HkfsError('BAD_TAG', `${JSON.stringify(name)} cannot be a tag: ${reason}`, {
    hint: 'take letters, digits, dots, dashes, such as before-cleanup',
  });
}
