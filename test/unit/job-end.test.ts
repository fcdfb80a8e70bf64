import { describe, expect, it } from 'vitest';
import { scheduleId } from '../../src/model/names.js';
import { endOf, labelsOf } from '../../src/model/state/job-end.js';

describe('the labels of a job', () => {
  it.each([
    [{ cluster: 'prod', store: 'offsite' }, 'prod'],
    [{ source: 'old', target: 'new' }, 'new'],
    [{ scratch: 'lab', cluster: 'prod' }, 'prod'],
    [{ scratch: 'lab' }, 'lab'],
    [{ clusters: ['prod'] }, 'prod'],
    [{ clusters: ['prod', 'dr'] }, ''],
    [{ store: 'offsite' }, ''],
    [undefined, ''],
    ['no object', ''],
    [{ cluster: { not: 'an alias' } }, ''],
    [{ cluster: 'x'.repeat(65) }, ''],
  ])('have the cluster of %j', (input, cluster) => {
    expect(labelsOf('fullBackup', input, undefined)).toEqual({
      operation: 'fullBackup',
      cluster,
      policy: '',
    });
  });

  it('have the policy whose schedule started it, and none of another schedule', () => {
    const policy = (id: unknown) => labelsOf('fullBackup', {}, id).policy;
    expect(policy(scheduleId('nightly', 'prod', 'full'))).toBe('nightly');
    expect(policy('somebody-elses')).toBe('');
    expect(policy('other/nightly/prod/full')).toBe('');
    expect(policy(7)).toBe('');
  });
});

describe('the end of a job', () => {
  const report = { outcome: 'failed', bytes: 12, verified: 4, different: 0, failed: 1, skipped: 2 };

  it('has what its report says, also when the job failed', () => {
    expect(endOf('failed', report)).toEqual({
      outcome: 'failed',
      bytes: 12,
      collections: { verified: 4, different: 0, failed: 1, skipped: 2 },
    });
  });

  it('has how it ended where there is no report', () => {
    expect(endOf('completed', { removed: 3 })).toEqual({ outcome: 'completed', bytes: 0, collections: {} });
    expect(endOf('failed', undefined)).toEqual({ outcome: 'failed', bytes: 0, collections: {} });
    expect(endOf('cancelled', null)).toEqual({ outcome: 'cancelled', bytes: 0, collections: {} });
  });
});
