/**
 * Progress is values (`Progress` in archive/api.ts); here they become text. Nothing in this file knows
 * a clock or a terminal: both come in, so that a test plays an hour in a millisecond.
 */
import type { Message, Progress } from '../archive/api.js';
import { formatBytes, formatDuration, plural } from './format.js';
import { jsonRow } from './rows.js';
import { visibleName, visibleText } from './visible-name.js';

export const PROGRESS_STYLES = ['bar', 'plain', 'json', 'none'] as const;
export type ProgressStyle = (typeof PROGRESS_STYLES)[number];

/** `auto` becomes a bar on a terminal and plain lines elsewhere. */
export function chooseStyle(wanted: string, isTerminal: boolean): ProgressStyle {
  const named = PROGRESS_STYLES.find((style) => style === wanted);
  return named ?? (isTerminal ? 'bar' : 'plain');
}

export interface ProgressOutput {
  readonly write: (text: string) => void;
  /** Milliseconds that never jump back. */
  readonly now: () => number;
  readonly columns: () => number;
}

export interface ProgressView {
  readonly update: (progress: Progress) => void;
  readonly message: (message: Message) => void;
  /** Clears what must not stay on the terminal. */
  readonly stop: () => void;
}

/** Milliseconds between two renderings. */
const INTERVAL: Readonly<Record<ProgressStyle, number>> = {
  bar: 100,
  plain: 5000,
  json: 1000,
  none: Infinity,
};
const CLEAR_LINE = '\r\u001b[K';

/** Renders at most one update per interval, except that a new phase shows at once on a bar. */
export function createProgressView(style: ProgressStyle, output: ProgressOutput): ProgressView {
  const pace = createPace(output.now);
  const clear = style === 'bar' ? CLEAR_LINE : '';
  let due = style === 'bar' ? 0 : output.now() + INTERVAL[style];
  return {
    update(progress) {
      if (style === 'none' || output.now() < due) return;
      due = output.now() + INTERVAL[style];
      output.write(clear + renderProgress(style, progress, pace(progress), output.columns()));
    },
    message: (message) => output.write(clear + renderMessage(style, message)),
    stop: () => clear !== '' && output.write(clear),
  };
}

/** Bytes (or files, where no bytes are counted) per second, and seconds left where the total is known. */
export interface Pace {
  readonly bytesPerSecond: number;
  readonly secondsLeft: number | null;
}

/** Milliseconds of work that the rate looks back on. */
const WINDOW = 15_000;

function createPace(now: () => number): (progress: Progress) => Pace {
  let samples: { time: number; bytes: number; files: number; phase: string }[] = [];
  return ({ bytes, files, totalBytes, totalFiles, phase }) => {
    const time = now();
    samples = samples.filter((sample) => sample.phase === phase && sample.time > time - WINDOW);
    samples.push({ time, bytes, files, phase });
    const [first] = samples;
    const seconds = (time - (first?.time ?? time)) / 1000;
    if (first === undefined || seconds <= 0) return { bytesPerSecond: 0, secondsLeft: null };
    const bytesPerSecond = (bytes - first.bytes) / seconds;
    const byBytes = timeLeft(bytes, totalBytes, bytesPerSecond);
    const byFiles = timeLeft(files, totalFiles, (files - first.files) / seconds);
    // Many small files are slow by their number, large ones by their bytes: the later end is right.
    const secondsLeft =
      byBytes === null || byFiles === null ? (byBytes ?? byFiles) : Math.max(byBytes, byFiles);
    return { bytesPerSecond, secondsLeft };
  };
}

function timeLeft(done: number, total: number | null, rate: number): number | null {
  if (total === null || rate <= 0) return null;
  return Math.max(0, total - done) / rate;
}

function renderProgress(style: ProgressStyle, progress: Progress, pace: Pace, columns: number): string {
  if (style === 'json') return jsonRow({ progress: { ...progress, ...pace } });
  const facts = describe(progress, pace);
  if (style === 'plain') return `hkfs: ${facts}\n`;
  const share = shareDone(progress);
  const bar = share === null ? '' : `${renderBar(share)} ${String(Math.floor(share * 100)).padStart(3)} %  `;
  const current = progress.current === undefined ? '' : `  ${visibleName(progress.current)}`;
  // One column stays free: writing into the last one wraps the line on some terminals.
  return `${bar}${facts}${current}`.slice(0, Math.max(0, columns - 1));
}

function describe({ phase, files, bytes, totalFiles, totalBytes }: Progress, pace: Pace): string {
  const parts = [
    totalFiles === null ? plural(files, 'file') : `${files}/${plural(totalFiles, 'file')}`,
    totalBytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`,
  ];
  if (pace.bytesPerSecond > 0) parts.push(`${formatBytes(pace.bytesPerSecond)}/s`);
  if (pace.secondsLeft !== null) parts.push(`${formatDuration(pace.secondsLeft)} left`);
  return `${phase}: ${parts.join(', ')}`;
}

/** 0 to 1, or null while the total is unknown. */
function shareDone({ files, bytes, totalFiles, totalBytes }: Progress): number | null {
  if (totalBytes !== null && totalBytes > 0) return Math.min(1, bytes / totalBytes);
  return totalFiles === null || totalFiles === 0 ? null : Math.min(1, files / totalFiles);
}

const BAR_WIDTH = 24;

function renderBar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `[${'='.repeat(full)}${' '.repeat(BAR_WIDTH - full)}]`;
}

/** A line for standard error. */
export function renderMessage(style: ProgressStyle, message: Message): string {
  if (style === 'json') return jsonRow({ message });
  const place = message.path === undefined ? '' : `${visibleName(message.path)}: `;
  return `hkfs: ${message.level}: ${place}${visibleText(message.text)} [${message.code}]\n`;
}
