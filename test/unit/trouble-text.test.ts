import type { WorkflowExecutionDescription } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { defaultPayloadConverter } from '@temporalio/common';
import { heartbeatsOf } from '../../src/cli/watch/heartbeats.js';
import { attendedIn } from '../../src/cli/watch/job-view.js';
import { troublesOf, type Trouble } from '../../src/cli/watch/pending-work.js';
import { failureLines, queueLine, stuckIn, waitLines } from '../../src/cli/watch/troubles.js';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const time = (ms: number) => ({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1e6 });
const iso = (ms: number) => new Date(ms).toISOString();
const [SCHEDULED, STARTED] = [1, 2];

function pending(activity: Record<string, unknown>): WorkflowExecutionDescription {
  const activityOptions = { taskQueue: { name: 'ferry-data' }, heartbeatTimeout: { seconds: 30 } };
  const common = { activityType: { name: 'copySlice' }, attempt: 1, activityOptions };
  const raw = { pendingActivities: [{ ...common, ...activity }] };
  return { raw } as unknown as WorkflowExecutionDescription;
}

const failed = {
  message: 'Qdrant answered 500: no',
  applicationFailureInfo: { type: 'QdrantUnavailable' },
};

describe('what a workflow waits for', () => {
  it('is nothing while its activities run and are heard of, or have just been handed out', () => {
    const running = {
      state: STARTED,
      lastStartedTime: time(NOW - 60_000),
      lastHeartbeatTime: time(NOW - 9_000),
    };
    expect(troublesOf(pending(running), NOW)).toEqual([]);
    expect(troublesOf(pending({ state: SCHEDULED, scheduledTime: time(NOW - 2_000) }), NOW)).toEqual([]);
  });

  it('is the next attempt, with what ended the last one', () => {
    const backoff = {
      ...{ state: SCHEDULED, attempt: 4, maximumAttempts: 10, lastFailure: failed },
      nextAttemptScheduleTime: time(NOW + 34_000),
    };
    const troubles = troublesOf(pending(backoff), NOW);
    expect(troubles[0]).toMatchObject({ queue: 'ferry-data', nextTryAt: iso(NOW + 34_000) });
    expect(failureLines(troubles, NOW).map(({ line }) => line)).toEqual([
      'copySlice: attempt 3 of 10 failed, the next one in 34 s. QdrantUnavailable: Qdrant answered 500: no',
    ]);
  });

  it('is a worker, where no worker has taken a task, or the one that took it is silent', () => {
    const waiting = troublesOf(pending({ state: SCHEDULED, scheduledTime: time(NOW - 8_000) }), NOW);
    expect(waiting[0]).toMatchObject({ waitsSince: iso(NOW - 8_000) });
    const started = { state: STARTED, lastStartedTime: time(NOW - 13_000), lastWorkerIdentity: 'w@1' };
    expect(troublesOf(pending(started), NOW)[0]).toMatchObject({ worker: 'w@1', heardAt: iso(NOW - 13_000) });
  });

  it('is its turn, where another activity runs on the queue and is heard of', () => {
    const beat = defaultPayloadConverter.toPayload({ v: 1, what: 'copy slice 1 of docs' });
    const heartbeatDetails = { payloads: [beat] };
    const attended = (activity: Record<string, unknown>) =>
      attendedIn([{ heartbeats: heartbeatsOf(pending({ heartbeatDetails, ...activity }), NOW) }]);
    const heard = {
      state: STARTED,
      lastStartedTime: time(NOW - 60_000),
      lastHeartbeatTime: time(NOW - 9_000),
    };
    expect([...attended(heard)]).toEqual(['ferry-data']);
    expect([...attended({ ...heard, lastHeartbeatTime: time(NOW - 13_000) })]).toEqual([]);
    expect([...attended({ ...heard, state: SCHEDULED })]).toEqual([]);
  });

  it('is what a running activity says that it waits for', () => {
    const beat = { v: 1, what: 'recover shard 1 of 2 of docs', waits: 'The connection broke. Asked again.' };
    const payloads = [defaultPayloadConverter.toPayload(beat)];
    const started = { lastStartedTime: time(NOW - 60_000), lastHeartbeatTime: time(NOW - 1_000) };
    const troubles = troublesOf(pending({ state: STARTED, ...started, heartbeatDetails: { payloads } }), NOW);
    expect(waitLines(troubles).map(({ line }) => line)).toEqual([
      'recover shard 1 of 2 of docs waits: The connection broke. Asked again.',
    ]);
    expect(failureLines(troubles, NOW)).toEqual([]);
  });

  it('is said in one line for all activities that failed alike', () => {
    const one = (attempt: number): Trouble => ({
      ...{ what: `copy slice ${attempt} of docs`, activity: 'copySlice', attempt },
      error: { code: 'QdrantUnavailable', message: 'no' },
    });
    expect(failureLines([one(2), one(5), one(3)], NOW).map(({ line }) => line)).toEqual([
      'copy slice 5 of docs (and 2 more): attempt 4 failed, attempt 5 runs. QdrantUnavailable: no',
    ]);
  });
});

describe('the line of a queue', () => {
  const waiting: Trouble = {
    what: 'copySlice',
    activity: 'copySlice',
    attempt: 1,
    waitsSince: iso(NOW - 8_000),
  };
  const silent: Trouble = { what: 'x', activity: 'x', attempt: 1, worker: 'w@1', heardAt: iso(NOW - 13_000) };

  it('says that nobody polls it, and since when a task waits', () => {
    expect(queueLine('q', [waiting], [], NOW)).toBe(
      'No worker polls q: copySlice has waited there for 8.0 s. The job waits for one (ferry worker --role data).',
    );
  });

  it('is not there while work of the same job is done on the queue, unless a worker is silent', () => {
    const [first, second] = [waiting, silent].map((one) => ({ ...one, queue: 'q' })) as [Trouble, Trouble];
    expect(stuckIn([first, second], new Set(['q']))).toEqual([second]);
    expect(stuckIn([first, second], new Set(['other']))).toEqual([first, second]);
  });

  it('calls a worker that polled a while ago neither dead nor alive', () => {
    const line = queueLine('q', [waiting], [{ worker: 'w@2', at: NOW - 20_000 }], NOW);
    expect(line).toContain('w@2 polled it 20 s ago and is busy, or has ended.');
  });

  it('does not take the last poll of a silent worker for a sign of life', () => {
    const polls = [{ worker: 'w@1', at: NOW - 20_000 }];
    expect(queueLine('q', [silent], polls, NOW)).toMatch(
      /^No worker polls q: w@1 has sent no heartbeat for 13 s\./,
    );
    expect(queueLine('q', [silent], [...polls, { worker: 'w@2', at: NOW }], NOW)).toMatch(
      /^A worker of q does not respond/,
    );
  });
});
