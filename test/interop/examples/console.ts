/** The `console` blocks of a page: commands after `$ `, and below each what it prints. */

export interface Example {
  readonly heading: string;
  readonly command: string;
  /** Lines as they stand on the page, without empty ones at the end. */
  readonly shown: string;
  /** The lines of `shown` on the page: from, up to without. */
  readonly lines: readonly [from: number, to: number];
}

export function examplesOf(page: string): Example[] {
  const examples: Example[] = [];
  let heading = '';
  let begun: { command: string; from: number } | null = null;
  const lines = page.split('\n');
  const end = (to: number): void => {
    if (begun === null) return;
    let last = to;
    while (last > begun.from && lines[last - 1] === '') last -= 1;
    const shown = lines.slice(begun.from, last).join('\n');
    examples.push({ heading, command: begun.command, shown, lines: [begun.from, last] });
    begun = null;
  };
  let isConsole = false;
  for (const [at, line] of lines.entries()) {
    const isFence = line.startsWith('```');
    if (isFence || line.startsWith('$ ')) end(at);
    if (isFence) isConsole = !isConsole && line === '```console';
    else if (!isConsole && /^#+ /.test(line)) heading = line.replace(/^#+ /, '');
    else if (isConsole && line.startsWith('$ ')) begun = { command: line.slice(2), from: at + 1 };
  }
  return examples;
}

/** What is another in every run: times, hashes, ids, inodes, and how long it took. */
const VARYING: readonly [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, 'TIME'],
  [/\b(?!20[12][0-9]-\d\d-\d\d (?:18:20|15:04|09:30|12:00))\d{4}-\d\d-\d\d \d\d:\d\d\b/g, 'MINUTE'],
  [/\((?:\d+ \w+ ago|now|just now)\)/g, '(AGO)'],
  [/\b\d+\.\d s\b/g, 'SECONDS'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b[0-9a-f]{16,64}\b/g, 'HASH'],
  [/^total \d+$/gm, 'total N'],
  [/^ *\d{2,}(?= [-dlr][-rwx]{9} )/gm, 'INODE'],
  [/^(INODE .* alice alice) +\d+/gm, '$1 SIZE'],
  [/^inodes +\d+ on device \d+/gm, 'inodes INODE'],
];

export function withoutVarying(text: string): string {
  return VARYING.reduce((rest, [pattern, name]) => rest.replace(pattern, name), text).trimEnd();
}
