import { describe, expect, it } from 'vitest';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { addLine, failedLine, jobReport, newJobProgress } from '../../src/model/state/job-report.js';
import { stateOfTarget } from '../../src/model/state/outcome.js';
import { bar, renderCollection, renderJob } from '../../src/model/state/progress.js';
import { applyCommand, objection, parseCommand, sharePace, whole } from '../../src/model/state/steering.js';

const status: CollectionStatus = {
  v: 1,
  operation: 'scrollMigration',
  phase: 'copying',
  source: 'a/docs',
  target: 'b/docs',
  points: 1_200,
  total: 4_000,
  bytes: 0,
  slicesDone: 1,
  slices: 4,
  verifiedPoints: 0,
  paused: false,
  startedAt: '2026-01-01T00:00:00.000Z',
};
const details = { title: 'docs: a → b', copyMs: 600, verifyMs: 0, pace: {} };

describe('the details of a collection', () => {
  it('show how far it is, how fast, and the time left', () => {
    expect(renderCollection(status, details)).toBe(
      [
        '**docs: a → b**: copying',
        '',
        '`███████░░░░░░░░░░░░░░░░░ 30 %` 1,200 of 4,000 points, 2,000 points/s, about 2 s left',
        '',
        '- slices: 1 of 4 in this pass',
        '- errors of attempts that are retried: under Pending Activities on this page, and in `ferry status`',
        '',
        'What you can do: send the update `pause`, `throttle`, or `abort`.',
      ].join('\n'),
    );
  });

  it('say why it waits and what to send', () => {
    const parked: CollectionStatus = { ...status, phase: 'awaiting-operator', attention: 'Disk full.' };
    const text = renderCollection(parked, { ...details, lastError: 'x' });
    expect(text).toContain('**Waiting for an operator.** Disk full.');
    expect(text).toContain('`retry`');
    expect(text).toContain('last error: x');
  });

  it('name the limit when there is one', () => {
    expect(renderCollection(status, { ...details, pace: { maxPointsPerSecond: 4_000 } })).toContain(
      'at most 4,000 points/s',
    );
  });

  it('survive an empty collection', () => expect(bar(0, 0)).toContain('0 %'));
});

describe('the details of a job', () => {
  it('list twenty collections, troubles first, and count the rest', () => {
    const collections = Array.from({ length: 30 }, (_, n) => ({
      collection: `c${n}`,
      state: n === 29 ? ('failed' as const) : ('waiting' as const),
      points: 0,
      ...(n === 29 ? { note: 'SliceStalled: no\nstack' } : {}),
    }));
    const text = renderJob({
      operation: 'scrollMigration',
      source: 'a',
      target: 'b',
      phase: 'copying',
      collections,
      finished: 1,
      known: 30,
      moreToCome: true,
      pace: {},
    });
    const lines = text.split('\n').filter((line) => line.startsWith('- '));
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('- c29 — failed: SliceStalled: no');
    expect(lines.at(-1)).toBe('- and 10 more');
    expect(text).toContain('1 of 30 or more collections');
  });
});

describe('the report of a job', () => {
  it('keeps troubles in preference to successes when it grows too large', () => {
    const progress = newJobProgress('2026-01-01T00:00:00.000Z');
    const names = (n: number) => ({
      collection: `collection-${n}`,
      as: `other-${n}`,
      workflowId: `ferry/b/other-${n}`,
    });
    for (let n = 0; n < 400; n += 1) addLine(progress, { ...names(n), outcome: 'verified', points: 5 }, 100);
    addLine(progress, failedLine(names(999), 'SliceStalled', `é${'x'.repeat(2_000)}`), 0);
    const report = jobReport(
      'scrollMigration',
      progress,
      { source: 'a', target: 'b' },
      Date.parse('2026-01-01T00:01:00.000Z'),
    );
    expect(report).toMatchObject({ outcome: 'failed', verified: 400, failed: 1, points: 2_000, seconds: 60 });
    expect(report.collections.at(-1)?.error).toMatch(/^SliceStalled: é/);
    expect(report.collections.length + report.more).toBe(401);
    expect(new TextEncoder().encode(JSON.stringify(report)).length).toBeLessThan(12 * 1024);
  });

  it('tells the state of the target', () => {
    expect(stateOfTarget({ cluster: 'b', collection: 'docs' }, 1_200, 4_000, true)).toBe(
      'docs on b has 1,200 of 4,000 points, indexing restored; start the same job again to continue',
    );
  });
});

describe('a command', () => {
  it('changes only the limits it names, and null takes one away', () => {
    const now = { maxPointsPerSecond: 100, maxMegabytesPerSecond: 5 };
    expect(parseCommand('throttle', { maxPointsPerSecond: 7 }, now)).toEqual({
      do: 'throttle',
      pace: { maxPointsPerSecond: 7, maxMegabytesPerSecond: 5 },
    });
    expect(parseCommand('throttle', { maxMegabytesPerSecond: null }, now)).toEqual({
      do: 'throttle',
      pace: { maxPointsPerSecond: 100 },
    });
  });

  it.each([[{}], [{ maxPointsPerSecond: 0 }], [{ speed: 3 }], [undefined]])(
    'refuses the pace %j',
    (argument) => {
      expect(() => parseCommand('throttle', argument, {})).toThrow();
    },
  );

  it('is refused once the job is done or being aborted', () => {
    const state = { paused: false, pace: {} };
    expect(objection({ do: 'pause' }, state, 'done')).toBeDefined();
    applyCommand({ do: 'abort' }, state);
    expect(objection({ do: 'pause' }, state, 'copying')).toBeDefined();
  });

  it('shares a pace out', () => {
    expect(sharePace({ maxPointsPerSecond: 100 }, 4)).toEqual({ maxPointsPerSecond: 25 });
    expect(sharePace({}, 4)).toEqual({});
    expect(whole(1_234_567.4)).toBe('1,234,567');
  });
});
