// What Prometheus reads of real workers: jobs that succeeded, failed, and were started by a schedule of a policy.

import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Client, Connection, ScheduleOverlapPolicy } from '@temporalio/client';
import { freePorts } from '../../src/local/index.js';
import { CONTROL_QUEUE, scheduleId } from '../../src/model/names.js';
import { JOB_METRICS } from '../../src/model/metrics.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { ferry } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { namesIn, scrape, valueOf } from '../support/scraped-metrics.js';

let stack: BackupStack;
let ports: { control: number; data: number };
beforeAll(async () => {
  const [control, data] = (await freePorts(2)) as [number, number];
  ports = { control, data };
  stack = await startBackupStack({ metricsPorts: ports });
  await fillRandom(stack.source, { name: 'docs', points: 200 });
});
afterAll(async () => stack?.stop());

const full = { operation: 'fullBackup', cluster: 'source', policy: '' };

it('counts a backup and its bytes, and one that failed', async () => {
  expect(await ferry(stack, 'backup', 'source')).toMatchObject({ code: 0 });
  const failed = await ferry(stack, 'backup', 'source', 'nowhere');
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('CollectionNotFound') });
  await vi.waitFor(async () =>
    expect(await scrape(ports.control)).toMatch(/ferry_jobs_total.*outcome="failed"/),
  );
  const text = await scrape(ports.control);
  expect([...namesIn(text)]).toEqual(expect.arrayContaining(Object.keys(JOB_METRICS)));
  expect(valueOf(text, 'ferry_jobs_total', { ...full, outcome: 'verified' })).toBe(1);
  expect(valueOf(text, 'ferry_jobs_total', { ...full, outcome: 'failed' })).toBe(1);
  expect(valueOf(text, 'ferry_job_collections_total', { ...full, outcome: 'verified' })).toBe(1);
  expect(valueOf(text, 'ferry_job_bytes_total', full)).toBeGreaterThan(10_000);
  expect(namesIn(await scrape(ports.data))).toContain('temporal_worker_task_slots_available');
});

it('counts a job by the policy whose schedule started it', async () => {
  const connection = await Connection.connect({ address: stack.temporal.address });
  try {
    await new Client({ connection }).schedule.create({
      scheduleId: scheduleId('nightly', 'source', 'full'),
      spec: {},
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
      state: { triggerImmediately: true },
      action: {
        type: 'startWorkflow',
        workflowType: 'fullBackup',
        taskQueue: CONTROL_QUEUE,
        args: [{ cluster: 'source', collections: ['docs'] }],
      },
    });
    const counted = { ...full, policy: 'nightly', outcome: 'verified' };
    await vi.waitFor(
      async () => expect(valueOf(await scrape(ports.control), 'ferry_jobs_total', counted)).toBe(1),
      { timeout: 120_000, interval: 250 },
    );
  } finally {
    await connection.close();
  }
});

it('names the port that is not free', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, '0.0.0.0', () => resolve((taken.address() as { port: number }).port)),
  );
  try {
    const run = await ferry(stack, 'worker', '--role', 'data', '--metrics-port', String(port));
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain(`The metrics cannot be served on port ${port}: Address already in use`);
    expect(run.stderr).toContain('--metrics-port');
  } finally {
    taken.close();
  }
});
