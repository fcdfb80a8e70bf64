import { describe, expect, it } from 'vitest';
import type { CompareSliceResult } from '../../src/model/contracts/slice-activities.js';
import { closePage, newTally } from '../../src/model/state/progress-state.js';
import {
  MAX_PASSES,
  absorb,
  absorbComparison,
  newPage,
  nextWalk,
  type Page,
  type Rules,
} from '../../src/model/state/walk.js';

const rules: Rules = { copy: true, reread: false, subset: false, mode: 'repair', nodes: 1 };
const slices = [{ to: '100' }, { from: '100' }];
const digest = (value: number, count = 10) => ({ count, sum: value.toString(16).padStart(32, '0') });
const claim = (value: number) => ({ done: true, points: 10, bytes: 100, digest: digest(value) });
const tasks = (page: Page) => page.walk.map(({ task, slice, node }) => `${task} ${slice}${node ?? ''}`);

/** Ends every task of the walk; sums by task and slice, 1 when not said. */
function finish(page: Page, sums: Record<string, number>, more: Rules = rules): void {
  for (const slot of page.walk) absorb(slot, claim(sums[`${slot.task} ${slot.slice}`] ?? 1));
  nextWalk(page, more);
}

const comparison = (found: Partial<CompareSliceResult> = {}): CompareSliceResult => ({
  ...claim(1),
  missing: 0,
  changed: 0,
  extra: 0,
  renormalised: 0,
  upserted: 0,
  deleted: 0,
  first: [],
  ...found,
});

function compare(page: Page, found: Partial<CompareSliceResult>, more: Rules = rules): void {
  for (const slot of page.walk) absorbComparison(page, slot, comparison(found));
  nextWalk(page, more);
}

describe('the walks over a page', () => {
  it('copy, then digest the target only, and end when both are equal', () => {
    const page = newPage(slices, undefined, rules);
    expect(tasks(page)).toEqual(['copy 0', 'copy 1']);
    finish(page, {});
    expect(tasks(page)).toEqual(['target 0', 'target 1']);
    finish(page, {});
    expect(page.walk).toEqual([]);
    expect(closePage(newTally(), page)).toMatchObject({
      standing: 0,
      slices: 2,
      source: { count: 20 },
      passes: 1,
    });
  });

  it('digest both sides when the source is to be read again', () => {
    const page = newPage(slices, undefined, { ...rules, copy: false, reread: true });
    expect(tasks(page)).toEqual(['source 0', 'source 1', 'target 0', 'target 1']);
  });

  it('digest each node of the target', () => {
    const page = newPage([{}], undefined, { ...rules, copy: false, nodes: 2 });
    expect(tasks(page)).toEqual(['source 0', 'target 00', 'target 01']);
  });

  it('compare only the slices that differ, and digest both sides of what was repaired', () => {
    const page = newPage(slices, undefined, rules);
    finish(page, {});
    finish(page, { 'target 1': 2 });
    expect(tasks(page)).toEqual(['compare 1']);
    compare(page, { changed: 1, upserted: 1 });
    expect(tasks(page)).toEqual(['source 1', 'target 1']);
    finish(page, {});
    expect(page.walk).toEqual([]);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 0, found: { changed: 0 }, passes: 2 });
  });

  it('leave a slice different when nothing could be written', () => {
    const page = newPage(slices, undefined, rules);
    finish(page, {});
    finish(page, { 'target 1': 2 });
    const first = [{ id: '7', kind: 'extra' as const }];
    compare(page, { extra: 1, first });
    expect(page.walk).toEqual([]);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 1, found: { extra: 1 }, first });
  });

  it('give up after the last pass', () => {
    const page = newPage([{}], undefined, rules);
    finish(page, {});
    let passes = 0;
    while (page.walk.length > 0) {
      if (page.walk[0]?.task === 'compare') {
        passes += 1;
        compare(page, { changed: 1, upserted: 1 });
      } else finish(page, { 'target 0': 2 });
    }
    expect(passes).toBe(MAX_PASSES);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 1, found: { changed: 1 } });
  });

  it('take a slice for equal in which only float16 vectors were normalised again', () => {
    const page = newPage([{}], undefined, rules);
    finish(page, {});
    finish(page, { 'target 0': 2 });
    compare(page, { renormalised: 3 });
    expect(tasks(page)).toEqual(['source 0', 'target 0']);
    finish(page, { 'target 0': 2 });
    expect(page.walk).toEqual([]);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 0, found: { renormalised: 3 } });
  });

  it('compare again when the target was written while only normalised vectors were found', () => {
    const page = newPage([{}], undefined, rules);
    finish(page, {});
    finish(page, { 'target 0': 2 });
    compare(page, { renormalised: 3 });
    finish(page, { 'target 0': 5 });
    expect(tasks(page)).toEqual(['compare 0']);
  });

  it('digest both sides again before a slice counts whose digests differed and whose points did not', () => {
    const page = newPage(slices, undefined, rules);
    finish(page, {});
    finish(page, { 'target 1': 2 });
    compare(page, {});
    expect(tasks(page)).toEqual(['source 1', 'target 1']);
    finish(page, { 'target 1': 3 });
    expect(tasks(page)).toEqual(['compare 1']);
    compare(page, {});
    finish(page, {});
    expect(page.walk).toEqual([]);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 0, found: { changed: 0 }, passes: 3 });
  });

  it('digest again what lost only the points that the source does not have, and report the rest', () => {
    const removing = { ...rules, mode: 'removeExtras' as const };
    const page = newPage([{}], undefined, removing);
    finish(page, {}, removing);
    finish(page, { 'target 0': 2 }, removing);
    compare(page, { extra: 4, changed: 1, deleted: 4 }, removing);
    expect(tasks(page)).toEqual(['source 0', 'target 0']);
    finish(page, { 'target 0': 2 }, removing);
    compare(page, { changed: 1 }, removing);
    expect(closePage(newTally(), page)).toMatchObject({ standing: 1, found: { changed: 1, extra: 0 } });
  });

  it('compare instead of digesting when a subset is to be proved, and overlook what is extra', () => {
    const subset = { ...rules, subset: true };
    const page = newPage([{}], undefined, subset);
    finish(page, {}, subset);
    expect(tasks(page)).toEqual(['compare 0']);
    compare(page, { missing: 1, upserted: 1 }, subset);
    expect(tasks(page)).toEqual(['compare 0']);
    compare(page, { extra: 5 }, subset);
    expect(page.walk).toEqual([]);
    expect(page.standing).toEqual([]);
  });
});

describe('a claim', () => {
  it('that is not done moves the cursor and adds to the digest', () => {
    const [slot] = newPage([{}], undefined, rules).walk;
    absorb(slot!, { ...claim(1), done: false, cursor: '50' });
    absorb(slot!, { ...claim(2), done: false, points: 0, digest: digest(0, 0) });
    expect(slot).toMatchObject({ cursor: '50', points: 10, done: false });
    absorb(slot!, claim(3));
    expect(slot).toMatchObject({ done: true, points: 20, digest: digest(4, 20) });
  });
});

describe('what is carried over a continue-as-new', () => {
  it('stays under 100 KiB with 64 slices between UUIDs', () => {
    const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const many = Array.from({ length: 64 }, (_, n) => ({ from: uuid(n), to: uuid(n + 1) }));
    const page = newPage(many, undefined, { ...rules, copy: false, reread: true });
    for (const slot of page.walk) absorb(slot, { ...claim(9), done: false, cursor: uuid(7) });
    expect(JSON.stringify(page).length).toBeLessThan(100 * 1024);
  });
});
