/** What export writes of a member is what ingest reads: its content and every attribute. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nameFromBytes } from '../../src/events/names.js';
import { runs } from '../projections/property.js';
import { anyCase, written, type Case } from './member-cases.js';
import { readTar } from './read-tar.js';

const cuts = fc.array(fc.nat(), { maxLength: 5 });

function attributesOf({ member }: Case): object {
  const { kind, mode, uid, gid, user, group, mtimeNs, major, minor, acls, xattrs } = member;
  return {
    ...{ kind, mode, uid, gid, mtimeNs, major, minor },
    user: user === '' ? null : nameFromBytes(Buffer.from(user, 'latin1')),
    group: group === '' ? null : nameFromBytes(Buffer.from(group, 'latin1')),
    accessAcl: acls.find(([of]) => of === 'access')?.[1] ?? null,
    defaultAcl: acls.find(([of]) => of === 'default')?.[1] ?? null,
    xattrs: new Map(
      xattrs.map(([name, value]) => [
        nameFromBytes(Buffer.from(name, 'latin1')),
        Buffer.from(value, 'latin1'),
      ]),
    ),
  };
}

test('a pax member is read as it was written, in whatever pieces its bytes come', () => {
  fc.assert(
    fc.property(anyCase, cuts, (given, at) => {
      const { member, content } = given;
      const { members, problems } = readTar(written(given, 'pax')!.tar, {}, at);
      expect(problems).toEqual([]);
      expect(members).toHaveLength(1);
      const [read] = members;
      expect(read).toMatchObject(attributesOf(given));
      const path = Buffer.from(read!.name).toString('latin1');
      expect(path).toBe(member.kind === 'directory' ? `${member.path}/` : member.path);
      expect(Buffer.from(read!.target).toString('latin1')).toBe(member.target);
      expect(read!.sparse).toBe(member.ranges !== null);
      expect(read!.size).toBe(content.length);
      expect(read!.content.equals(content)).toBe(true);
    }),
    runs(400),
  );
});
