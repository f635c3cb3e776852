import { nameToBytes } from '../fs/names.js';

const NAMED: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\u0007': '\\a',
};

/** Marks that turn the direction of writing, line separators, and what is shown as nothing and annotates. */
const MARKS = String.raw`\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb`;

/** What must not reach a terminal as it is: control characters, such marks, and bytes that are not UTF-8. */
const HIDDEN = new RegExp(String.raw`[\\\u0000-\u001f\u007f-\u009f${MARKS}]|\p{Surrogate}`, 'gu');

/** The same in whole lines, some of them painted: picocolors' sequences change nothing but colours. */
const HIDDEN_IN_LINES = new RegExp(
  String.raw`\u001b\[\d+m|[\u0000-\u0009\u000b-\u001f\u007f-\u009f${MARKS}]|\p{Surrogate}`,
  'gu',
);

/** What JSON.stringify leaves as it is. */
const HIDDEN_IN_JSON = new RegExp(String.raw`[\u007f-\u009f${MARKS}]`, 'g');

/** A name for people: what would hide or forge output is escaped as `ls -b` does, bytes in octal. */
export function visibleName(name: string): string {
  return name.replace(HIDDEN, escaped);
}

/** As visibleName for a whole message, in which a backslash stands for itself. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, (character) => (character === '\\' ? character : escaped(character)));
}

/**
 * The last gate before a terminal, for lines that were put together of names made visible: of those this changes
 * nothing, and what was forgotten does not get through.
 */
export function visibleLines(text: string): string {
  return text.replace(HIDDEN_IN_LINES, (found) =>
    found.length > 1 && found.startsWith('\u001b') ? found : escaped(found),
  );
}

/** JSON that means the same, in which a terminal finds nothing to obey. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN_IN_JSON, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function escaped(character: string): string {
  return NAMED[character] ?? octal(character);
}

function octal(character: string): string {
  return [...nameToBytes(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
