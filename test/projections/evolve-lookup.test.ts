import { describe, expect, test } from '@jest/globals';
import { decodeEvent, encodeEvent } from '../../src/events/codec.js';
import type { HkfsEvent, Place } from '../../src/events/types.js';
import * as keys from '../../src/projections/keys.js';
import {
  A_FIFO,
  A_FILE,
  A_SYMLINK,
  AT,
  entry,
  folded,
  GONE,
  OTHER,
  placeValue,
  posting,
  rows,
  withId,
} from './fold-one.js';
import { directory, file, rename, SOURCE, symlink } from './records.js';

describe('given an entry, when it is renamed', () => {
  const to: Place = { parent: 8, name: 'n' };

  test('a file leaves its place, has its value at the new one, and its content is posted there', async () => {
    const bytes = Buffer.from(encodeEvent(A_FILE));
    const event = rename([3, 'f'], [8, 'n']);
    expect(await folded(event, bytes)).toEqual(
      rows([entry(A_FILE), GONE], [entry(to), bytes], [posting(to), GONE]),
    );
  });

  test('a directory keeps its id and has a new place; what is below costs nothing', async () => {
    const value = withId(2, directory(3, 'd'));
    const event = rename([3, 'd'], [8, 'n']);
    expect(await folded(event, value)).toEqual(
      rows(
        [entry({ parent: 3, name: 'd' }), GONE],
        [entry(to), value],
        [keys.placeKey(2, AT), placeValue(8, 'n')],
      ),
    );
  });

  test.each([
    ['an empty file', file(3, 'x', { hash: null, size: 0 })],
    ['a symlink', symlink(3, 'x', 't')],
    ['a fifo', { ...A_FIFO, name: 'x' }],
  ])('%s only changes its place', async (_what, event: HkfsEvent) => {
    const value = Buffer.from(encodeEvent(event));
    const expected = rows([entry({ parent: 3, name: 'x' }), GONE], [entry(to), value]);
    expect(await folded(rename([3, 'x'], [8, 'n']), value)).toEqual(expected);
  });
});

describe('given an entry that stood somewhere, when it is restored', () => {
  const place: Place = { parent: 8, name: 'n' };

  test('a file has its value of then, and its content is posted', async () => {
    const bytes = Buffer.from(encodeEvent(A_FILE));
    expect(await folded({ type: 'path.restored', ...place, at: 4 }, bytes)).toEqual(
      rows([entry(place), bytes], [posting(place), GONE]),
    );
  });

  test('a directory has its id again, and its place', async () => {
    const value = withId(2, directory(3, 'd'));
    expect(await folded({ type: 'path.restored', ...place, at: 4 }, value)).toEqual(
      rows([entry(place), value], [keys.placeKey(2, AT), placeValue(8, 'n')]),
    );
  });

  test.each([[undefined], [GONE]])('what was not there then cannot be', async (value) => {
    const folding = folded({ type: 'path.restored', ...place, at: 4 }, value);
    await expect(folding).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
  });
});

describe('given an entry, when its attributes change', () => {
  const change = (place: Place, source = null as typeof SOURCE | null): HkfsEvent => ({
    type: 'attributes.changed',
    parent: place.parent,
    name: place.name,
    attributes: OTHER,
    source,
  });

  test('a file has the new ones, the same content, and the new source where one is told', async () => {
    const before = file(3, 'f', { source: { ...SOURCE, inode: 1n } });
    const value = Buffer.from(encodeEvent(before));
    const after = await folded(change(A_FILE, SOURCE), value);
    const expected = encodeEvent({ ...before, attributes: OTHER, source: SOURCE });
    expect(after).toEqual(rows([entry(A_FILE), expected]));
    const untold = await folded(change(A_FILE), value);
    expect(untold).toEqual(rows([entry(A_FILE), encodeEvent({ ...before, attributes: OTHER })]));
  });

  test('a directory keeps its id', async () => {
    const value = withId(2, directory(3, 'd'));
    const expected = withId(2, directory(3, 'd', OTHER));
    expect(await folded(change({ parent: 3, name: 'd' }), value)).toEqual(
      rows([entry({ parent: 3, name: 'd' }), expected]),
    );
  });

  test('a symlink keeps its target', async () => {
    const after = await folded(change(A_SYMLINK), Buffer.from(encodeEvent(A_SYMLINK)));
    const [value] = Object.values(after);
    const event = decodeEvent(Buffer.from(value!, 'hex'), AT);
    expect(event).toEqual({ ...A_SYMLINK, attributes: OTHER });
  });
});

describe('given no such entry', () => {
  test.each([
    ['never there', undefined],
    ['gone', GONE],
  ])('a rename or change of what was %s cannot be folded, and says at which position', async (_, value) => {
    const change = { ...A_FILE, type: 'attributes.changed', source: null } as const;
    for (const event of [rename([3, 'f'], [3, 'g']), change]) {
      await expect(folded(event, value)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
      await expect(folded(event, value)).rejects.toThrow(`event ${AT} `);
    }
  });
});
