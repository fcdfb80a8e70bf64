// How far a collection's indexes were built when the job stopped waiting for them. The proof is not affected: every point
// is there, and searches work, only more slowly.

import { whole } from './steering.js';

export interface Indexing {
  /** Vectors that are in an index. */
  indexed: number;
  /** Vectors that there are. Of a collection with several for each point, at most so many: a point may lack some. */
  vectors: number;
  isAtMost?: boolean;
  /** Why the rest is not. */
  reason: string;
}

/** "4,488 of 12,000 vectors indexed" */
export function indexingText({ indexed, vectors, isAtMost }: Omit<Indexing, 'reason'>): string {
  return `${whole(indexed)} of ${isAtMost ? 'up to ' : ''}${whole(vectors)} vectors indexed`;
}

/** Of several collections together. */
export function sumOfIndexing(all: readonly Indexing[]): Omit<Indexing, 'reason'> | undefined {
  if (all.length === 0) return undefined;
  return {
    indexed: all.reduce((sum, one) => sum + one.indexed, 0),
    vectors: all.reduce((sum, one) => sum + one.vectors, 0),
    ...(all.some((one) => one.isAtMost) ? { isAtMost: true } : {}),
  };
}
