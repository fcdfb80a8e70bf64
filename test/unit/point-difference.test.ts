import { expect, it } from 'vitest';
import { isRenormalised } from '../../src/qdrant/encoding/point-difference.js';
import { encodePoint } from '../support/encode-point.js';

const point = (vector: number[]) => ({
  bytes: encodePoint({ id: '1', vectors: { '': vector }, payload: '{}' }, '1.17'),
});
const isNear = (one: number[], other: number[]) => isRenormalised(point(one), point(other), new Set(['']));

it('takes a float16 vector for normalised again when it differs by its rounding', () => {
  expect(isNear([0.5, 0.5], [0.50048828125, 0.5])).toBe(true);
  expect(isNear([0.5, 0.5], [0.51, 0.5])).toBe(false);
});

it.each([
  [
    [NaN, 0.5],
    [0.5, 0.5],
  ],
  [
    [0.5, 0.5],
    [0.5, NaN],
  ],
])('never takes %j for %j normalised again: NaN is near to nothing', (one, other) => {
  expect(isNear(one, other)).toBe(false);
});
