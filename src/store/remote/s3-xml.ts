/**
 * The XML that S3 answers with, read in one pass without recursion, whatever a server sends. Attributes,
 * processing instructions and comments say nothing that matters here.
 */

export interface XmlElement {
  readonly name: string;
  /** What stands in it besides elements, with entities and CDATA as the characters that they are. */
  text: string;
  readonly children: XmlElement[];
}

/** S3's own answers have at most six. */
const MAX_DEPTH = 32;

/** The root; null for what is no XML, is cut off, or declares a document type. */
export function readXml(text: string): XmlElement | null {
  const document: XmlElement = { name: '', text: '', children: [] };
  const open = [document];
  let at = 0;
  while (at < text.length) {
    const tag = text.indexOf('<', at);
    const inner = open.at(-1)!;
    inner.text += decoded(text.slice(at, tag < 0 ? text.length : tag));
    if (tag < 0) break;
    at = past(text, tag);
    if (at < 0) return null;
    if (text.startsWith('<![CDATA[', tag)) inner.text += text.slice(tag + 9, at - 3);
    else if (!isIgnored(text, tag) && !takeTag(text.slice(tag + 1, at - 1), open)) return null;
  }
  const [root] = document.children;
  return open.length === 1 && root !== undefined && document.children.length === 1 ? root : null;
}

/** The text of the first element of this name at any depth; undefined where there is none. */
export function textOf(element: XmlElement | null, name: string): string | undefined {
  const left = element === null ? [] : [element];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.name === name) return next.text;
    for (const child of next.children.toReversed()) left.push(child);
  }
  return undefined;
}

/** The element's own children of this name. */
export function childrenOf(element: XmlElement | null, name: string): readonly XmlElement[] {
  return element === null ? [] : element.children.filter((child) => child.name === name);
}

/** The text of the element's own child of this name. */
export function childText(element: XmlElement | null, name: string): string | undefined {
  return element?.children.find((child) => child.name === name)?.text;
}

/** The position behind what begins at `<`; -1 where it does not end, or is a declaration. */
function past(text: string, tag: number): number {
  const [ending, from] = text.startsWith('<!--', tag)
    ? ['-->', tag + 4]
    : text.startsWith('<![CDATA[', tag)
      ? [']]>', tag + 9]
      : text.startsWith('<?', tag)
        ? ['?>', tag + 2]
        : ['>', tag + 1];
  if (ending === '>' && text[from] === '!') return -1;
  const end = text.indexOf(ending, from);
  return end < 0 ? -1 : end + ending.length;
}

function isIgnored(text: string, tag: number): boolean {
  return text[tag + 1] === '!' || text[tag + 1] === '?';
}

/** @returns whether the tag fits to what is open */
function takeTag(tag: string, open: XmlElement[]): boolean {
  if (tag.startsWith('/')) return open.length > 1 && open.pop()!.name === tag.slice(1).trimEnd();
  const name = /^[^\s/]+/.exec(tag)?.[0];
  if (name === undefined || open.length > MAX_DEPTH) return false;
  const element: XmlElement = { name, text: '', children: [] };
  open.at(-1)!.children.push(element);
  if (!tag.endsWith('/')) open.push(element);
  return true;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w{1,8}));/g, (all, hex, decimal, name) => {
    if (typeof name === 'string') return Object.hasOwn(ENTITIES, name) ? ENTITIES[name]! : all;
    const code = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

export function escaped(text: string): string {
  return text.replaceAll(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
