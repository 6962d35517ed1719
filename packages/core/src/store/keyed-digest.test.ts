import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyedDigest, keyedHmac } from './index.ts';

const key = Buffer.alloc(32, 7);
const other = Buffer.alloc(32, 8);

test('the order of keys and fields left undefined make no difference, anything else does', () => {
  const digest = keyedDigest(key, { a: 1, b: { d: [1, 2], c: 'x' } });
  expect(digest).toMatch(/^[0-9a-f]{16}$/);
  expect(keyedDigest(key, { b: { c: 'x', d: [1, 2] }, a: 1, e: undefined } as never)).toBe(digest);
  const others = [{ a: 1, b: { d: [2, 1], c: 'x' } }, { a: '1', b: { d: [1, 2], c: 'x' } }, { a: 1, b: { d: [1, 2], c: 'x' }, e: null }, [], {}, null, ''];
  expect(new Set([digest, ...others.map((json) => keyedDigest(key, json))]).size).toBe(others.length + 1);
});

test('without the key neither digest nor HMAC can be had', () => {
  expect(keyedDigest(other, { a: 1 })).not.toBe(keyedDigest(key, { a: 1 }));
  expect(keyedHmac(other, 'secret')).not.toBe(keyedHmac(key, 'secret'));
  expect(keyedHmac(key, Buffer.from('secret'))).toBe(keyedHmac(key, 'secret'));
});

test('a digest that instances already carry never changes', () => {
  const text = '{"a":[1,{"b":null}],"z":"\u00fc"}';
  const expected = createHmac('sha256', key).update(`ostler digest 1\0${text}`).digest('hex').slice(0, 16);
  expect(keyedDigest(key, { z: '\u00fc', a: [1, { b: null }] })).toBe(expected);
});
