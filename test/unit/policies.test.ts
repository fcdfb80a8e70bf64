import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadConfig } from '../../src/config.js';
import { fullBackupSchema, incrementalBackupSchema } from '../../src/model/contracts/backup-inputs.js';
import { checkBackupsSchema } from '../../src/model/contracts/check-activities.js';
import { parseInput } from '../../src/model/contracts/inputs.js';
import { pruneBackupsSchema } from '../../src/model/contracts/prune-activities.js';
import { rehearseRecoverySchema } from '../../src/model/contracts/recovery-inputs.js';
import { schedulesOf, type PolicySchedule } from '../../src/model/policies/schedules.js';
import { parseDuration, parseTimes } from '../../src/model/policies/times.js';
import { planChanges, requireTimesToCome } from '../../src/policies/plan-changes.js';

const SCHEMAS: Record<string, z.ZodType> = {
  fullBackup: fullBackupSchema,
  incrementalBackup: incrementalBackupSchema,
  rehearseRecovery: rehearseRecoverySchema,
  checkBackups: checkBackupsSchema,
  pruneBackups: pruneBackupsSchema,
};

const SURROUNDINGS = `
clusters: { prod: { url: "http://prod:6333" }, other: { url: "http://other:6333" }, scratch: { url: "http://s:6333" } }
stores: { disk: { url: "file:///var/lib/ferry" }, offsite: { url: "s3://bucket" } }
defaults: { store: disk }
notifiers: { ops: { command: [/usr/local/bin/tell] } }
`;

function load(policies: string) {
  const path = join(mkdtempSync(join(tmpdir(), 'ferry-policies-')), 'ferry.yaml');
  writeFileSync(path, `${SURROUNDINGS}policies: ${policies}\n`);
  return loadConfig(path, {});
}

const plan = (policies: string) => schedulesOf(load(policies).policies);
const jobsOf = (policies: string): Record<string, PolicySchedule> =>
  Object.fromEntries(plan(policies).schedules.map((schedule) => [schedule.job, schedule]));

describe('times', () => {
  it('reads the words', () => {
    expect(parseTimes('hourly')).toMatchObject({ calendar: { minute: 0 }, intervalSeconds: 3_600 });
    expect(parseTimes('hourly :30')).toMatchObject({ calendar: { minute: 30 } });
    expect(parseTimes('daily 02:05')).toMatchObject({
      calendar: { hour: 2, minute: 5 },
      intervalSeconds: 86_400,
    });
    expect(parseTimes('Weekly Sun 3:00')).toMatchObject({
      calendar: { dayOfWeek: 'SUNDAY', hour: 3, minute: 0 },
      intervalSeconds: 604_800,
    });
    expect(parseTimes('weekly wednesday 23:59')).toMatchObject({ calendar: { dayOfWeek: 'WEDNESDAY' } });
    expect(parseTimes('every 6h')).toMatchObject({ everySeconds: 21_600, intervalSeconds: 21_600 });
  });

  it.each(['0 2 * * *', '*/15 * * * MON-FRI', '0 2 1,15 * * 2027', '30 0 2 * * * *', '@daily'])(
    'hands on the cron expression %s',
    (cron) => expect(parseTimes(cron)).toEqual({ text: cron, cron }),
  );

  it.each([
    'daily',
    'daily 24:00',
    'daily 02:60',
    'weekly someday 03:00',
    'every 30s',
    'every day',
    'every 6',
    '* * * *',
    '* * * * * * * *',
    'CRON_TZ=Europe/Berlin 0 2 * * *',
    'hourly :60',
    '',
  ])('refuses %j', (text) => expect(parseTimes(text)).toBeUndefined());

  it('reads durations', () => {
    expect(['90s', '15m', '6h', '2d', '6', '6w', '-1h'].map(parseDuration)).toEqual([
      90,
      900,
      21_600,
      172_800,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the schedules of a policy', () => {
  it('are one for each cluster and job, with the input that a person would write', () => {
    const { schedules, notes } = plan(
      '{ nightly: { clusters: [prod, other], full: "daily 02:00", prune: "daily 05:00", keepLast: 7 } }',
    );
    expect(schedules.map(({ scheduleId }) => scheduleId)).toEqual([
      'ferry/nightly/prod/full',
      'ferry/nightly/prod/prune',
      'ferry/nightly/other/full',
      'ferry/nightly/other/prune',
    ]);
    expect(schedules[0]).toMatchObject({
      workflow: 'fullBackup',
      input: { cluster: 'prod', onMissing: 'continue', onFailure: 'fail', onBusy: 'wait' },
      timezone: 'UTC',
      catchUpSeconds: 3_600,
      jitterSeconds: 0,
    });
    expect(schedules[3]).toMatchObject({
      workflow: 'pruneBackups',
      input: { cluster: 'other', keepLast: 7 },
    });
    expect(notes).toEqual([]);
  });

  it('of production are increments, a full backup, a proof, a rehearsal, a check and a prune', () => {
    const jobs = jobsOf(
      '{ p: { preset: production, clusters: [prod], store: offsite, collections: ["docs-*"], exclude: ["docs-tmp*"], rehearse: { cluster: scratch, sample: 2 } } }',
    );
    const selection = { cluster: 'prod', store: 'offsite', collections: ['docs-*'], exclude: ['docs-tmp*'] };
    expect(Object.fromEntries(Object.entries(jobs).map(([job, { times }]) => [job, times.text]))).toEqual({
      incremental: 'hourly',
      full: 'daily 02:00',
      prove: 'daily 03:30',
      rehearse: 'weekly sun 04:30',
      check: 'hourly :30',
      prune: 'daily 06:00',
    });
    expect(jobs['incremental']).toMatchObject({ workflow: 'incrementalBackup', input: selection });
    expect(jobs['full']?.input).toMatchObject({ ...selection, index: true });
    expect(jobs['prove']).toMatchObject({
      workflow: 'rehearseRecovery',
      input: { ...selection, scratch: 'scratch', onlyUnproven: true, sample: 2 },
    });
    expect(jobs['rehearse']?.input).toMatchObject({ ...selection, scratch: 'scratch', sample: 2 });
    expect(jobs['rehearse']?.input).not.toHaveProperty('onlyUnproven');
    expect(jobs['prune']?.input).toEqual({ ...selection, keepDays: 30 });
    const { cluster: _cluster, ...chosen } = selection;
    expect(jobs['check']).toMatchObject({
      workflow: 'checkBackups',
      input: { ...chosen, policy: 'p', clusters: ['prod'], maxAgeHours: 2 },
    });
  });

  it('have inputs that their workflows accept', () => {
    const { schedules } = plan(
      '{ p: { preset: production, clusters: [prod], store: offsite, collections: ["docs-*"], exclude: [tmp], incremental: { every: hourly, detect: field, field: changed, fieldUnit: milliseconds, overlapSeconds: 60, digestEveryHours: 12 }, rehearse: { cluster: scratch, sample: 2 }, maxProofAgeDays: 7, maxRehearsalAgeDays: 14, keepMonthly: 12, minimum: 3, timezone: Europe/Berlin } }',
    );
    expect(schedules).toHaveLength(6);
    for (const { workflow, input } of schedules)
      expect(() => parseInput(SCHEMAS[workflow] ?? z.never(), input)).not.toThrow();
  });

  it('take a field of the policy before that of the preset, and leave out what is false', () => {
    const jobs = jobsOf(
      '{ p: { preset: production, clusters: [prod], incremental: { every: "every 6h", detect: field, field: changed }, full: false, prove: false, rehearse: false, check: "daily 09:00", keepDays: 14, keepLast: 3, timezone: Europe/Berlin, jitter: 5m, catchUp: 2h, notify: [ops] } }',
    );
    expect(Object.keys(jobs).sort()).toEqual(['check', 'incremental', 'prune']);
    expect(jobs['incremental']).toMatchObject({
      input: { detect: 'field', field: 'changed' },
      timezone: 'Europe/Berlin',
      jitterSeconds: 300,
      catchUpSeconds: 7_200,
    });
    expect(jobs['prune']?.input).toEqual({
      cluster: 'prod',
      keepDays: 14,
      keepLast: 3,
      timezone: 'Europe/Berlin',
    });
    expect(jobs['check']?.input).toMatchObject({ maxAgeHours: 12, notify: ['ops'] });
  });

  it.each([
    ['30 3 * * *', 48],
    ['15 * * * *', 2],
    ['*/15 * * * *', 0.5],
    ['0 2 * * MON-FRI', 2 * 72],
    ['0 2 * * SAT,SUN', 2 * 144],
    ['*/30 8-18 * * 1-5', 2 * 61.5],
    ['0 2 1 * *', 2 * 31 * 24],
    ['0 2 13 * FRI', 2 * 182 * 24],
    ['0 2 * * * 2028-2099', 48],
    ['30 0 2 * * * *', 48],
    ['@daily', 48],
    ['0 2 * * * 2026-2027', 48],
    ['99 2 * * *', undefined],
  ])('judge a backup at the times %s as late after twice their longest pause', (cron, maxAgeHours) => {
    const { check } = jobsOf(`{ c: { clusters: [prod], full: "${cron}", check: "daily 09:00" } }`);
    expect(check?.input['maxAgeHours']).toBe(maxAgeHours);
  });

  it('of several backups go by the most frequent one, in words or as a cron expression', () => {
    const { check } = jobsOf(
      '{ c: { clusters: [prod], full: "daily 02:00", incremental: "0 */6 * * *", check: hourly } }',
    );
    expect(check?.input['maxAgeHours']).toBe(12);
  });

  it('need a scratch cluster for proofs, and a plan without one says so', () => {
    const { schedules, notes } = plan('{ p: { preset: production, clusters: [prod] } }');
    expect(schedules.map(({ job }) => job)).toEqual(['full', 'incremental', 'check', 'prune']);
    expect(notes).toEqual([expect.stringMatching(/^p: no proof and no rehearsal.*rehearse\.cluster/)]);
  });

  it('keep three days in development and seven in test', () => {
    expect(jobsOf('{ d: { preset: development, clusters: [prod] } }')['prune']?.input).toMatchObject({
      keepDays: 3,
    });
    expect(jobsOf('{ t: { preset: test, clusters: [prod] } }')['prune']?.input).toMatchObject({
      keepDays: 7,
    });
  });
});

describe('a policy that cannot be meant', () => {
  const SECRET = 'sk-very-secret-0815';

  it.each([
    ['{ p: { clusters: [prod], full: "daily" } }', 'policies.p.full'],
    [`{ p: { clusters: [prod], full: "${SECRET}" } }`, 'policies.p.full'],
    ['{ p: { clusters: [prod], full: true } }', 'policies.p.full'],
    ['{ p: { clusters: [prod], full: "0 2 30 2 *" } }', 'policies.p.full'],
    ['{ p: { clusters: [prod], full: hourly, check: "0 2 31 4,6 *" } }', 'policies.p.check'],
    ['{ p: { clusters: [prod], incremental: "0 2 29 2 * 2030" } }', 'policies.p.incremental'],
    ['{ p: { clusters: [prod], incremental: { every: "0 2 30 FEB *" } } }', 'policies.p.incremental.every'],
    [
      '{ p: { clusters: [prod], incremental: { every: hourly, detect: magic } } }',
      'policies.p.incremental.detect',
    ],
    ['{ p: { clusters: [prod], incremental: { detect: field } } }', 'policies.p.incremental.every'],
    ['{ p: { clusters: [prod], rehearse: { every: hourly } } }', 'policies.p.rehearse.cluster'],
    [
      '{ p: { clusters: [prod], full: "daily 02:00", rehearse: { cluster: none } } }',
      'policies.p.rehearse.cluster',
    ],
    ['{ p: { clusters: [prod], full: "daily 02:00", prove: hourly } }', 'policies.p.prove'],
    ['{ p: { clusters: [prod], prune: hourly } }', 'policies.p.prune'],
    ['{ p: { clusters: [prod], full: hourly, timezone: "Mars/Olympus" } }', 'policies.p.timezone'],
    ['{ p: { clusters: [prod], full: hourly, jitter: 5 minutes } }', 'policies.p.jitter'],
    ['{ p: { clusters: [prdo], full: hourly } }', 'policies.p.clusters.0'],
    ['{ p: { clusters: [prod, prod], full: hourly } }', 'policies.p.clusters'],
    ['{ p: { clusters: [prod], full: hourly, store: elsewhere } }', 'policies.p.store'],
    ['{ p: { clusters: [], full: hourly } }', 'policies.p.clusters'],
    ['{ p: { clusters: [prod] } }', 'policies.p'],
    ['{ p: { clusters: [prod], preset: staging } }', 'policies.p.preset'],
    [`{ p: { clusters: [prod], full: hourly, ${SECRET.replaceAll('-', '_')}x: 1 } }`, 'policies.p'],
  ])('is refused by its field: %s', (text, field) => {
    const refused = () => load(text);
    expect(refused).toThrow(expect.objectContaining({ code: 'InvalidConfig' }) as Error);
    expect(refused).toThrow(new RegExp(`${field.replaceAll('.', '\\.')}: `));
    expect(refused).not.toThrow(new RegExp(SECRET));
  });

  it('says that a rule of 0 keeps nothing', () => {
    const refused = () => load('{ p: { clusters: [prod], prune: daily 05:00, keepLast: 0 } }');
    expect(refused).toThrow(/policies\.p\.prune: needs at least one of keepLast, .* that is more than 0/);
  });

  it('names the fields of a check or a prune that it does not have, unless that is switched off', () => {
    const { notes } = plan('{ p: { clusters: [prod], full: hourly, keepDays: 7, maxAgeHours: 3 } }');
    expect(notes).toEqual([
      expect.stringMatching(/^p: `keepDays` without effect, because the policy has no `prune`/),
      expect.stringMatching(/^p: `maxAgeHours` without effect, because the policy has no `check`/),
    ]);
    const off =
      '{ p: { clusters: [prod], full: hourly, prune: false, keepDays: 7, check: false, maxAgeHours: 3 } }';
    expect(plan(off).notes).toEqual([]);
  });

  it('is told that its times never come due, and nothing else', () => {
    const refused = () => load('{ p: { clusters: [prod], full: "0 2 30 2 *" } }');
    expect(refused).toThrow(/policies\.p\.full: never comes due: none of its months has such a day/);
    expect(refused).not.toThrow(/does nothing|must be/);
  });

  it('is read with a year that is over, for a worker goes on, and is refused where its schedule would be made', () => {
    const { schedules } = plan('{ p: { clusters: [prod], full: "0 2 29 2 * 2024,2028" } }');
    const create = planChanges(schedules, [], { installation: 'main', keepRemoved: false });
    expect(() => requireTimesToCome(create, new Date('2027-01-01T00:00:00Z'))).not.toThrow();
    const refused = () => requireTimesToCome(create, new Date('2028-03-02T00:00:00Z'));
    expect(refused).toThrow(expect.objectContaining({ code: 'InvalidConfig' }) as Error);
    expect(refused).toThrow(/ferry\/p\/prod\/full never comes due again/);
    const [wanted] = schedules;
    const there = [{ scheduleId: wanted?.scheduleId ?? '', do: 'nothing' as const, paused: false }];
    expect(() => requireTimesToCome(there, new Date('2029-01-01T00:00:00Z'))).not.toThrow();
  });
});
