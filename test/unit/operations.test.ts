import { describe, expect, it } from 'vitest';
import { reportText } from '../../src/cli/jobs/report-text.js';
import { progressOf } from '../../src/cli/watch/job-view.js';
import { progressLine } from '../../src/cli/watch/progress-display.js';
import { detailsText } from '../../src/cli/jobs/status.js';
import type { CollectionStatus, JobReport } from '../../src/model/contracts/results.js';
import type { Phase, Command } from '../../src/model/state/steering.js';
import { OPERATION_NAMES, operations, type OperationName } from '../../src/model/operations.js';
import { steeringAnswer, steeringDescriptions } from '../../src/model/steering-words.js';
import { renderCollection, standingText } from '../../src/model/state/progress.js';

describe('the answer to a command', () => {
  const shards = '1 of 4 shards';

  it.each([
    ['snapshotMigration', 'copying'],
    ['fullBackup', 'capturing'],
    ['disasterRecovery', 'copying'],
    ['rehearseRecovery', 'awaiting-operator'],
  ] as const)('takes effect at the next shard of a %s that is %s, and says so', (operation, phase) => {
    const answer = (command: Command) => steeringAnswer(operation, phase, command, shards);
    expect(answer({ do: 'pause' })).toBe(
      'Pausing: the shards in flight are finished first. 1 of 4 shards. Send `resume` to continue.',
    );
    expect(answer({ do: 'throttle', pace: { maxMegabytesPerSecond: 5 } })).toBe(
      'The limit is at most 5 MB/s from the next shard; shards in flight keep theirs. 1 of 4 shards.',
    );
  });

  it('says that a limit in points does not apply to shards', () => {
    const pace = { maxPointsPerSecond: 500 };
    const answer = steeringAnswer('disasterRecovery', 'copying', { do: 'throttle', pace }, shards);
    expect(answer).toContain('only where points are read, not to shards');
  });

  it.each([
    ['scrollMigration', 'copying'],
    ['snapshotMigration', 'verifying'],
    ['fullBackup', 'verifying'],
    ['disasterRecovery', 'finishing'],
  ] as const)('takes effect at once in a %s that is %s', (operation, phase) => {
    const answer = (command: Command) => steeringAnswer(operation, phase, command, shards);
    expect(answer({ do: 'pause' })).toContain('the batches in flight are finished first');
    expect(answer({ do: 'throttle', pace: { maxPointsPerSecond: 5 } })).toBe(
      'The limit is now at most 5 points/s. 1 of 4 shards.',
    );
  });

  it.each([
    ['scrollMigration', 'copying', 'indexing is restored'],
    ['snapshotMigration', 'copying', 'once the nodes have finished the shards in flight'],
    ['verifyCollections', 'verifying', 'Nothing was written'],
    ['fullBackup', 'capturing', 'their uploads removed'],
    ['disasterRecovery', 'verifying', 'not verified yet is removed'],
    ['rehearseRecovery', 'verifying', 'on the scratch cluster is removed'],
  ] as const)('to an abort of a %s that is %s says: %s', (operation, phase, words) => {
    expect(steeringAnswer(operation, phase, { do: 'abort' }, shards)).toContain(words);
  });
});

describe.each(OPERATION_NAMES)('the row of %s', (name) => {
  it('describes every command', () => {
    for (const text of Object.values(steeringDescriptions(name))) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('works in one of its phases', () => {
    const { phases, working } = operations[name];
    expect(phases).toHaveProperty(working);
    expect(Object.keys(phases).at(0)).toBe('planning');
    expect(Object.keys(phases).at(-1)).toBe('done');
  });
});

const source = { cluster: 'a', collection: 'docs' };
const target = { cluster: 'b', collection: 'docs' };
const shards = { done: 1, of: 4, bytes: 12e6 };

function statusOf(operation: OperationName, phase: Phase): CollectionStatus {
  return {
    v: 1,
    operation,
    phase,
    source: 'a/docs',
    target: 'b/docs',
    points: 1_000,
    total: 4_000,
    bytes: 12e6,
    slicesDone: 0,
    slices: 0,
    verifiedPoints: ['verifying', 'repairing', 'finishing'].includes(phase) ? 2_000 : 0,
    paused: false,
    startedAt: '2026-01-01T00:00:00.000Z',
    ...(operations[operation].shardPhases.length > 0 ? { shards } : {}),
  } as CollectionStatus;
}

/** Everything that is shown of a collection in that phase, and of the job once it has ended. */
function shownOf(operation: OperationName, phase: Phase): string[] {
  const status = statusOf(operation, phase);
  const collection = {
    collection: 'docs',
    workflowId: 'x',
    state: 'running' as const,
    status,
    heartbeats: [],
    troubles: [],
  };
  const view = { operation, phase, paused: false, collections: [collection], troubles: [] };
  const head = { workflowId: 'x', status: 'RUNNING', startedAt: status.startedAt, link: 'l' };
  return [
    renderCollection(status, { title: 'docs: a → b', copyMs: 0, verifyMs: 0, pace: {} }),
    standingText(status, { source, target }),
    progressLine(progressOf(view), undefined),
    ...detailsText({ ...head, type: operations[operation].child, collection }),
    ...reportText(reportOf(operation)),
    ...detailsText({
      ...head,
      status: 'COMPLETED',
      type: operations[operation].child,
      result: { operation, outcome: 'verified', points: 4_000 },
    }),
  ];
}

function reportOf(operation: OperationName): JobReport {
  const line = { collection: 'docs', outcome: 'verified' as const, points: 4_000, workflowId: 'x' };
  const counts = { more: 0, verified: 1, different: 0, failed: 0, points: 4_000, bytes: 12e6, seconds: 4 };
  return { operation, source: 'a', target: 'b', outcome: 'verified', collections: [line], ...counts };
}

/** Words that belong to some operations only. */
const OWN_WORDS: [RegExp, readonly OperationName[]][] = [
  [/\bcopying\b/, ['scrollMigration']],
  [/\bcopied\b/, ['scrollMigration', 'snapshotMigration']],
  [/\bmoving\b/, ['snapshotMigration']],
  [/\bcompared\b|\bcomparing docs\b/, ['verifyCollections']],
  [
    /\bcapturing|\bdigest(ed|ing)|\bstored\b|every object checked|manifest/,
    ['fullBackup', 'incrementalBackup'],
  ],
  [/\brecovered\b/, ['disasterRecovery']],
  [/\brecovering\b/, ['disasterRecovery', 'rehearseRecovery']],
  [/\brehearsed\b/, ['rehearseRecovery']],
  [
    /\bshards?\b/,
    ['snapshotMigration', 'fullBackup', 'incrementalBackup', 'disasterRecovery', 'rehearseRecovery'],
  ],
];
const everyPhase = OPERATION_NAMES.flatMap((operation) =>
  [
    ...(Object.keys(operations[operation].phases) as Phase[]),
    'paused' as const,
    'awaiting-operator' as const,
  ].map((phase) => [operation, phase] as const),
);

it.each(everyPhase)('%s in the phase %s is shown in no words of another operation', (operation, phase) => {
  const shown = shownOf(operation, phase).join('\n');
  for (const [words, owners] of OWN_WORDS) if (!owners.includes(operation)) expect(shown).not.toMatch(words);
});

it.each([
  [
    'scrollMigration',
    'copying',
    '1,000 of 4,000 points of docs are on b',
    'copying docs: 25 %  1,000 of 4,000 points',
  ],
  [
    'scrollMigration',
    'verifying',
    '2,000 of 4,000 points of docs are verified',
    'verifying docs: 50 %  2,000 of 4,000 points',
  ],
  [
    'snapshotMigration',
    'copying',
    '1 of 4 shards (12 MB) of docs are on b',
    'moving docs: 25 %  1 of 4 shards',
  ],
  [
    'verifyCollections',
    'repairing',
    '2,000 of 4,000 points of docs are compared',
    'comparing docs: 50 %  2,000 of 4,000 points',
  ],
  [
    'fullBackup',
    'verifying',
    '2,000 of 4,000 points of docs are digested',
    'digesting docs: 50 %  2,000 of 4,000 points',
  ],
  [
    'fullBackup',
    'capturing',
    '1 of 4 shards (12 MB) of docs are in b',
    'capturing docs: 25 %  1 of 4 shards',
  ],
  ['fullBackup', 'checking', 'docs: checking', 'checking docs'],
  [
    'incrementalBackup',
    'capturing',
    '1 of 4 shards (12 MB) of docs are in b',
    'capturing docs: 25 %  1 of 4 shards',
  ],
  [
    'disasterRecovery',
    'copying',
    '1 of 4 shards (12 MB) of docs are on b',
    'recovering docs: 25 %  1 of 4 shards',
  ],
  [
    'rehearseRecovery',
    'awaiting-operator',
    '1 of 4 shards (12 MB) of docs are on b',
    'parked docs: 25 %  1 of 4 shards',
  ],
] as const)('%s in the phase %s says "%s"', (operation, phase, standing, line) => {
  const shown = shownOf(operation, phase);
  expect(shown[1]).toBe(standing);
  expect(shown[2]).toBe(line);
});

it.each([
  [
    'scrollMigration',
    'docs  verified  4,000  points',
    '4,000 points, 12.0 MB copied, 4.0 s: every point verified equal',
  ],
  [
    'verifyCollections',
    'docs  verified  4,000  points compared',
    '4,000 points compared, 12.0 MB, 4.0 s: every point verified equal',
  ],
  [
    'fullBackup',
    'docs  verified  4,000  points stored',
    '4,000 points stored, 12.0 MB, 4.0 s: every object checked',
  ],
  [
    'incrementalBackup',
    'docs  verified  4,000  points',
    '4,000 points covered, 12.0 MB, 4.0 s: every object checked',
  ],
  [
    'disasterRecovery',
    'docs  verified  4,000  points recovered',
    '4,000 points recovered, 12.0 MB, 4.0 s: every point verified equal',
  ],
  [
    'rehearseRecovery',
    'docs  verified  4,000  points rehearsed',
    '4,000 points rehearsed, 12.0 MB, 4.0 s: every point verified equal',
  ],
] as const)('the report of %s has the line "%s"', (operation, line, summary) => {
  expect(reportText(reportOf(operation))).toEqual([line, `a -> b: 1 collection, ${summary}`]);
});
