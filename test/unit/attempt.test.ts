// What an attempt of a long activity heartbeats, where it resumes, and when the work is given up.

import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { heldCall, runSlice, runTransfer, type FlightState } from '../../src/activities/attempt.js';
import { FerryError, whileParked } from '../../src/model/errors.js';
import { requireEnded, type Flight } from '../../src/shards/settled-call.js';

const asked = { what: 'recover shard 1', stallAfterAttempts: 3 };

function run(number: number, heartbeatDetails: unknown, activity: () => Promise<unknown>) {
  const environment = new MockActivityEnvironment({ attempt: number, heartbeatDetails });
  const beats: unknown[] = [];
  environment.on('heartbeat', (beat: unknown) => beats.push(structuredClone(beat)));
  return { ended: environment.run(activity), beats };
}

function attempt(number: number, heartbeatDetails: unknown, work: () => Promise<string>) {
  return run(number, heartbeatDetails, () =>
    heldCall(asked, async ({ onBytes }) => {
      onBytes(7);
      return work();
    }),
  );
}

it('gives up with what ended the last attempt', async () => {
  const refusing = attempt(3, undefined, () =>
    Promise.reject(new FerryError('QdrantUnavailable', 'No room at https://n0:6333/x?X-Amz-Signature=abc')),
  );
  await expect(refusing.ended).rejects.toMatchObject({ code: 'QdrantUnavailable' });
  const last = refusing.beats.at(-1);
  expect(last).toMatchObject({
    v: 1,
    what: asked.what,
    bytes: 7,
    trouble: expect.stringContaining('No room'),
  });
  expect(JSON.stringify(last)).not.toContain('abc');

  let called = false;
  const given = attempt(4, last, () => Promise.resolve(String((called = true))));
  await expect(given.ended).rejects.toMatchObject({
    code: 'AttemptsExhausted',
    retryable: false,
    message: expect.stringMatching(
      /3 attempts to recover shard 1 have failed; the last one failed with: .*No room/,
    ),
  });
  expect(called).toBe(false);
});

it('returns what was waited for, also after attempts that failed', async () => {
  await expect(attempt(3, { v: 1, trouble: 'x' }, () => Promise.resolve('done')).ended).resolves.toBe('done');
});

describe('a slice', () => {
  const state = { bytes: 10, points: 1, cursor: '7' };
  const refusing = () => Promise.reject(new FerryError('ClusterUnreachable', 'No connection'));

  it('continues from the last heartbeat, and counts attempts from where the cursor last moved', async () => {
    const moving = run(2, { v: 1, what: asked.what, state, movedAtAttempt: 1, rate: 0 }, () =>
      runSlice(asked, { bytes: 0, points: 0, cursor: '0' }, (attempt) => {
        expect(attempt.state).toEqual(state);
        attempt.onProgress({ bytes: 30, points: 3, cursor: '9' });
        return refusing();
      }),
    );
    await expect(moving.ended).rejects.toMatchObject({ code: 'ClusterUnreachable' });
    expect(moving.beats.at(-1)).toMatchObject({ state: { cursor: '9' }, movedAtAttempt: 2 });
    const next = run(4, moving.beats.at(-1), () => runSlice(asked, state, () => Promise.resolve('done')));
    await expect(next.ended).resolves.toBe('done');
  });

  it('whose cursor does not move ends as SliceStalled, with the cursor and the last error', async () => {
    const last = { v: 1, state, movedAtAttempt: 2, trouble: 'ClusterUnreachable: No connection' };
    const stalled = run(5, last, () => runSlice(asked, state, refusing));
    await expect(stalled.ended).rejects.toMatchObject({
      code: 'SliceStalled',
      retryable: false,
      message: expect.stringMatching(/not moved in 3 attempts .*failed with: .*No connection.*\[cursor=7\]/),
    });
  });
});

it('a transfer that gets no further removes what it left, and names what stays', async () => {
  const last = { v: 1, state: { bytes: 5 }, movedAtAttempt: 1, trouble: 'NodeDown: no answer' };
  const abandoned: unknown[] = [];
  const given = run(4, last, () =>
    runTransfer(
      asked,
      () => Promise.resolve({ bytes: 0 }),
      () => Promise.resolve(),
      (left) => Promise.resolve([String(abandoned.push(left))]),
    ),
  );
  await expect(given.ended).rejects.toMatchObject({
    code: 'AttemptsExhausted',
    message: expect.stringMatching(/3 attempts to recover shard 1 have failed; .*no answer; 1 stays/),
  });
  expect(abandoned).toEqual([{ bytes: 5 }]);
});

it('a held call that may be going on after the last attempt ends as what it is, not as exhausted', async () => {
  const giveUp = (state: unknown) =>
    run(4, { v: 1, state, trouble: 'ClusterUnreachable: no answer' }, () =>
      heldCall<string, FlightState<Flight>>(
        asked,
        () => Promise.resolve('done'),
        async (left) => {
          requireEnded(left?.flight, 2);
          return [];
        },
      ),
    ).ended;
  await expect(giveUp({ flight: { via: 'pull', wasEmpty: true } })).rejects.toMatchObject({
    code: 'RecoveryUnsettled',
    message: expect.stringContaining('may still be recovering shard 2'),
  });
  for (const ended of [{ flight: null }, undefined])
    await expect(giveUp(ended)).rejects.toMatchObject({ code: 'AttemptsExhausted' });
});

it('a parked job is not advised to start the same job again', () => {
  for (const code of ['SliceStalled', 'AttemptsExhausted'] as const) {
    const { message } = new FerryError(code, 'Three attempts failed');
    expect(message).toContain('start the same job again');
    expect(whileParked(code, message)).not.toContain('start the same job again');
    expect(whileParked(code, message)).toContain('Three attempts failed.');
  }
  expect(whileParked('NoCodeOfThisVersion', 'Text')).toBe('Text');
});
