/** A clone's log cut off at a moment: a new one with its beginning takes its place. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { EventLog } from '../../events/log.js';
import type { StoredCommit } from '../../events/segment.js';
import type { Position } from '../../events/types.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';

const BATCH_EVENTS = 8192;

/** @param end the end of a commit */
export async function cutLog(layout: Layout, end: Position): Promise<void> {
  const [next, old] = [`${layout.log}.next`, `${layout.log}.old`];
  remove(next, old);
  const whole = await EventLog.open(layout.log);
  try {
    if (whole.size === end) return;
    await copyBeginning(whole, next, end);
  } finally {
    await whole.close();
  }
  remove(layout.views);
  renameSync(toFsPath(layout.log), toFsPath(old));
  renameSync(toFsPath(next), toFsPath(layout.log));
  remove(old);
}

async function copyBeginning(whole: EventLog, location: string, end: Position): Promise<void> {
  const next = await EventLog.open(location, { createIfMissing: true });
  try {
    let batch: StoredCommit[] = [];
    let events = 0;
    for await (const stored of whole.readStored({ from: 0, to: end })) {
      batch.push(stored);
      events += stored.events.length;
      if (events < BATCH_EVENTS) continue;
      await next.adopt(batch);
      [batch, events] = [[], 0];
    }
    await next.adopt(batch);
    await next.compactForClose();
  } finally {
    await next.close();
  }
}

function remove(...paths: readonly string[]): void {
  for (const path of paths)
    if (existsSync(toFsPath(path))) rmSync(toFsPath(path), { recursive: true, force: true });
}
