import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { visibleName, visibleText } from '../../src/cli/visible-name.js';

test.each([
  ['plain name.txt', 'plain name.txt'],
  ['née', 'née'],
  ['日本', '日本'],
  ['a\nb', 'a\\nb'],
  ['tab\there', 'tab\\there'],
  ['back\\slash', 'back\\\\slash'],
  ['\u001b[31mred', '\\033[31mred'],
  ['\u007f', '\\177'],
  ['bad\udcff', 'bad\\377'],
  ['\u202etxt.exe', '\\342\\200\\256txt.exe'],
])('%j shows as %s', (name, text) => expect(visibleName(name)).toBe(text));

test('no name can write a control character or a lone surrogate to the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const shown = visibleName(name);
      expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(shown.isWellFormed()).toBe(true);
    }),
  );
});

test('two names never look the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(visibleName(a) === visibleName(b)).toBe(a === b);
    }),
  );
  expect(visibleName('a\\n')).not.toBe(visibleName('a\n'));
});

test('a message keeps its backslashes and loses its control characters', () => {
  expect(visibleText('"a\\nb" \u001b')).toBe('"a\\nb" \\033');
});
