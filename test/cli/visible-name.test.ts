import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { visibleJson, visibleLines, visibleName, visibleText } from '../../src/cli/visible-name.js';

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

test('the last gate lets lines and colours through, and nothing else that a terminal obeys', () => {
  const lines = '\u001b[31mred\u001b[39m  a\\nb\n\u001b[2Jgone\u009b0m\r\u202e\u061c\n';
  expect(visibleLines(lines)).toBe(
    '\u001b[31mred\u001b[39m  a\\nb\n\\033[2Jgone\\302\\2330m\\r\\342\\200\\256\\330\\234\n',
  );
});

test('JSON for a terminal means the same', () => {
  const value = { name: 'a\u009bb\u202ec\u007f\u2028d\ufeff é 語 \udce9' };
  const json = visibleJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toBe('{"name":"a\\u009bb\\u202ec\\u007f\\u2028d\\ufeff é 語 \\udce9"}');
});
