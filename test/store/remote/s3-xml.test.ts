import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { childrenOf, childText, escaped, readXml, textOf } from '../../../src/store/remote/s3-xml.js';
import { runs } from '../../projections/property.js';

describe('an XML document', () => {
  test('gives texts as they are meant: entities, CDATA, comments, attributes, empty elements', () => {
    const root = readXml(
      '<?xml version="1.0"?><!-- <Key>no</Key> -->\n<List xmlns="http://x/"><Key a="b">a&amp;&#x41;&#66;</Key><Key/>' +
        '<Key><![CDATA[<Key>&amp;</Key>]]></Key><Key>a<!-- > <b> -->b</Key><Owner ><ID>me</ID></Owner ></List>',
    );
    expect(childrenOf(root, 'Key').map(({ text }) => text)).toEqual(['a&AB', '', '<Key>&amp;</Key>', 'ab']);
    expect(textOf(root, 'ID')).toBe('me');
    expect(childText(root, 'ID')).toBeUndefined();
    expect(textOf(readXml('<Code>x</Code>'), 'Code')).toBe('x');
  });

  test.each([
    ['', 'nothing'],
    ['text', 'no element'],
    ['<a>', 'an element that does not close'],
    ['<a></b>', 'another that closes'],
    ['</a>', 'one that was never open'],
    ['<a/><b/>', 'two roots'],
    ['<a', 'a tag that does not end'],
    ['<a><!-- </a>', 'a comment that does not end'],
    ['<a><![CDATA[</a>', 'CDATA that does not end'],
    ['<!DOCTYPE a><a/>', 'a document type'],
    ['<>x</>', 'no name'],
    [`${'<a>'.repeat(40)}${'</a>'.repeat(40)}`, 'too many elements in each other'],
  ])('%j is none: %s', (text) => {
    expect(readXml(text)).toBeNull();
  });

  test('with an entity that nobody knows keeps it', () => {
    expect(readXml('<a>&constructor;&#x110000;&;&</a>')?.text).toBe('&constructor;&#x110000;&;&');
  });

  test('gives any text back that was escaped', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readXml(`<a><b>${escaped(text)}</b></a>`)?.children[0]?.text).toBe(text);
      }),
      runs(200),
    );
  });

  test('of whatever bytes is read or refused, in time that grows with its length', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '&',
      'a',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 200 }), (parts) => {
        expect(() => readXml(parts.join(''))).not.toThrow();
      }),
      runs(500),
    );
    for (const part of ['<a>', '<a ', '<!--', '<![CDATA[', '&amp', '</a>', '<?', 'x']) {
      const started = performance.now();
      readXml(part.repeat(1_000_000));
      expect(performance.now() - started).toBeLessThan(2_000);
    }
  });
});
