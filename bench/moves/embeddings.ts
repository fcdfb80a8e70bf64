// Vectors as a model of text makes them: a few directions hold nearly all in which they differ. Of uniformly random ones
// all are about equally far from each other, and no graph finds the nearest.

import { seededRandom, type SeededRandom } from '../../demo/seeded-random.js';
import { DIMENSION, unitBytes, type VectorMaker } from '../bench-points.js';

const DIRECTIONS = 24;
/** Of each float, beside what the directions give. */
const NOISE = 0.2;

/** The same directions every time. */
export function embeddings(): VectorMaker {
  const random = seededRandom(DIRECTIONS);
  const directions = Array.from({ length: DIRECTIONS }, () => between(random, DIMENSION, 1));
  return (own: SeededRandom) => {
    const floats = between(own, DIMENSION, NOISE);
    for (const direction of directions) {
      const share = own.next() - 0.5;
      for (let i = 0; i < DIMENSION; i++) floats[i]! += share * direction[i]!;
    }
    return unitBytes(floats);
  };
}

function between(random: SeededRandom, count: number, width: number): Float32Array {
  return Float32Array.from({ length: count }, () => (random.next() - 0.5) * width);
}
