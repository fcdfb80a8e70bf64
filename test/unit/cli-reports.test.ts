import { describe, expect, it } from 'vitest';
import { detailsText, listText } from '../../src/cli/jobs/status.js';
import { demoText } from '../../demo/text.js';
import type { DemoResult } from '../../demo/result.js';
import { endText } from '../../src/cli/jobs/report-text.js';
import { catalogue } from '../../src/model/error-catalogue.js';
import { inOrder, type RunningJob } from '../../src/cli/watch/job-details.js';
import { createPaint, wantsColor } from '../../src/cli/terminal/output.js';
import type { JobReport } from '../../src/model/contracts/results.js';

const report: JobReport = {
  operation: 'scrollMigration',
  source: 'a',
  target: 'b',
  outcome: 'different',
  collections: [
    { collection: 'docs', as: 'docs', outcome: 'verified', points: 12_345, workflowId: 'ferry/b/docs' },
    {
      collection: 'img',
      as: 'pictures',
      outcome: 'different',
      points: 7,
      ids: ['3 (changed)'],
      workflowId: 'x',
    },
  ],
  more: 0,
  verified: 1,
  different: 1,
  failed: 0,
  points: 12_352,
  bytes: 1_500_000,
  seconds: 20,
};

describe('a report', () => {
  it('has a line a collection, the ids that differ, a verdict and the link', () => {
    expect(endText({ report }, 'http://ui/x')).toEqual([
      'docs             verified   12,345  points',
      'img -> pictures  different       7  points',
      '  differing ids: 3 (changed)',
      '  workflow x',
      'a -> b: 2 collections, 12,352 points, 1.5 MB copied, 20 s, 618 points/s: 1 verified, 1 different',
      'http://ui/x',
    ]);
  });

  it('of a rehearsal tells what searches found, and both counts where they differ', () => {
    const recall = { exact: 1, approximate: 0.975, atCapture: 0.98, queries: 20 };
    const line = { collection: 'docs', outcome: 'verified' as const, points: 7, workflowId: 'x' };
    const collections = [{ ...line, expectedPoints: 9, recall }];
    expect(
      endText({ report: { ...report, operation: 'rehearseRecovery', collections } }, 'link').slice(0, 3),
    ).toEqual([
      'docs  verified  7  points rehearsed',
      '  9 points were counted when it was backed up',
      '  recall of 20 searches: exact search 100.0 %, approximate 97.5 % (98.0 % when it was backed up)',
    ]);
  });

  it('of a migration that found its target complete says that nothing was copied', () => {
    const [, , , , summary] = endText({ report: { ...report, bytes: 0 } }, 'link');
    expect(summary).toBe(
      'a -> b: 2 collections, 12,352 points, nothing copied, 20 s, 618 points/s: 1 verified, 1 different',
    );
  });

  it('says what to do, also where the job has kept the beginning of an error only', () => {
    const happened = 'TargetChanged: "docs" on "b" holds 4,500 points now.';
    const { remedy } = catalogue.TargetChanged;
    const linesOf = (error: string) => {
      const line = { collection: 'docs', outcome: 'different' as const, points: 0, workflowId: 'x', error };
      return endText({ report: { ...report, collections: [line] } }, 'link').slice(1, -3);
    };
    expect(linesOf(`${happened} ${remedy.slice(0, 40)}…`)).toEqual([`  ${happened}`, `  ${remedy}`]);
    expect(linesOf('TargetChanged: "a very long na…')).toEqual([
      '  TargetChanged: "a very long na…',
      `  ${remedy}`,
    ]);
    expect(linesOf(`${happened} ${remedy}`)).toEqual([`  ${happened} ${remedy}`]);
  });

  it('of a job that never began is its error', () => {
    const error = { code: 'CollectionNotFound', message: 'There is no "x".' };
    expect(endText({ error }, 'link')).toEqual(['CollectionNotFound: There is no "x".', 'link']);
  });
});

describe('the list of what runs', () => {
  const job = (workflowId: string, startedAt: string, parent?: string): RunningJob => ({
    workflowId,
    type: parent ? 'migrateCollection' : 'scrollMigration',
    startedAt,
    link: '',
    ...(parent ? { job: parent } : {}),
  });

  it('puts each collection below its job, oldest job first', () => {
    const found = [job('y', '3'), job('ferry/b/docs', '2', 'x'), job('x', '1')];
    expect(inOrder(found).map((one) => one.workflowId)).toEqual(['x', 'ferry/b/docs', 'y']);
  });

  it('keeps a collection whose job has ended', () => {
    expect(inOrder([job('ferry/b/docs', '2', 'gone')])).toHaveLength(1);
  });

  it('says so when nothing runs', () => {
    expect(listText([])).toEqual(['No job is running.']);
  });
});

it('the status of a running job without an answer says that no worker answers', () => {
  const head = { workflowId: 'x', type: 'scrollMigration', status: 'RUNNING', link: 'l' };
  const lines = detailsText({ ...head, startedAt: '2026-01-01T00:00:00.000Z' });
  expect(lines.at(-1)).toBe('No control worker answers: start one (ferry worker --role control).');
});

it('colours only a terminal, and never against NO_COLOR', () => {
  expect(wantsColor({ isTTY: true }, true, undefined)).toBe(true);
  expect(wantsColor({ isTTY: true }, true, '1')).toBe(false);
  expect(wantsColor({ isTTY: true }, false, undefined)).toBe(false);
  expect(wantsColor({}, true, undefined)).toBe(false);
});

describe('the summary of the demo', () => {
  const result: DemoResult = {
    checks: [{ passed: true, claim: 'docs: 7 points' }],
    searches: [{ text: 'a database', hits: ['postgresql'], alike: true }],
    links: {
      slow: 'http://ui/slow',
      fast: 'http://ui/f',
      backup: 'http://ui/b',
      recovery: 'http://ui/r',
      wayBack: 'http://ui/w',
    },
  };
  const frame = { paint: createPaint(false), seconds: 50, kept: false, folder: '/state/demo' };

  it('names what was proved, and says that everything is gone', () => {
    const text = demoText(result, frame).join('\n');
    expect(text).toContain('✓ docs: 7 points');
    for (const link of Object.values(result.links)) expect(text).toContain(link);
    expect(text).toContain('Everything is taken down');
  });

  it('says how to take down what was kept', () => {
    const text = demoText(result, { ...frame, kept: true }).join('\n');
    expect(text).toContain('FERRY_STATE_DIR=/state/demo');
    expect(text).toContain('ferry stack down');
  });

  it('does not call it good when one claim failed', () => {
    const failed = { ...result, checks: [...result.checks, { passed: false, claim: 'digests differ' }] };
    const text = demoText(failed, frame).join('\n');
    expect(text).toContain('Something is wrong');
    expect(text).toContain('✗ NOT AS IT SHOULD BE: digests differ');
  });
});
