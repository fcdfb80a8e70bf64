// The verdict of a check: every kind of finding, and its border.

import { describe, expect, it } from 'vitest';
import type { CheckReport, Finding } from '../../src/model/contracts/check-activities.js';
import { judgeCollection, type CollectionFacts } from '../../src/model/health/collections.js';
import {
  judgeDisk,
  judgeQueues,
  judgeSchedule,
  notChecked,
  type ScheduleFacts,
} from '../../src/model/health/places.js';
import { reportOf } from '../../src/model/health/report.js';

const NOW = new Date('2026-11-28T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const before = (ms: number) => new Date(NOW.getTime() - ms).toISOString();
const LIMITS = { maxAgeHours: 24, maxProofAgeDays: 7, maxRehearsalAgeDays: 30 };
const OF = { store: 'offsite', policy: 'nightly' };
const BACKUP = '20261128_113000-00000001';

function protectedOne(more: Partial<CollectionFacts> = {}): CollectionFacts {
  return {
    ...{ cluster: 'prod', collection: 'docs', backups: 3, bytes: 3_000 },
    newest: { backup: BACKUP, at: before(HOUR), kind: 'full', bytes: 1_000, points: 10 },
    proof: { kind: 'rehearsed', at: before(DAY) },
    rehearsal: { at: before(DAY), recoverySeconds: 4 },
    ...more,
  };
}

const without = (...names: (keyof CollectionFacts)[]): CollectionFacts => {
  const facts = protectedOne();
  for (const name of names) delete facts[name];
  return facts;
};
const kindsOf = (facts: CollectionFacts, limits: Parameters<typeof judgeCollection>[1] = LIMITS) =>
  judgeCollection(facts, limits, OF, NOW).findings.map(({ kind }) => kind);
const onlyOne = (findings: Finding[]): Finding => {
  expect(findings).toHaveLength(1);
  return findings[0] as Finding;
};

const newestAt = (ms: number) =>
  protectedOne({ newest: { backup: BACKUP, at: before(ms), kind: 'full', bytes: 1, points: 1 } });

describe('a collection', () => {
  it('that is backed up, proved and rehearsed in time is ok, and keeps its figures', () => {
    const { findings, checked } = judgeCollection(protectedOne(), LIMITS, OF, NOW);
    expect(findings).toEqual([]);
    expect(checked).toEqual({ ...protectedOne(), policy: 'nightly', status: 'ok' });
  });

  it('without any backup, or without a usable one, is a warning that says which', () => {
    const none = judgeCollection({ ...without('newest', 'proof'), backups: 0 }, LIMITS, OF, NOW);
    expect(onlyOne(none.findings)).toEqual({
      ...{ severity: 'warning', kind: 'noBackup', policy: 'nightly', cluster: 'prod', collection: 'docs' },
      ...{ store: 'offsite', text: '"docs" of prod has no backup in offsite.' },
      hint: 'Run `ferry backup prod docs --store offsite`.',
    });
    expect(none.checked).toMatchObject({ status: 'warning', backups: 0 });
    const unusable = { backup: BACKUP, state: 'incomplete', reason: 'it has no manifest' };
    const { findings } = judgeCollection({ ...without('newest', 'proof'), unusable }, LIMITS, OF, NOW);
    expect(onlyOne(findings).text).toBe(
      `"docs" of prod has 3 backups, none of which can be used, in offsite. The last one, ${BACKUP}, is incomplete: it has no manifest`,
    );
  });

  it('is too old beyond its limit, not at it, and its age is said', () => {
    expect(kindsOf(newestAt(24 * HOUR))).toEqual([]);
    expect(kindsOf(newestAt(24 * HOUR + 1))).toEqual(['backupTooOld']);
    const { text } = onlyOne(judgeCollection(newestAt(26.13 * HOUR), LIMITS, OF, NOW).findings);
    expect(text).toBe(
      `The newest usable backup of "docs" of prod in offsite, ${BACKUP}, is 26.1 h old; the limit is 24 h.`,
    );
    expect(kindsOf(newestAt(3 * HOUR), { ...LIMITS, maxAgeHours: 2 })).toEqual(['backupTooOld']);
  });

  it('whose backup is a little ahead of our clock is new', () => {
    expect(kindsOf(newestAt(-4 * 60_000))).toEqual([]);
  });

  it('needs a proof, and a recent one', () => {
    expect(kindsOf(without('proof'))).toEqual(['noProof']);
    const proof = (ms: number) => protectedOne({ proof: { kind: 'quiesced', at: before(ms) } });
    expect(kindsOf(proof(7 * DAY))).toEqual([]);
    expect(kindsOf(proof(7 * DAY + 1))).toEqual(['proofTooOld']);
    const { text, hint } = onlyOne(judgeCollection(proof(8.5 * DAY), LIMITS, OF, NOW).findings);
    expect(text).toContain('(quiesced) is 8.5 days old; the limit is 7 days.');
    expect(hint).toContain('ferry rehearse SCRATCH docs --cluster prod --store offsite');
  });

  it('is judged by its rehearsals only where a limit is set', () => {
    const { maxRehearsalAgeDays: _without, ...unlimited } = LIMITS;
    expect(kindsOf(without('rehearsal'), unlimited)).toEqual([]);
    expect(kindsOf(without('rehearsal'))).toEqual(['rehearsalTooOld']);
    const rehearsal = (ms: number) => protectedOne({ rehearsal: { at: before(ms) } });
    expect(kindsOf(rehearsal(30 * DAY))).toEqual([]);
    expect(kindsOf(rehearsal(30 * DAY + 1))).toEqual(['rehearsalTooOld']);
  });

  it.each([
    ['broken', 'chainBroken', 'critical'],
    ['damaged', 'backupDamaged', 'critical'],
    ['otherCluster', 'identityMixed', 'critical'],
    ['future', 'backupFromFuture', 'warning'],
    ['unread', 'notChecked', 'warning'],
  ] as const)('with backups that are %s is %s: %s', (field, kind, severity) => {
    const facts = protectedOne({ [field]: { backups: 2, newest: BACKUP, reason: 'because of this.' } });
    const { findings, checked } = judgeCollection(facts, LIMITS, OF, NOW);
    const { text, hint, ...finding } = onlyOne(findings);
    expect(finding).toMatchObject({ kind, severity, cluster: 'prod', collection: 'docs', store: 'offsite' });
    expect(text).toMatch(/^2 (backups|increments) of "docs" of prod in offsite .*: because of this\.$/);
    expect(hint).not.toBe('');
    expect(checked.status).toBe(severity);
  });

  it('has hints that a shell takes, whatever its name is', () => {
    const odd = { ...without('newest'), collection: `it's $HOME` };
    const { hint } = judgeCollection(odd, LIMITS, OF, NOW).findings[0] as Finding;
    expect(hint).toBe(`Run \`ferry backup prod 'it'\\''s $HOME' --store offsite\`.`);
  });
});

describe('a disk', () => {
  const limits = { diskWarningPercent: 80, diskCriticalPercent: 90 };
  const disk = (usedPercent: number) => ({
    ...{ place: 'store disk', host: 'h1', totalBytes: 100e9, freeBytes: (100 - usedPercent) * 1e9 },
    usedPercent,
  });

  it('is filling beyond 80 %, and nearly full beyond 90 %', () => {
    expect(judgeDisk(disk(80), limits)).toEqual([]);
    expect(onlyOne(judgeDisk(disk(80.1), limits))).toMatchObject({
      kind: 'diskFilling',
      severity: 'warning',
    });
    expect(onlyOne(judgeDisk(disk(90), limits))).toMatchObject({ kind: 'diskFilling' });
    const { text, ...full } = onlyOne(judgeDisk(disk(90.1), limits));
    expect(full).toMatchObject({ kind: 'diskNearlyFull', severity: 'critical', place: 'store disk on h1' });
    expect(text).toBe('The disk of the store disk on h1 is 90.1 % full, 9.9 GB free; the limit is 90 %.');
  });

  it('of which nothing is known is no finding', () => {
    expect(judgeDisk({ place: 'storage of a node', unknown: 'Qdrant does not tell' }, limits)).toEqual([]);
  });
});

describe('a schedule', () => {
  const hourly = (more: Partial<ScheduleFacts> = {}): ScheduleFacts => ({
    ...{ schedule: 'ferry/nightly/prod/incremental', policy: 'nightly', paused: false, running: [] },
    ...{ skipped: 0, missed: 0, intervalSeconds: 3_600, since: before(9 * DAY) },
    ...{ nextActionAt: before(-HOUR), ...lastAt(HOUR), ...more },
  });
  /** And the times that were due after it. */
  const lastAt = (ms: number) => ({ lastActionAt: before(ms), due: dueAfter(ms) });
  const dueAfter = (ms: number) => [1, 2].map((hours) => before(ms - hours * HOUR));

  it('is silent after more than 1.5 of its intervals without an action', () => {
    expect(judgeSchedule(hourly(lastAt(1.5 * HOUR)), NOW)).toEqual([]);
    const { text, ...silent } = onlyOne(judgeSchedule(hourly(lastAt(1.5 * HOUR + 1)), NOW));
    expect(silent).toMatchObject({ kind: 'scheduleSilent', severity: 'warning', policy: 'nightly' });
    expect(text).toContain('has started nothing for 90 min; its interval is 60 min, and it was due at 2026-');
  });

  it('is silent while a run of three hours ago still goes: its workers are gone', () => {
    const stuck = hourly({ ...lastAt(3 * HOUR), running: ['a-run'] });
    const { text, hint } = onlyOne(judgeSchedule(stuck, NOW));
    expect(text).toContain('still waits for the run a-run, and has started nothing for 3 h');
    expect(hint).toContain('ferry status a-run');
  });

  it('that never fired is judged from its creation', () => {
    const { lastActionAt: _none, ...fresh } = hourly({ since: before(HOUR), due: dueAfter(HOUR) });
    expect(judgeSchedule(fresh, NOW)).toEqual([]);
    const old = { ...fresh, since: before(2 * HOUR), due: dueAfter(2 * HOUR) };
    expect(onlyOne(judgeSchedule(old, NOW)).text).toContain('has started nothing since it was made, 2 h ago');
  });

  it('is not silent for an interval and a half after an action by hand', () => {
    const due = [30, 90].map((minutes) => before(-minutes * 60_000));
    const byHand = hourly({ lastActionAt: before(0), due });
    const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
    expect(judgeSchedule(byHand, later(90))).toEqual([]);
    expect(judgeSchedule(byHand, later(91))).toHaveLength(1);
  });

  it('whose due times are not known is not judged', () => {
    const { due: _unknown, ...facts } = hourly(lastAt(90 * DAY));
    expect(judgeSchedule(facts, NOW)).toEqual([]);
    expect(judgeSchedule({ ...facts, due: dueAfter(90 * DAY).slice(0, 1) }, NOW)).toEqual([]);
  });

  it('of an unknown interval is not judged', () => {
    const { intervalSeconds: _unknown, ...facts } = hourly(lastAt(90 * DAY));
    expect(judgeSchedule(facts, NOW)).toEqual([]);
  });

  it('that has no time left starts nothing any more', () => {
    const { nextActionAt: _none, intervalSeconds: _unknown, ...facts } = hourly();
    const { text, kind } = onlyOne(judgeSchedule(facts, NOW));
    expect([kind, text]).toEqual(['scheduleSilent', expect.stringContaining('has no time left')]);
  });

  it('that is paused is said once, however long it is silent', () => {
    const paused = onlyOne(judgeSchedule(hourly({ paused: true, ...lastAt(9 * DAY) }), NOW));
    expect(paused).toMatchObject({ kind: 'schedulePaused', severity: 'warning' });
    expect(paused.hint).toBe('Run `ferry policies resume nightly`.');
  });

  it('whose last run failed is named, with the run, unless it is paused', () => {
    const failing = onlyOne(judgeSchedule(hourly({ failed: 'full/nightly-1' }), NOW));
    expect(failing).toMatchObject({ kind: 'scheduleFailing', severity: 'warning', policy: 'nightly' });
    expect(failing.text).toMatch(/, full\/nightly-1, failed\. The next one is due at /);
    expect(failing.hint).toBe('See why: `ferry status full/nightly-1`.');
    const paused = judgeSchedule(hourly({ failed: 'full/nightly-1', paused: true }), NOW);
    expect(paused.map(({ kind }) => kind)).toEqual(['schedulePaused']);
  });

  it('whose increments take longer than its interval is too slow, and says what to do', () => {
    const taking = (longestRunSeconds: number, detect: 'digest' | 'field' = 'digest') =>
      judgeSchedule(hourly({ increments: { detect, longestRunSeconds } }), NOW);
    expect(taking(3_600)).toEqual([]);
    const slow = onlyOne(taking(3_601));
    expect(slow).toMatchObject({ kind: 'incrementTooSlow', severity: 'warning', policy: 'nightly' });
    expect(slow.text).toContain('took 3601 s; its interval is 3600 s.');
    expect(slow.hint).toContain('`detect: field`');
    expect(onlyOne(taking(3_601, 'field')).hint).not.toContain('detect');
  });
});

describe('queues', () => {
  const queue = (name: string, workers: number) => ({ queue: name, workers });

  it('with workers are no finding', () => {
    expect(judgeQueues([queue('ferry-control', 1), queue('ferry-data', 2)])).toEqual([]);
  });

  it('are a warning where one of several has none', () => {
    const found = onlyOne(judgeQueues([queue('ferry-control', 1), queue('a', 1), queue('b', 0)]));
    expect(found).toMatchObject({ kind: 'queueWithoutWorker', severity: 'warning', queue: 'b' });
  });

  it('are critical where no job can run', () => {
    const control = onlyOne(judgeQueues([queue('ferry-control', 0), queue('a', 1)]));
    expect(control).toMatchObject({ severity: 'critical', queue: 'ferry-control' });
    expect(control.hint).toContain('--role control');
    expect(onlyOne(judgeQueues([queue('ferry-control', 1), queue('a', 0)]))).toMatchObject({
      severity: 'critical',
      hint: 'Start one: `ferry worker --role data`.',
    });
  });
});

describe('a report', () => {
  const empty: Omit<CheckReport, 'status'> = {
    ...{ checkedAt: NOW.toISOString(), findings: [], collections: [], stores: [], disks: [] },
    ...{ schedules: [], queues: [] },
  };

  it('is as bad as its worst finding, which comes first', () => {
    expect(reportOf(empty).status).toBe('ok');
    const warning = notChecked('The cluster prod', 'it does not answer');
    const critical: Finding = { ...warning, severity: 'critical', kind: 'chainBroken' };
    expect(reportOf({ ...empty, findings: [warning] }).status).toBe('warning');
    const { status, findings } = reportOf({ ...empty, findings: [warning, critical] });
    expect(status).toBe('critical');
    expect(findings.map(({ kind }) => kind)).toEqual(['chainBroken', 'notChecked']);
  });

  it('cuts its lists, says how much is left out, and keeps the worst', () => {
    const { checked } = judgeCollection(protectedOne(), LIMITS, OF, NOW);
    const many = Array.from({ length: 300 }, (_, at) => ({ ...checked, collection: `c${at}` }));
    const bad = { ...checked, collection: 'bad', status: 'critical' as const };
    const report = reportOf({ ...empty, collections: [...many, bad], leftOut: { collections: 5 } });
    expect(report.collections).toHaveLength(200);
    expect(report.collections[0]?.collection).toBe('bad');
    expect(report.leftOut).toEqual({ collections: 106 });
    expect(JSON.stringify(report).length).toBeLessThan(100_000);
  });
});
