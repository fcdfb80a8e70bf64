// What the last runs of a schedule tell, as Temporal has them.

import { WorkflowNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { expect, it } from 'vitest';
import { failedRun, longestRunSeconds } from '../../src/policies/measured-runs.js';

const BEGAN = Date.parse('2026-11-28T02:00:00Z');

/** Runs in the order in which they were started: how each ended, and after how many seconds. */
function scheduleWith(...runs: [status: string, seconds?: number][]) {
  const recentActions = runs.map((_, at) => ({ action: { workflow: { workflowId: `run-${at}` } } }));
  const describe = (id: string) => {
    const [status = '', seconds] = runs[Number(id.slice(4))] ?? [];
    if (status === 'gone') throw new WorkflowNotFoundError('gone', id, undefined);
    const closeTime = seconds === undefined ? {} : { closeTime: new Date(BEGAN + seconds * 1_000) };
    return Promise.resolve({ status: { name: status }, startTime: new Date(BEGAN), ...closeTime });
  };
  const getHandle = (id: string) => ({ describe: async () => describe(id) });
  const at = { client: { workflow: { getHandle } }, ask: <T>(question: () => Promise<T>) => question() };
  return [at as never, { info: { recentActions } } as unknown as ScheduleDescription] as const;
}

it.each([
  [
    'the run that ended last failed',
    [
      ['COMPLETED', 5],
      ['FAILED', 5],
    ],
    'run-1',
  ],
  ['it ran out of time', [['TIMED_OUT', 5]], 'run-0'],
  ['one still runs, and the one before failed', [['FAILED', 5], ['RUNNING']], 'run-0'],
  [
    'it failed once, and not the last time',
    [
      ['FAILED', 5],
      ['COMPLETED', 5],
    ],
    undefined,
  ],
  [
    'somebody ended it',
    [
      ['FAILED', 5],
      ['TERMINATED', 5],
    ],
    undefined,
  ],
  ['Temporal does not have it any more', [['FAILED', 5], ['gone']], 'run-0'],
  ['there was none', [], undefined],
] as [string, [string, number?][], string | undefined][])(
  'tells whether a schedule fails: %s',
  async (_, runs, failed) => {
    expect(await failedRun(...scheduleWith(...runs))).toBe(failed);
  },
);

it('measures the longest of the last three runs that completed', async () => {
  const runs = scheduleWith(['COMPLETED', 90], ['COMPLETED', 20], ['FAILED', 70], ['COMPLETED', 30]);
  expect(await longestRunSeconds(...runs)).toBe(30);
  expect(await longestRunSeconds(...scheduleWith(['FAILED', 70]))).toBeUndefined();
});
