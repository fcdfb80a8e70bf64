// What a notifier is told: changes of the status or of the set of findings, reminders, the end; nothing twice.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckReport, Finding, Status } from '../../src/model/contracts/check-activities.js';
import type { Told } from '../../src/model/contracts/health-activities.js';
import {
  changesSince,
  notificationOf,
  reasonToTell,
  stateOf,
  toldOf,
} from '../../src/model/health/changes.js';
import { worstOf } from '../../src/model/health/collections.js';

const START = Date.parse('2026-11-28T12:00:00Z');
const HOUR = 3_600_000;
const REMIND = 24;

const finding = (collection: string, more: Partial<Finding> = {}): Finding => ({
  severity: 'warning',
  kind: 'backupTooOld',
  text: `The newest backup of ${collection} is 25 h old.`,
  hint: 'Run `ferry backup`.',
  cluster: 'prod',
  collection,
  ...more,
});

const report = (findings: Finding[], hours = 0): CheckReport => ({
  status: worstOf(findings),
  checkedAt: new Date(START + hours * HOUR).toISOString(),
  findings,
  ...{ collections: [], stores: [], disks: [], schedules: [], queues: [] },
});

describe('a notifier', () => {
  const told = toldOf(report([finding('docs')]));

  it('is told nothing as long as nothing is wrong', () => {
    expect(reasonToTell(report([]), undefined, REMIND)).toBeUndefined();
    expect(reasonToTell(report([], 100), toldOf(report([])), REMIND)).toBeUndefined();
  });

  it('is told of the first finding, and not again of the same with other figures', () => {
    expect(reasonToTell(report([finding('docs')]), undefined, REMIND)).toBe('changed');
    const older = finding('docs', { text: 'The newest backup of docs is 26 h old.' });
    expect(reasonToTell(report([older], 1), told, REMIND)).toBeUndefined();
  });

  it.each([
    ['another collection', [finding('docs'), finding('users')]],
    ['another kind', [finding('docs', { kind: 'noBackup' })]],
    ['another severity', [finding('docs', { severity: 'critical' })]],
  ])('is told of %s', (_, findings) => {
    expect(reasonToTell(report(findings, 1), told, REMIND)).toBe('changed');
  });

  it('is reminded when it is due, also after the clock was set back', () => {
    const same = (hours: number) => reasonToTell(report([finding('docs')], hours), told, REMIND);
    expect([23.9, 24, -25].map(same)).toEqual([undefined, 'reminder', 'reminder']);
  });

  it('is told once that all is well again', () => {
    const well = report([], 2);
    expect(reasonToTell(well, told, REMIND)).toBe('recovered');
    expect(reasonToTell(report([], 3), toldOf(well), REMIND)).toBeUndefined();
  });

  it('learns what began and what ended', () => {
    const now = report([finding('users'), finding('users', { text: 'again' })], 1);
    const subject = (collection: string) => ({
      ...{ severity: 'warning', kind: 'backupTooOld', cluster: 'prod', collection },
    });
    expect(changesSince(now, told)).toEqual({ begun: [subject('users')], ended: [subject('docs')] });
    expect(notificationOf(now, told, 'changed', undefined)).toMatchObject({
      ...{ reason: 'changed', status: 'warning', previous: 'warning', policy: null },
      findings: now.findings,
    });
  });
});

describe('over any sequence of checks', () => {
  const findings = fc.uniqueArray(
    fc.record({
      collection: fc.constantFrom('a', 'b', 'c'),
      severity: fc.constantFrom<Exclude<Status, 'ok'>>('warning', 'critical'),
      text: fc.string(),
    }),
    { maxLength: 4, selector: ({ collection }) => collection },
  );
  const checks = fc.array(fc.tuple(findings, fc.double({ min: 0.1, max: 30, noNaN: true })), {
    maxLength: 30,
  });

  it('the last thing told is true, and the same is told again only as a reminder', () => {
    fc.assert(
      fc.property(checks, (all) => {
        let told: Told | undefined;
        let hours = 0;
        for (const [found, passed] of all) {
          hours += passed;
          const now = report(
            found.map(({ collection, ...more }) => finding(collection, more)),
            hours,
          );
          const reason = reasonToTell(now, told, REMIND);
          const isSame = stateOf(told ?? { status: 'ok', findings: [] }) === stateOf(toldOf(now));
          expect(reason === 'changed' || reason === 'recovered').toBe(!isSame);
          if (reason === 'reminder') {
            expect(now.status).not.toBe('ok');
            expect(hours * HOUR - (Date.parse(told?.at ?? '') - START)).toBeGreaterThanOrEqual(
              REMIND * HOUR - 1,
            );
          }
          if (reason !== undefined || told === undefined) told = toldOf(now);
        }
      }),
    );
  });
});
