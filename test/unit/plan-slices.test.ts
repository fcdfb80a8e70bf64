import { expect, test } from 'vitest';
import { bordersOf, cutAt } from '../../src/transfer/plan-slices.js';

test('draws borders in the order of Qdrant: numbers by value, then UUIDs, none twice', () => {
  const uuid = '00000000-0000-4000-8000-000000000000';
  expect(bordersOf(['10', uuid, '9', '18446744073709551615', '10', '2'], 5)).toEqual([
    '9',
    '10',
    '18446744073709551615',
    uuid,
  ]);
});

test('draws fewer borders where there are fewer ids, and none where there is one or none', () => {
  expect(bordersOf([], 8)).toEqual([]);
  expect(bordersOf(['5', '5'], 8)).toEqual([]);
  expect(bordersOf(['5', '6'], 8)).toEqual(['6']);
});

test('covers everything from the first possible id to the last, without gap or overlap', () => {
  expect(cutAt({ number: '7' }, ['3', '9'])).toEqual([
    { shardKey: { number: '7' }, to: '3' },
    { shardKey: { number: '7' }, from: '3', to: '9' },
    { shardKey: { number: '7' }, from: '9' },
  ]);
  expect(cutAt(undefined, [])).toEqual([{}]);
});
