import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { errorDocument, exitCodeOfEnd, exitCodeOfError } from '../../src/cli/terminal/exit-codes.js';
import { endOfFailure } from '../../src/cli/watch/watch-job.js';
import { FerryError } from '../../src/model/errors.js';
import type { JobReport, Outcome } from '../../src/model/contracts/results.js';

const report = (outcome: Outcome): JobReport => ({
  operation: 'scrollMigration',
  source: 'a',
  target: 'b',
  outcome,
  collections: [{ collection: 'docs', outcome, points: 7, workflowId: 'ferry/b/docs' }],
  more: 0,
  verified: outcome === 'verified' ? 1 : 0,
  different: outcome === 'different' ? 1 : 0,
  failed: outcome === 'failed' ? 1 : 0,
  points: 7,
  bytes: 700,
  seconds: 1,
});

describe('the exit status', () => {
  it('is 0 only for a job that was verified', () => {
    expect(exitCodeOfEnd({ report: report('verified') })).toBe(0);
    expect(exitCodeOfEnd({ report: report('failed') })).toBe(1);
    expect(exitCodeOfEnd({ report: report('aborted') })).toBe(1);
  });

  it('is 3 when the two sides differ, whether the job failed over it or reported it', () => {
    expect(exitCodeOfEnd({ report: report('different') })).toBe(3);
    const error = { code: 'SidesDiffer', message: '' };
    expect(exitCodeOfEnd({ report: report('different'), error })).toBe(3);
    expect(exitCodeOfEnd({ error })).toBe(3);
  });

  it('is 3 for a job whose only failures are differences', () => {
    const error = { code: 'CollectionsFailed', message: '' };
    expect(exitCodeOfEnd({ report: report('different'), error })).toBe(3);
    expect(exitCodeOfEnd({ report: report('failed'), error })).toBe(1);
  });

  it.each(['InvalidInput', 'UnknownAlias', 'InvalidConfig'])('is 2 for %s', (code) => {
    expect(exitCodeOfError(code)).toBe(2);
    expect(exitCodeOfEnd({ error: { code, message: '' } })).toBe(2);
  });

  it('is 1 for every other failure', () => {
    expect(exitCodeOfError('ClusterUnreachable')).toBe(1);
    expect(exitCodeOfError('NeverHeardOf')).toBe(1);
  });
});

describe('the end of a failed job', () => {
  it('has the report that the failure carries in its details', () => {
    const failure = ApplicationFailure.nonRetryable('2 differ', 'SidesDiffer', report('different'));
    expect(endOfFailure(failure)).toEqual({
      error: { code: 'SidesDiffer', message: '2 differ' },
      report: report('different'),
    });
  });

  it('does without a report when the failure has other details', () => {
    const failure = ApplicationFailure.nonRetryable('no such alias', 'UnknownAlias', { alias: 'x' });
    expect(endOfFailure(failure)).toEqual({ error: { code: 'UnknownAlias', message: 'no such alias' } });
  });

  it('is Aborted when the job was cancelled', () => {
    expect(endOfFailure(new CancelledFailure('cancelled')).error?.code).toBe('Aborted');
  });
});

describe('the document of an error', () => {
  it('has the code and the sentence of the catalogue', () => {
    const { error } = errorDocument(new FerryError('UnknownAlias', 'There is no "x"'));
    expect(error.code).toBe('UnknownAlias');
    expect(error.message).toContain('There is no "x". Nothing was changed. Use one');
  });

  it('calls what nobody foresaw a defect', () => {
    expect(errorDocument(new TypeError('x is not a function')).error.code).toBe('Internal');
  });

  it('takes the refusal of an update for a wrong request', () => {
    const refusal = ApplicationFailure.create({ message: 'The job is not paused.', type: 'Error' });
    expect(errorDocument(refusal)).toEqual({
      error: { code: 'InvalidInput', message: 'The job is not paused.' },
    });
  });
});
