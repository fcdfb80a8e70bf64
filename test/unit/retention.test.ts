import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  planRetention,
  type RetainedBackup,
  type RetentionDecision,
  type RetentionPolicy,
} from '../../src/model/retention.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = new Date('2026-11-27T12:00:00Z');
const RULES = [
  'keepLast',
  'keepHours',
  'keepDays',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
] as const;

const at = (time: string): Date => new Date(time.includes('T') ? time : `${time}T02:00:00Z`);

function backupAt(time: string | Date, more: Partial<RetainedBackup> = {}): RetainedBackup {
  const storedAt = typeof time === 'string' ? at(time) : time;
  const backup = more.backup ?? storedAt.toISOString();
  return {
    backup,
    collection: 'docs',
    identity: ['1'],
    state: 'complete',
    startedAt: storedAt,
    storedAt,
    ...more,
  };
}

/** One a day at 02:00, the newest first, beginning with the day before yesterday. */
const daily = (days: number, more: Partial<RetainedBackup> = {}): RetainedBackup[] =>
  Array.from({ length: days }, (_, day) =>
    backupAt(new Date(at('2026-11-25').getTime() - day * DAY_MS), more),
  );

function kept(policy: RetentionPolicy, backups: readonly RetainedBackup[], now = NOW): string[] {
  const plan = planRetention(policy, now, backups);
  return backups.filter((_, position) => plan[position]?.keep).map(({ backup }) => backup.slice(0, 10));
}

function reasonsOf(policy: RetentionPolicy, backups: readonly RetainedBackup[], position: number): string[] {
  return planRetention(policy, NOW, backups)[position]?.reasons ?? [];
}

describe('the keep rules', () => {
  it('keep the newest ones with keepLast', () => {
    expect(kept({ keepLast: 3 }, daily(10))).toEqual(['2026-11-25', '2026-11-24', '2026-11-23']);
  });

  it('keep the last of each period, and say which one', () => {
    const backups = ['2026-11-25T23:00:00Z', '2026-11-25T01:00:00Z', '2026-11-24T01:00:00Z'].map((time) =>
      backupAt(time),
    );
    expect(reasonsOf({ keepDaily: 2, minimum: 1 }, backups, 0)).toContain(
      'keepDaily: the last of 2026-11-25',
    );
    expect(reasonsOf({ keepDaily: 2, minimum: 1 }, backups, 1)).toEqual(['no rule keeps it']);
    expect(reasonsOf({ keepDaily: 2, minimum: 1 }, backups, 2)).toEqual([
      'keepDaily: the last of 2026-11-24',
    ]);
  });

  it('count periods that have a backup, not those that have none', () => {
    const backups = ['2026-11-25', '2026-08-01', '2024-01-01'].map((time) => backupAt(time));
    expect(kept({ keepMonthly: 3 }, backups)).toHaveLength(3);
  });

  it('measure hours and days from the newest usable one, so that a pause of the backups removes nothing', () => {
    const backups = daily(30).map((one) => ({ ...one, state: 'complete' as const }));
    const yearLater = new Date(NOW.getTime() + 365 * DAY_MS);
    expect(kept({ keepDays: 30 }, backups, yearLater)).toHaveLength(30);
    expect(kept({ keepHours: 48 }, backups, yearLater)).toHaveLength(3);
  });

  it('know the ISO weeks around a new year', () => {
    const backups = ['2021-01-04', '2021-01-03', '2020-12-28', '2020-12-27'].map((time) => backupAt(time));
    const policy = { keepWeekly: 9, minimum: 1 };
    expect(reasonsOf(policy, backups, 0)).toContain('keepWeekly: the last of 2021-W01');
    expect(reasonsOf(policy, backups, 1)).toEqual(['keepWeekly: the last of 2020-W53']);
    expect(reasonsOf(policy, backups, 2)).toEqual(['no rule keeps it']);
    expect(reasonsOf(policy, backups, 3)).toEqual(['keepWeekly: the last of 2020-W52']);
  });

  it('know days by the time zone of the policy', () => {
    const backups = ['2026-11-24T23:30:00Z', '2026-11-24T22:30:00Z'].map((time) => backupAt(time));
    expect(kept({ keepDaily: 2, minimum: 1 }, backups)).toHaveLength(1);
    expect(kept({ keepDaily: 2, minimum: 1, timezone: 'Europe/Berlin' }, backups)).toHaveLength(2);
  });

  it('tell the two hours of one name apart when summer time ends', () => {
    const backups = ['2026-10-25T01:30:00Z', '2026-10-25T00:30:00Z'].map((time) => backupAt(time));
    expect(kept({ keepHourly: 2, minimum: 1, timezone: 'Europe/Berlin' }, backups)).toHaveLength(2);
  });
});

describe('what stays whatever the policy says', () => {
  it('the newest two usable ones, or as many as the minimum asks for', () => {
    expect(kept({}, daily(5))).toEqual(['2026-11-25', '2026-11-24']);
    expect(kept({ minimum: 4 }, daily(5))).toHaveLength(4);
    expect(kept({ minimum: 0 }, daily(5))).toHaveLength(1);
  });

  it('the newest proved one', () => {
    const backups = daily(5).map((one, position) => ({ ...one, isProved: position >= 3 }));
    expect(kept({}, backups)).toEqual(['2026-11-25', '2026-11-24', '2026-11-22']);
  });

  it('the newest one with a recorded digest, beside the newest that was proved', () => {
    const backups = daily(6).map((one, position) => ({
      ...one,
      isRecorded: position >= 3,
      isProved: position >= 4,
    }));
    expect(kept({}, backups)).toEqual(['2026-11-25', '2026-11-24', '2026-11-22', '2026-11-21']);
  });

  it('what is pinned, locked, of a newer ferry, archived, or younger than a day', () => {
    const old = at('2020-01-01');
    const special: [Partial<RetainedBackup>, string][] = [
      [{ isPinned: true }, 'pinned'],
      [{ lockedBy: 'locked until 2030-01-01' }, 'locked until 2030-01-01'],
      [{ state: 'tooNew' }, 'written by a newer ferry'],
      [{ state: 'archived' }, 'archived: it cannot be examined before it is restored'],
      [{ state: 'otherCluster' }, 'of another cluster than its run'],
    ];
    for (const [more, reason] of special)
      expect(reasonsOf({}, [...daily(5), backupAt(old, more)], 5)).toEqual([reason]);
    const young = backupAt('2026-11-27T01:00:00Z', { state: 'incomplete' });
    expect(reasonsOf({ unusableAfterDays: 0 }, [young], 0)).toEqual(['younger than a day']);
  });

  it('the base of what is kept, and the base of that', () => {
    const [newest, second, third, fourth, fifth] = daily(5);
    const chain = [
      { ...newest!, base: { backup: third!.backup } },
      second!,
      { ...third!, base: { backup: fifth!.backup } },
      fourth!,
      fifth!,
    ];
    expect(kept({}, chain)).toEqual(['2026-11-25', '2026-11-24', '2026-11-23', '2026-11-21']);
    expect(reasonsOf({}, chain, 4)).toEqual([`base of ${third!.backup}`]);
  });

  it('everything older than a backup of a newer ferry whose base is not known', () => {
    const backups = daily(5);
    const tooNew = backupAt('2026-11-22T12:00:00Z', { state: 'tooNew', base: 'unknown' });
    expect(kept({}, [...backups, tooNew])).toEqual([
      '2026-11-25',
      '2026-11-24',
      '2026-11-22',
      '2026-11-21',
      '2026-11-22',
    ]);
  });
});

describe('what does not count', () => {
  it('a failed, partial or damaged one takes the place of no good one', () => {
    for (const state of ['incomplete', 'partial', 'damaged'] as const) {
      const bad = daily(5, { state }).map((one) => ({ ...one, backup: `bad ${one.backup}` }));
      const good = daily(30).slice(10);
      const plan = planRetention({ keepLast: 3, keepDaily: 3 }, NOW, [...bad, ...good]);
      expect(plan.slice(5, 8).every(({ keep }) => keep)).toBe(true);
    }
  });

  it('one that is dated in the future, which is kept and reported', () => {
    const future = backupAt('2026-11-25T12:00:00Z', { startedAt: at('2031-01-01') });
    const backups = [future, ...daily(3)];
    expect(reasonsOf({ keepLast: 1 }, backups, 0)).toEqual([
      'dated in the future: reported, never preferred',
    ]);
    expect(kept({ keepLast: 1, minimum: 1 }, backups)).toEqual(['2026-11-25', '2026-11-25']);
  });

  it('an incomplete one goes after seven days, a damaged one only where enough newer good ones are', () => {
    const incomplete = backupAt('2026-11-01', { state: 'incomplete' });
    const damaged = backupAt('2026-11-01', { state: 'damaged' });
    expect(reasonsOf({}, [incomplete], 0)).toEqual(['incomplete, for more than 7 days']);
    expect(reasonsOf({}, [damaged], 0)).toEqual(['damaged, and fewer than 2 newer ones are usable']);
    expect(reasonsOf({}, [damaged, ...daily(2)], 0)).toEqual(['damaged, for more than 7 days']);
    expect(reasonsOf({ unusableAfterDays: 90 }, [incomplete], 0)).toEqual([
      'incomplete, for less than 90 days',
    ]);
  });
});

describe('two clocks', () => {
  it('a store that was copied yesterday week keeps its history', () => {
    const copiedAt = at('2026-11-18');
    const backups = daily(100)
      .slice(10)
      .map((one) => ({ ...one, storedAt: copiedAt }));
    expect(kept({ keepDaily: 30 }, backups).length).toBeGreaterThanOrEqual(30);
    expect(kept({ keepMonthly: 3, minimum: 1 }, backups).length).toBeGreaterThanOrEqual(3);
  });

  it('a worker whose clock is ten years slow loses none of its backups', () => {
    const slow = daily(5).map((one) => ({
      ...one,
      startedAt: new Date(one.startedAt.getTime() - 3_650 * DAY_MS),
    }));
    expect(kept({ keepDays: 30 }, [...slow, ...daily(100).slice(20)]).slice(0, 5)).toHaveLength(5);
  });
});

describe('clusters', () => {
  it('backups that share a peer, if only through a third one, are of one cluster', () => {
    const peers = [['1', '2'], ['3'], ['2', '3'], ['4']];
    const backups = daily(4).map((one, position) => ({ ...one, identity: peers[position] ?? [] }));
    expect(kept({ minimum: 1 }, backups)).toEqual(['2026-11-25', '2026-11-22']);
  });

  it('a collection and one of another name are judged apart', () => {
    const backups = [...daily(4), ...daily(4, { collection: 'images' })];
    expect(kept({}, backups)).toHaveLength(4);
  });
});

// ---- properties -------------------------------------------------------------------------------------------------------

const hoursBack = fc.integer({ min: 0, max: 24 * 800 });
const backups = fc
  .array(
    fc.record({
      hours: hoursBack,
      clock: fc.oneof(
        { weight: 5, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -9_000, max: 9_000 }) },
      ),
      state: fc.oneof(
        { weight: 6, arbitrary: fc.constant('complete' as const) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            'partial',
            'incomplete',
            'damaged',
            'tooNew',
            'archived',
            'otherCluster',
          ),
        },
      ),
      peers: fc.constantFrom(['1'], ['1', '2'], ['9'], []),
      collection: fc.constantFrom('docs', 'images'),
      isProved: fc.boolean(),
      isPinned: fc.oneof(
        { weight: 9, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      readBy: fc.oneof(
        { weight: 9, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constant('ferry/target/docs') },
      ),
      base: fc.option(fc.nat({ max: 60 }), { freq: 3, nil: undefined }),
    }),
    { maxLength: 60 },
  )
  .map((all) =>
    all.map(({ hours, clock, state, peers, base, ...one }, position): RetainedBackup => {
      const storedAt = new Date(NOW.getTime() - hours * HOUR_MS);
      const based = base === undefined || base === position ? {} : { base: { backup: `b${base}` } };
      const startedAt = new Date(storedAt.getTime() + clock * HOUR_MS);
      return { ...one, ...based, backup: `b${position}`, identity: peers, state, startedAt, storedAt };
    }),
  );

const keepValue = fc.nat({ max: 50 });
const policies: fc.Arbitrary<RetentionPolicy> = fc.record(
  {
    keepLast: keepValue,
    keepHours: keepValue,
    keepDays: keepValue,
    keepHourly: keepValue,
    keepDaily: keepValue,
    keepWeekly: keepValue,
    keepMonthly: keepValue,
    keepYearly: keepValue,
    minimum: fc.nat({ max: 5 }),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns'),
    unusableAfterDays: fc.nat({ max: 30 }),
  },
  { requiredKeys: [] },
);

function survivors(all: readonly RetainedBackup[], plan: readonly RetentionDecision[]): RetainedBackup[] {
  return all.filter((_, position) => plan[position]?.keep);
}

const isUsable = ({ state, startedAt, storedAt }: RetainedBackup): boolean =>
  state === 'complete' && startedAt.getTime() <= storedAt.getTime() + 5 * 60_000;
const inGroup = (all: readonly RetainedBackup[], collection: string, peers: readonly string[]) =>
  all.filter((one) => one.collection === collection && peers.some((peer) => one.identity.includes(peer)));

describe('for any policy and any backups', () => {
  it('as many usable ones stay of each cluster as the minimum says, and the newest proved one', () => {
    fc.assert(
      fc.property(policies, backups, (policy, all) => {
        const left = survivors(all, planRetention(policy, NOW, all));
        for (const collection of ['docs', 'images']) {
          for (const peers of [['1', '2'], ['9']]) {
            const before = inGroup(all, collection, peers).filter(isUsable);
            const after = inGroup(left, collection, peers).filter(isUsable);
            expect(after.length).toBeGreaterThanOrEqual(
              Math.min(before.length, Math.max(1, policy.minimum ?? 2)),
            );
            const proved = before.filter((one) => one.isProved);
            const newest = Math.max(...proved.map((one) => one.storedAt.getTime()));
            if (proved.length > 0)
              expect(after.some((one) => one.isProved && one.storedAt.getTime() === newest)).toBe(true);
          }
        }
      }),
    );
  });

  it('no base of a kept one goes, and nothing pinned, being read, young, or of a newer ferry', () => {
    fc.assert(
      fc.property(policies, backups, (policy, all) => {
        const plan = planRetention(policy, NOW, all);
        const left = new Set(survivors(all, plan));
        for (const one of all) {
          const young = NOW.getTime() - one.storedAt.getTime() < DAY_MS;
          if (one.isPinned || one.readBy || one.state === 'tooNew' || young) expect(left.has(one)).toBe(true);
        }
        for (const one of left) {
          const { base, collection } = one;
          if (typeof base !== 'object') continue;
          const needed = all.find((other) => other.backup === base.backup && other.collection === collection);
          if (needed) expect(left.has(needed)).toBe(true);
        }
      }),
    );
  });

  it('a greater keep value, or minimum, never removes what a smaller one kept', () => {
    const rule = fc.constantFrom(...RULES, 'minimum' as const);
    fc.assert(
      fc.property(policies, backups, rule, fc.integer({ min: 1, max: 20 }), (policy, all, name, more) => {
        const greater = { ...policy, [name]: (policy[name] ?? (name === 'minimum' ? 2 : 0)) + more };
        const left = new Set(survivors(all, planRetention(greater, NOW, all)));
        for (const one of survivors(all, planRetention(policy, NOW, all))) expect(left.has(one)).toBe(true);
      }),
    );
  });

  it('the backups of another cluster, or collection, change nothing', () => {
    fc.assert(
      fc.property(policies, backups, (policy, all) => {
        const withoutBases = all.map(({ base: _base, ...one }): RetainedBackup => one);
        const plan = planRetention(policy, NOW, withoutBases);
        const own = withoutBases.filter((one) => one.collection === 'docs' && one.identity.includes('9'));
        const alone = planRetention(policy, NOW, own);
        for (const [position, one] of own.entries())
          expect(plan[withoutBases.indexOf(one)]).toEqual(alone[position]);
      }),
    );
  });

  it('the order in which they are listed does not matter', () => {
    const shuffled = backups.chain((all) =>
      fc
        .shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
        .map((other) => ({ all, other })),
    );
    fc.assert(
      fc.property(policies, shuffled, (policy, { all, other }) => {
        const names = (list: readonly RetainedBackup[]) =>
          survivors(list, planRetention(policy, NOW, list))
            .map(({ backup }) => backup)
            .sort();
        expect(names(other)).toEqual(names(all));
      }),
    );
  });

  it('a second prune finds nothing more to remove', () => {
    fc.assert(
      fc.property(policies, backups, (policy, all) => {
        const left = survivors(all, planRetention(policy, NOW, all));
        expect(survivors(left, planRetention(policy, NOW, left))).toEqual(left);
      }),
    );
  });
});

// ---- years ------------------------------------------------------------------------------------------------------------

/** A small generator with a seed, so that a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function chainOf(tip: RetainedBackup | undefined, all: readonly RetainedBackup[]): RetainedBackup[] {
  const links: RetainedBackup[] = [];
  for (let link = tip; link !== undefined;) {
    links.push(link);
    const base = link.base;
    link = typeof base === 'object' ? all.find(({ backup }) => backup === base.backup) : undefined;
  }
  return links;
}

describe('two years of a production policy', () => {
  const policy = { keepDays: 30, keepMonthly: 12, minimum: 2 };
  const FIRST = Date.UTC(2026, 0, 1);

  it.each([1, 2])('keep every moment of the last 30 days recoverable, seed %i', (seed) => {
    const random = randomOf(seed);
    let held: RetainedBackup[] = [];
    let full: RetainedBackup | undefined;
    let last: RetainedBackup | undefined;
    let clockError = 0;
    for (let hour = 0; hour < 2 * 365 * 24; hour += 1) {
      const storedAt = new Date(FIRST + hour * HOUR_MS);
      if (random() < 0.002) clockError = random() < 0.5 ? 0 : (random() - 0.7) * 60 * DAY_MS;
      const isFull = hour % 24 === 2;
      const hasFailed = random() < 0.05;
      const one = backupAt(storedAt, {
        backup: `h${hour}`,
        state: hasFailed ? (random() < 0.5 ? 'incomplete' : 'damaged') : 'complete',
        startedAt: new Date(storedAt.getTime() + clockError),
        isProved: random() < 0.05,
      });
      if (!isFull && last) one.base = { backup: last.backup };
      if (isFull || last) held.push(one);
      if (!hasFailed) last = one;
      if (!hasFailed && isFull) full = one;
      // Sometimes the prune does not run for days.
      if (hour % 72 !== 5 || random() < 0.2) continue;
      const read = held[Math.floor(random() * held.length)];
      if (read) read.readBy = 'a rehearsal';
      const before = held;
      held = survivors(held, planRetention(policy, storedAt, held));
      for (const link of chainOf(read, before)) expect(held).toContain(link);
      if (read) delete read.readBy;
    }
    const end = FIRST + 2 * 365 * DAY_MS;
    const byName = new Map(held.map((one) => [one.backup, one]));
    const recent = held.filter((one) => end - one.storedAt.getTime() < 30 * DAY_MS && isUsable(one));
    expect(full).toBeDefined();
    expect(recent.length).toBeGreaterThan(300);
    for (const { backup, base } of held) {
      const hasBase = typeof base !== 'object' || byName.has(base.backup);
      expect(hasBase, `${backup} has lost its base`).toBe(true);
    }
    // 30 days of hours, a month's last chain for each older month, and what is dated in the future.
    const future = held.filter((one) => one.state === 'complete' && !isUsable(one)).length;
    expect(held.length - future).toBeLessThan(30 * 24 + 12 * 24 + 3 * 30 * 24);
    const months = new Set(held.filter(isUsable).map((one) => one.storedAt.toISOString().slice(0, 7)));
    expect(months.size).toBeGreaterThanOrEqual(12);
  });
});

describe('a plan over 100,000 backups', () => {
  it('looks at each of them a fixed number of times', () => {
    let reads = 0;
    const counted = Array.from({ length: 100_000 }, (_, position): RetainedBackup => {
      const one = backupAt(new Date(NOW.getTime() - position * HOUR_MS), {
        backup: `b${position}`,
        identity: ['1', `${position % 7}`],
        ...(position % 24 === 0 ? {} : { base: { backup: `b${position + 1}` } }),
      });
      return new Proxy(one, {
        get(target, name) {
          reads += 1;
          return Reflect.get(target, name) as unknown;
        },
      });
    });
    const policy = {
      keepLast: 5,
      keepDays: 30,
      keepHourly: 50_000,
      keepDaily: 60,
      keepWeekly: 9,
      keepYearly: 9,
    };
    const plan = planRetention({ ...policy, timezone: 'Europe/Berlin' }, NOW, counted);
    expect(plan).toHaveLength(100_000);
    expect(reads / counted.length).toBeLessThan(80);
  });
});
