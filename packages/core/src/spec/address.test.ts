import { expect, test } from 'vitest';
import { contains, firstOf, isLoopback, overlap, parseAddress, parseSubnet, reserved } from './address.ts';

const address = (text: string) => parseAddress(text)!;
const subnet = (text: string) => parseSubnet(text)!;

test.each(['10.0.0.256', '10.0.0', '10.00.0.1', '1.2.3.4.5', '', 'fd00::1::2', 'fd00:1', '::12345', 'g::', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::'])(
  '%j is no address',
  (text) => {
    expect(parseAddress(text)).toBe(null);
  },
);

test.each(['10.9.0.1/24', '10.9.0.0', '10.9.0.0/33', 'fd00::1/64', 'fd00::/129', '10.9.0.0/'])('%j is no range that a network can have', (text) => {
  expect(parseSubnet(text)).toBe(null);
});

test('an address is within the ranges that it is in, of its own family alone', () => {
  expect(contains(subnet('10.9.0.0/24'), address('10.9.0.255'))).toBe(true);
  expect(contains(subnet('10.9.0.0/24'), address('10.9.1.0'))).toBe(false);
  expect(contains(subnet('fd00:1::/64'), address('fd00:1::ffff'))).toBe(true);
  expect(contains(subnet('fd00:1::/64'), address('fd00:1:0:1::'))).toBe(false);
  expect(contains(subnet('0.0.0.0/0'), address('::1'))).toBe(false);
  expect(contains(subnet('10.9.0.0/24'), subnet('10.9.0.0/16'))).toBe(false);
});

test('ranges overlap where one is within the other', () => {
  expect(overlap(subnet('10.9.0.0/24'), subnet('10.9.0.128/25'))).toBe(true);
  expect(overlap(subnet('10.9.0.0/25'), subnet('10.9.0.128/25'))).toBe(false);
});

test('the first and the last address of a range are no worker’s, where it has more than two', () => {
  expect(['10.9.0.0', '10.9.0.255', '10.9.0.1'].map((text) => reserved(subnet('10.9.0.0/24'), address(text)))).toEqual(['network', 'broadcast', null]);
  expect(reserved(subnet('10.9.0.0/31'), address('10.9.0.0'))).toBe(null);
  expect(reserved(subnet('fd00::/64'), address('fd00::ffff:ffff:ffff:ffff'))).toBe(null);
  expect(firstOf(subnet('fd00::/64'))).toEqual(address('fd00::1'));
});

test('loopback is told from the rest', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '0.0.0.0', '::', '10.0.0.1'].map(isLoopback)).toEqual([true, true, true, true, false, false, false]);
});
