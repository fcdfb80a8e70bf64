// What a call that can only be waited for tells while it is waited for, and when it is given up.

import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { heldCall } from '../../src/activities/held-call.js';
import { FerryError } from '../../src/model/errors.js';

const asked = { what: 'recover shard 1', stallAfterAttempts: 3 };

function attempt(number: number, heartbeatDetails: unknown, work: () => Promise<string>) {
  const environment = new MockActivityEnvironment({ attempt: number, heartbeatDetails });
  const beats: unknown[] = [];
  environment.on('heartbeat', (beat: unknown) => beats.push(structuredClone(beat)));
  const ended = environment.run(() =>
    heldCall(asked, async ({ onBytes }) => {
      onBytes(7);
      return work();
    }),
  );
  return { ended, beats };
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
    code: 'Stalled',
    retryable: false,
    message: expect.stringMatching(
      /3 attempts to recover shard 1 have failed; the last one ended with: .*No room/,
    ),
  });
  expect(called).toBe(false);
});

it('returns what was waited for, also after attempts that failed', async () => {
  await expect(attempt(3, { v: 1, trouble: 'x' }, () => Promise.resolve('done')).ended).resolves.toBe('done');
});
