/** Moments as people write them, resolved to positions. */
import { HkfsError } from '../../errors.js';
import type { CommitRecord, Position } from '../../events/types.js';
import * as keys from '../../projections/keys.js';
import type { Moment, MomentText } from '../api.js';
import { lastCommitUpTo, LogClock } from '../log-clock.js';
import type { OpenArchive } from '../open-archive.js';
import { operationEnd } from './operations.js';

/** A date by numbers begins so; whatever else it holds, it is no phrase. */
const NUMERIC = /\d{1,4}[-./]\d{1,2}[-./]\d{1,4}/;
const CLOCK = String.raw`(?:[T ](?<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(?<zone>Z|[+-]\d{2}:?\d{2})?)?`;
const DATES = [
  new RegExp(String.raw`^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})${CLOCK}$`),
  // Where dates have dots the day comes first; chrono would take the month.
  new RegExp(String.raw`^(?<day>\d{1,2})\.(?<month>\d{1,2})\.(?<year>\d{4})${CLOCK}$`),
];

/**
 * @param nowMs the time that phrases such as `yesterday` start from, milliseconds since 1970
 * @throws HkfsError BAD_MOMENT for what cannot be read, or lies before the beginning or after the end
 */
export async function resolveMoment(
  archive: OpenArchive,
  text: string | undefined,
  nowMs: number,
): Promise<Moment> {
  const position = text === undefined ? archive.now : await positionOf(archive, text.trim(), nowMs);
  const { timeMs } = await archive.log.commitAt(position);
  const clock = await LogClock.read(archive, nowMs);
  return { position, time: new Date(clock.timeOf(position, timeMs)).toISOString() };
}

/**
 * As resolveMoment, for the begin of a span of time: one before the archive was made takes in everything.
 * @returns the position after which the span begins; -1 before the first event
 */
export async function resolveSince(archive: OpenArchive, text: MomentText, nowMs: number): Promise<Position> {
  const trimmed = text.trim();
  if (!/^(@|op:|tag:)/.test(trimmed)) {
    const { timeMs } = await archive.log.commitAt(0);
    const clock = await LogClock.read(archive, nowMs);
    if ((await timeOf(trimmed, nowMs)) < clock.timeOf(0, timeMs)) return -1;
  }
  return positionOf(archive, trimmed, nowMs);
}

async function positionOf(archive: OpenArchive, text: string, nowMs: number): Promise<Position> {
  if (text.startsWith('@')) return atPosition(archive, text);
  if (text.startsWith('op:')) return atOperation(archive, text);
  if (text.startsWith('tag:')) return atTag(archive, text.slice(4));
  const timeMs = await timeOf(text, nowMs);
  if (timeMs > nowMs && timeMs > (archive.log.lastCommit?.timeMs ?? 0))
    throw badMoment(`${text} is in the future`, 'leave out --at for the newest state');
  return atTime(archive, timeMs, { text, clock: await LogClock.read(archive, nowMs) });
}

async function timeOf(text: string, nowMs: number): Promise<number> {
  return NUMERIC.test(text) ? parseDate(text) : parsePhrase(text, nowMs);
}

function atPosition(archive: OpenArchive, text: string): Position {
  if (!/^@\d{1,15}$/.test(text)) throw unreadable(text);
  const position = Number(text.slice(1));
  if (position > archive.now)
    throw badMoment(`the log ends at @${archive.now}; there is no ${text} yet`, 'see `hkfs log --limit 10`');
  return position;
}

async function atOperation(archive: OpenArchive, text: string): Promise<Position> {
  if (!/^op:\d{1,15}$/.test(text)) throw unreadable(text);
  const operation = Number(text.slice(3));
  const position = operation === 0 ? 0 : await operationEnd(archive, operation);
  if (position === null) throw badMoment(`there is no operation ${operation}`, 'see `hkfs ops`');
  return position;
}

async function atTag(archive: OpenArchive, tag: string): Promise<Position> {
  const gte = keys.tagKey(tag, 0);
  const lt = keys.tagKey(tag, Number.MAX_SAFE_INTEGER);
  const [value] = await archive.views.level.values({ gte, lt, reverse: true, limit: 1 }).all();
  if (value === undefined)
    throw badMoment(`there is no tag ${tag}`, 'see `hkfs log` for the tags that were added');
  return keys.readPosition(value, 0);
}

/** The last position whose commit is not after the time. Commit times never run backwards. */
async function atTime(
  archive: OpenArchive,
  timeMs: number,
  { text, clock }: { text: string; clock: LogClock },
): Promise<Position> {
  const first = await archive.log.commitAt(0);
  if (timeMs < clock.timeOfCommit(first))
    throw badMoment(
      `${text} is before the beginning: the archive was made ${new Date(first.timeMs).toISOString()}`,
      'give a later time',
    );
  // Whoever names a time that is still to come means one that the log has.
  const isAhead = timeMs > clock.nowMs;
  const timeOfOne = (commit: CommitRecord): number => (isAhead ? commit.timeMs : clock.timeOfCommit(commit));
  const found = (await lastCommitUpTo(archive, (commit) => timeOfOne(commit) <= timeMs)) ?? first;
  return Math.min(archive.now, found.first + found.count - 1);
}

/** In local time unless a zone is named. Slashes are refused: half of the world puts the day first. */
function parseDate(text: string): number {
  const { year, month, day, clock = '00:00', zone = '' } = partsOf(text);
  const date = `${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`;
  const timeMs = Date.parse(`${date}T${clock}${zone}`);
  if (Number.isNaN(timeMs) || !isOfCalendar(date)) throw unreadable(text);
  return timeMs;
}

function partsOf(text: string): Readonly<Record<string, string | undefined>> {
  for (const form of DATES) {
    const parts = form.exec(text)?.groups;
    if (parts !== undefined) return parts;
  }
  throw unreadable(text);
}

/** ECMAScript takes 30 February for 2 March. */
function isOfCalendar(date: string): boolean {
  const atNoon = new Date(`${date}T12:00Z`);
  return !Number.isNaN(atNoon.getTime()) && atNoon.toISOString().startsWith(date);
}

/** The whole text has to be a moment: what is passed over may be the half that matters. */
async function parsePhrase(text: string, nowMs: number): Promise<number> {
  const { parse } = await import('chrono-node');
  const [found] = text === '' ? [] : parse(text, new Date(nowMs));
  if (found === undefined || found.text.length < text.length) throw unreadable(text);
  return found.date().getTime();
}

function unreadable(text: string): HkfsError {
  return badMoment(
    `cannot read the moment ${JSON.stringify(text)}`,
    'write @POSITION, op:N, tag:NAME, 2026-01-31T12:00, 31.1.2026, or a phrase such as "2 days ago"',
  );
}

function badMoment(message: string, hint: string): HkfsError {
  return new HkfsError('BAD_MOMENT', message, { hint });
}
