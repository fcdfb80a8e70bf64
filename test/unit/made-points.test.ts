import { createHash } from 'node:crypto';
import { parse } from 'lossless-json';
import { expect, it } from 'vitest';
import { samplePoints, sampleQueries } from '../../demo/debian-packages.js';
import { madePoints } from '../../demo/made-points.js';

const hashOf = (count: number, seed: number) =>
  createHash('sha256')
    .update([...madePoints(count, seed)].join('\n'))
    .digest('hex');

it('makes the same points from the same seed and others from another', () => {
  expect(hashOf(500, 1)).toBe(hashOf(500, 1));
  expect(hashOf(500, 1)).not.toBe(hashOf(500, 2));
});

it('gives every made point an id of its own', () => {
  const ids = [...madePoints(20_000)].map((text) => text.slice(0, text.indexOf(',')));
  expect(new Set(ids).size).toBe(20_000);
});

it('reads 4,000 packages with unit vectors of 384 dimensions', async () => {
  const points = await samplePoints();
  expect(points).toHaveLength(4_000);
  const point = parse(points[2_345]!) as { vector: unknown[]; payload: { package: string } };
  const length = point.vector.reduce<number>((sum, value) => sum + Number(value) ** 2, 0);
  expect(point.vector).toHaveLength(384);
  expect(length).toBeCloseTo(1, 2);
  expect(point.payload.package).not.toBe('');
});

it('knows twenty queries', async () => {
  expect(await sampleQueries()).toHaveLength(20);
});
