// What a collection was when a backup of it was taken, by a reader that shares nothing with the product; and that a recovery
// brings back exactly that.

import { expect } from 'vitest';
import type { JobReport } from '../../src/model/contracts/results.js';
import { compareTaken, takeSide, type TakenSide } from './compare-sides.js';
import { ferry, reportOf } from './ferry-command.js';
import { collectionPath, rest } from './rest-text.js';
import type { TestStack } from './test-stack.js';

export interface Moment {
  backup: string;
  taken: TakenSide;
  /** Of an increment by a field: what it holds is not known to be all that changed. */
  isStamped?: boolean;
}

export async function backUp(stack: TestStack, collection: string, ...more: string[]): Promise<JobReport> {
  const run = await ferry(stack, 'backup', 'source', collection, '--json', ...more);
  expect([run.code, run.stderr]).toEqual([0, run.stderr]);
  return reportOf(run);
}

/** Nobody has written since the backup. */
export async function momentOf(stack: TestStack, collection: string, backup = ''): Promise<Moment> {
  return { backup, taken: await takeSide(stack.side('source', collection)) };
}

export async function expectRecovered(
  stack: TestStack,
  collection: string,
  { backup, taken, isStamped = false }: Moment,
): Promise<void> {
  const as = `${collection}-back`;
  const run = await ferry(
    stack,
    ...['restore', 'target', collection, '--backup', backup, '--as', as, '--json'],
  );
  expect([backup, run.code, run.stderr]).toEqual([backup, 0, run.stderr]);
  expect(reportOf(run).collections[0]).toMatchObject({ outcome: isStamped ? 'unproven' : 'verified' });
  const found = compareTaken(taken, await takeSide(stack.side('target', as)));
  expect([backup, found.differences, found.configuration]).toEqual([backup, [], []]);
  await rest(stack.target, 'DELETE', collectionPath(as));
}
