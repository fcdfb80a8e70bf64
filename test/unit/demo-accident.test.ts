// Which slices the death of the demo's worker interrupted, and whether each went on.

import { expect, it } from 'vitest';
import { planAccident } from '../../demo/accident.js';
import type { Heartbeat } from '../../src/cli/watch/heartbeats.js';
import type { JobView } from '../../src/cli/watch/job-view.js';
import type { LocalProcess } from '../../src/local/index.js';

const COLLECTION = 'made';

function fakeWorker(): LocalProcess {
  let pid = 1;
  return {
    get pid() {
      return pid;
    },
    kill: () => Promise.resolve(),
    start: () => {
      pid += 1;
      return Promise.resolve();
    },
  } as unknown as LocalProcess;
}

function slice(number: number, change: Partial<Heartbeat> = {}): Heartbeat {
  const what = `copy slice ${number} of 4 of ${COLLECTION}`;
  return { what, points: 60, cursor: '61', rate: 10, attempt: 1, running: true, ...change };
}

function view(...heartbeats: Heartbeat[]): JobView {
  const status = {
    operation: 'scrollMigration',
    phase: 'copying',
    points: 0,
    total: 400,
    slicesDone: 0,
    slices: 4,
  };
  const one = { collection: COLLECTION, workflowId: 'job/made', state: 'running', status, heartbeats };
  return { operation: 'scrollMigration', phase: 'copying', collections: [one] } as unknown as JobView;
}

async function storyOf(...looks: JobView[]) {
  const said: string[] = [];
  const accident = planAccident(fakeWorker(), COLLECTION, (line) => said.push(line));
  for (const look of looks) {
    accident.onLook(look);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { story: await accident.story(), said: said.join('\n') };
}

const whole = [slice(1), slice(2), slice(3), slice(4)];

it('interrupts every slice that the worker has, and sees each go on', async () => {
  const again = whole.map((one) => ({ ...one, attempt: 2 }));
  const { story, said } = await storyOf(view(...whole), view(...whole), view(...again));
  expect(story).toMatchObject({ working: 4, killedPid: 1, newPid: 2, points: 240, total: 400 });
  expect(story?.slices.map(({ pointsAfter }) => pointsAfter)).toEqual([60, 60, 60, 60]);
  expect(said).toContain('slice 3 of 4, attempt 2: continues at id 61, 60 points done before');
});

it('does not interrupt a slice that waits for its next attempt already', async () => {
  const waiting = slice(3, { attempt: 2, running: false });
  const before = view(slice(1), slice(2), waiting, slice(4));
  const after = [1, 2, 4].map((number) => slice(number, { attempt: 2 }));
  const { story } = await storyOf(before, before, view(...after, { ...waiting, running: true }));
  expect(story?.working).toBe(3);
  expect(story?.slices).toHaveLength(3);
});

it('does not interrupt a slice that ends before the worker does', async () => {
  const after = [1, 2, 3].map((number) => slice(number, { attempt: 2 }));
  const { story } = await storyOf(view(...whole), view(...after));
  expect(story?.working).toBe(3);
  expect(story?.slices).toHaveLength(3);
});

it('kills nobody while every slice waits', async () => {
  const { story } = await storyOf(view(...whole.map((one) => ({ ...one, running: false }))));
  expect(story).toBeUndefined();
});
