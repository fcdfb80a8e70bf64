// qdrant-ferry as it is used: the workflow `scrollMigration` on a Temporal server, worked on by the two worker
// processes. The phases are told apart by the times in the workflow's history.

import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { CONTROL_QUEUE, writeLockId } from '../../src/model/names.js';
import type { MigrationReport } from '../../src/model/contracts/results.js';
import { CpuRecorder, forgetPeak, peakBytes } from '../process-usage.js';
import type { Contestant, Course, Outing } from './contestant.js';
import { activitySpan } from './activity-span.js';

export const OUR_COPY = 'qdrant-ferry, copy';
export const OUR_PROOF = 'qdrant-ferry, copy and full verification';
export const OUR_JOB = 'qdrant-ferry, whole workflow';

export const ours: Contestant = {
  lines: [OUR_COPY, OUR_PROOF, OUR_JOB],
  wantsTarget: false,
  run: async (course) => {
    const connection = await Connection.connect({ address: course.stage.temporal.address });
    try {
      return await migrate(new Client({ connection }), course);
    } finally {
      await connection.close();
    }
  },
};

async function migrate(client: Client, course: Course): Promise<Outing> {
  const { stage, collection, slices, batchBytes } = course;
  const [control, data] = [stage.control.pid, stage.data.pid];
  const cpu = new CpuRecorder([control, data]);
  await forgetPeak(data);
  await cpu.start();
  const began = Date.now();
  await client.workflow.execute('scrollMigration', {
    taskQueue: CONTROL_QUEUE,
    workflowId: `bench/${randomUUID()}`,
    args: [
      {
        ...{ source: 'source', target: 'target', collections: [collection] },
        ...{ awaitIndexing: false, onFailure: 'fail', slices, batchBytes },
      },
    ],
  });
  const ended = Date.now();
  await cpu.stop();
  const child = client.workflow.getHandle(writeLockId('target', collection));
  requireProof((await child.result()) as MigrationReport, course.points);
  const { events } = await child.fetchHistory();
  const copy = activitySpan(events ?? [], 'copySlice');
  const digest = activitySpan(events ?? [], 'digestSlice');
  const peak = await peakBytes(data);
  const line = (from: number, to: number) => ({
    seconds: (to - from) / 1_000,
    cpuSeconds: cpu.between(from, to),
    peakBytes: peak,
  });
  return {
    [OUR_COPY]: line(copy.from, copy.to),
    [OUR_PROOF]: line(copy.from, digest.to),
    [OUR_JOB]: line(began, ended),
  };
}

function requireProof(report: MigrationReport, points: number): void {
  const { outcome, repaired, proof } = report;
  if (outcome !== 'verified' || report.points !== points || proof.targetCount !== points)
    throw new Error(`the migration ended as ${outcome} with ${report.points} of ${points} points`);
  if (repaired.upserted + repaired.deleted > 0) throw new Error('the migration had something to repair');
}
