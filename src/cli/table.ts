export interface Column<T> {
  readonly header: string;
  readonly text: (row: T) => string;
  /** Numbers line up at their right ends. */
  readonly right?: boolean;
  /** Paints a cell that is already padded; for terminals only. */
  readonly paint?: (cell: string, row: T) => string;
}

export interface TableOptions {
  readonly headers: boolean;
  readonly colour: boolean;
  /** Rows looked at before the first is written; widths only grow after that. */
  readonly lookahead?: number;
}

const LOOKAHEAD = 500;
const GAP = '  ';

/** Aligned lines as the rows come: a long listing needs no more memory than its look-ahead. */
export async function* tableLines<T>(
  rows: AsyncIterable<T>,
  columns: readonly Column<T>[],
  options: TableOptions,
): AsyncIterable<string> {
  const widths = columns.map(({ header }) => (options.headers ? displayWidth(header) : 0));
  const layout = { columns, widths, options, begun: false };
  let block: T[] = [];
  for await (const row of rows) {
    block.push(row);
    if (block.length < (options.lookahead ?? LOOKAHEAD)) continue;
    yield* blockLines(block, layout);
    block = [];
  }
  yield* blockLines(block, layout);
}

interface Layout<T> {
  readonly columns: readonly Column<T>[];
  readonly widths: number[];
  readonly options: TableOptions;
  begun: boolean;
}

function* blockLines<T>(block: readonly T[], layout: Layout<T>): Iterable<string> {
  if (block.length === 0) return;
  const cells = block.map((row) => layout.columns.map((column) => column.text(row)));
  for (const row of cells) row.forEach((cell, index) => widen(layout.widths, index, displayWidth(cell)));
  if (layout.options.headers && !layout.begun) {
    const titles = layout.columns.map(({ header }) => header);
    yield line(titles, layout);
  }
  layout.begun = true;
  for (const [index, row] of block.entries()) yield line(cells[index] ?? [], layout, row);
}

function widen(widths: number[], index: number, width: number): void {
  widths[index] = Math.max(widths[index] ?? 0, width);
}

function line<T>(cells: readonly string[], { columns, widths, options }: Layout<T>, row?: T): string {
  const padded = columns.map((column, index) => {
    const isLast = index === columns.length - 1;
    const cell = pad(cells[index] ?? '', isLast && !column.right ? 0 : (widths[index] ?? 0), column.right);
    return options.colour && column.paint && row !== undefined ? column.paint(cell, row) : cell;
  });
  return `${padded.join(GAP)}\n`;
}

function pad(cell: string, width: number, right = false): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  return right ? space + cell : cell + space;
}

const NARROW = /^[\u0020-\u02ff]*$/;
const COMBINING = /\p{Mark}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a text takes on a terminal: East Asian characters two, combining marks none. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : COMBINING.test(character) ? 0 : 1;
  return width;
}
