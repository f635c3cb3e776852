/** ACLs as tars spell them (`user::rwx,user:lisa:r-x:502,…`) into the value of the kernel's attribute. */
import { ACL_TAG, encodeAcl, NO_ID, type AclEntry } from './acl-value.js';

export interface AccountIds {
  user(name: string): number | null;
  group(name: string): number | null;
}

const TAGS = {
  user: { owner: ACL_TAG.owner, named: ACL_TAG.user },
  group: { owner: ACL_TAG.group, named: ACL_TAG.namedGroup },
  mask: { owner: ACL_TAG.mask, named: ACL_TAG.mask },
  other: { owner: ACL_TAG.other, named: ACL_TAG.other },
} as const;

/** Null for what is no such text, or names an account that is not known here and has no number. */
export function encodeAclText(text: string, ids: AccountIds): Buffer | null {
  const lines = text.split(/[,\n]/).map((line) => line.replace(/#.*$/, '').trim());
  const entries: AclEntry[] = [];
  for (const line of lines) {
    if (line === '') continue;
    const entry = parseEntry(line, ids);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries.length === 0 ? null : encodeAcl(entries);
}

function parseEntry(line: string, ids: AccountIds): AclEntry | null {
  // A tar of defaults may say so on each line.
  const fields = line.replace(/^d(efault)?:/, '').split(':');
  const kind = fields[0] === 'u' ? 'user' : fields[0] === 'g' ? 'group' : fields[0];
  if (kind !== 'user' && kind !== 'group' && kind !== 'mask' && kind !== 'other') return null;
  const isShort = (kind === 'mask' || kind === 'other') && fields.length === 2;
  const [, name = '', rights = '', number = ''] = isShort ? [fields[0], '', fields[1]] : fields;
  const permissions = permissionsOf(rights);
  if (permissions === null) return null;
  if (name === '') return { tag: TAGS[kind].owner, permissions, id: NO_ID };
  if (kind !== 'user' && kind !== 'group') return null;
  const id = idOf(name, number, (account) => ids[kind](account));
  return id === null ? null : { tag: TAGS[kind].named, permissions, id };
}

function idOf(name: string, number: string, lookUp: (name: string) => number | null): number | null {
  if (/^\d{1,10}$/.test(number)) return Number(number);
  return /^\d{1,10}$/.test(name) ? Number(name) : lookUp(name);
}

function permissionsOf(rights: string): number | null {
  if (!/^[-rwx]{1,3}$/.test(rights)) return null;
  return (rights.includes('r') ? 4 : 0) | (rights.includes('w') ? 2 : 0) | (rights.includes('x') ? 1 : 0);
}
