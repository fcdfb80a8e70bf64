import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../src/cli/doctor/store-findings.js';
import type { StoreExamination, StoreLook } from '../../src/model/contracts/store-examination.js';

const look = (worker: string, state: StoreLook['state'], ...queues: string[]): StoreLook => ({
  worker,
  state,
  queues,
  limitations: [],
});
const examined = (queues: string[], ...looks: StoreLook[]): StoreExamination => ({
  store: 'disk',
  kind: 'file',
  hasOwnQueue: false,
  queues,
  looks,
});
const shown = (examination: StoreExamination) =>
  findingsOf(examination, 'file:///disk').map(
    ({ ok, warns, says }) => `${ok ? (warns ? '!' : 'ok') : 'no'}: ${says}`,
  );

describe('the findings about a disk', () => {
  it('count a worker for every queue that it polls', () => {
    expect(shown(examined(['a', 'b'], look('one', 'well', 'a', 'b')))).toEqual([
      'ok: file:///disk is read and written by one',
    ]);
  });

  it('are bad where every worker of a queue is gone, and only a word where another one lives', () => {
    const [gone, nobody] = shown(examined(['a'], look('one', 'gone', 'a')));
    expect(gone).toMatch(/^!: did not answer, .*probably killed$/);
    expect(nobody).toMatch(/^no: no worker polls a; start one on a machine that sees this disk/);
    const both = examined(['a'], look('one', 'gone', 'a'), look('two', 'well', 'a'));
    expect(shown(both)).toHaveLength(2);
    expect(shown(both).join()).not.toContain('no:');
  });

  it('are bad where a worker that polled lately is silent', () => {
    const found = shown(examined(['a'], look('one', 'silent', 'a'), look('two', 'well', 'a')));
    expect(found).toContainEqual(expect.stringMatching(/^no: did not answer: it was killed a moment ago/));
  });
});
