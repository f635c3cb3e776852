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

/**
 * What must not reach a terminal as it is: control characters, marks that turn the direction of
 * writing, line separators, and bytes that are not UTF-8.
 */
const HIDDEN = /[\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** A name for people: what would hide or forge output is escaped as `ls -b` does, bytes in octal. */
export function visibleName(name: string): string {
  return name.replace(HIDDEN, (character) => NAMED[character] ?? octal(character));
}

/** As visibleName for a whole message, in which a backslash stands for itself. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, (character) =>
    character === '\\' ? character : (NAMED[character] ?? octal(character)),
  );
}

function octal(character: string): string {
  return [...nameToBytes(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
