import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { bytes, columns, count, seconds } from '../../src/cli/terminal/formatting.js';
import {
  attentionOf,
  pointsDone,
  progressOf,
  quoted,
  type CollectionView,
} from '../../src/cli/watch/job-view.js';
import { heartbeatsOf, heartbeatText, type Heartbeat } from '../../src/cli/watch/heartbeats.js';
import { keepSamples, progressLine, speedOf, type Sample } from '../../src/cli/watch/progress-display.js';

const status = (change: Partial<CollectionStatus> = {}): CollectionStatus =>
  ({
    v: 1,
    operation: 'scrollMigration',
    phase: 'copying',
    source: 'a/docs',
    target: 'b/docs',
    points: 1_000,
    total: 10_000,
    bytes: 0,
    slicesDone: 1,
    slices: 8,
    verifiedPoints: 0,
    paused: false,
    startedAt: '2026-01-01T00:00:00.000Z',
    ...change,
  }) as CollectionStatus;

const beat = (what: string, points: number): Heartbeat => ({
  what,
  points,
  rate: 500,
  attempt: 1,
  running: true,
});

const view = (change: Partial<CollectionView> = {}): CollectionView => ({
  collection: 'docs',
  workflowId: 'ferry/b/docs',
  state: 'running',
  status: status(),
  heartbeats: [],
  troubles: [],
  ...change,
});

const job = (...collections: CollectionView[]) => ({
  operation: 'scrollMigration' as const,
  phase: 'copying' as const,
  paused: false,
  collections,
  troubles: [],
});

describe('the points done', () => {
  it('are the claims returned and what running slices have heartbeated', () => {
    const heartbeats = [beat('copy slice 2 of 8 of docs', 300), beat('copy slice 3 of 8 of docs', 200)];
    expect(pointsDone(view({ heartbeats }))).toBe(1_500);
  });

  it('start again from nothing when the proof begins', () => {
    const proving = status({ phase: 'verifying', points: 10_000, verifiedPoints: 0 });
    expect(pointsDone(view({ status: proving, heartbeats: [beat('digest slice 1 of 8', 40)] }))).toBe(40);
  });

  it('never pass the total, though the source grew', () => {
    expect(pointsDone(view({ status: status({ points: 10_500 }) }))).toBe(10_000);
  });
});

describe('the line of progress', () => {
  it('names phase, collection, points, speed and time left', () => {
    const line = progressLine(progressOf(job(view())), 450);
    expect(line).toBe('copying docs: 10 %  1,000 of 10,000 points  450 points/s  20 s left');
  });

  it('says how many collections are done when there are several', () => {
    const others = [
      view({ collection: 'a', state: 'verified' }),
      view({ collection: 'z', state: 'waiting' }),
    ];
    expect(progressOf(job(...others, view())).label).toBe('docs (1 of 3 done)');
  });

  it('says that it is starting while nothing is known', () => {
    expect(progressLine(progressOf(undefined), undefined)).toBe('starting');
  });
});

describe('the speed', () => {
  const run = (...samples: Sample[]) => samples.reduce<Sample[]>(keepSamples, []);

  it('is measured over the last 15 seconds', () => {
    const samples = run({ at: 0, done: 0 }, { at: 20_000, done: 100 }, { at: 21_000, done: 1_100 });
    expect(samples[0]).toEqual({ at: 0, done: 0 });
    const later = run(...samples, { at: 36_000, done: 2_100 }, { at: 37_000, done: 3_100 });
    expect(later[0]).toEqual({ at: 21_000, done: 1_100 });
    expect(speedOf(later)).toBe(125);
  });

  it('is unknown after one look, and after a step back', () => {
    expect(speedOf(run({ at: 0, done: 50 }))).toBeUndefined();
    expect(speedOf(run({ at: 0, done: 50 }, { at: 2_000, done: 40 }))).toBeUndefined();
  });
});

describe('the heartbeats of running activities', () => {
  const linesOf = (...beats: unknown[]) => {
    const pendingActivities = beats.map((beat) => ({
      attempt: 2,
      heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(beat)] },
    }));
    return heartbeatsOf({ raw: { pendingActivities } } as never).map(heartbeatText);
  };

  it('show points and cursor of a slice, bytes of a file, and of a held call what is being done', () => {
    const slice = {
      v: 1,
      what: 'copy slice 3 of 8',
      state: { points: 400, bytes: 9, cursor: '812' },
      rate: 210,
    };
    const stream = { v: 1, what: 'capture shard 1', state: { bytes: 2_500_000 }, rate: 1_000_000 };
    const push = { v: 1, what: 'recover shard 2', state: { flight: null }, rate: 0, bytes: 12_500_000 };
    const pull = { v: 1, what: 'recover shard 10', state: { flight: { via: 'pull' } }, rate: 0 };
    expect(linesOf(pull, slice, stream, push)).toEqual([
      'capture shard 1: 2.5 MB, 1.0 MB/s, attempt 2',
      'copy slice 3 of 8: 400 points, 210 points/s, at id 812, attempt 2',
      'recover shard 2: 12.5 MB, attempt 2',
      'recover shard 10: attempt 2',
    ]);
  });

  it('leave out what has another form', () => {
    expect(linesOf({ v: 2, what: 'copy' }, 'text', null, { v: 1 })).toEqual([]);
  });
});

describe('what the operator should know', () => {
  it('names the commands for a parked collection', () => {
    const parked = view({ status: status({ phase: 'awaiting-operator', attention: 'the disk is full' }) });
    expect(attentionOf(job(parked), 'job')).toEqual([
      'docs is parked: the disk is full (ferry retry ferry/b/docs, or ferry abort ferry/b/docs)',
    ]);
  });

  it('says how to reach a server of another address', () => {
    const paused = { ...job(view({})), paused: true };
    expect(attentionOf(paused, 'job', 'TEMPORAL_ADDRESS=here:1 ferry')).toEqual([
      'paused; continue with: TEMPORAL_ADDRESS=here:1 ferry resume job',
    ]);
  });

  it('quotes an id that a shell would take apart', () => {
    expect(quoted('ferry/b/my docs')).toBe("'ferry/b/my docs'");
    expect(quoted('ferry/b/docs')).toBe('ferry/b/docs');
  });
});

describe('figures', () => {
  it('are written as people read them', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect(bytes(1_234_567)).toBe('1.2 MB');
    expect(bytes(12)).toBe('12 bytes');
    expect([seconds(4.26), seconds(59), seconds(600), seconds(7_500)]).toEqual([
      '4.3 s',
      '59 s',
      '10 min',
      '2 h 5 min',
    ]);
  });

  it('stand in columns, numbers to the right', () => {
    expect(
      columns(
        [
          ['a', '1'],
          ['bcd', '22'],
        ],
        [1],
      ),
    ).toEqual(['a     1', 'bcd  22']);
  });
});
