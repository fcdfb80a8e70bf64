import { expect, it } from 'vitest';
import { rehearsalName } from '../../src/model/format/backup-names.js';
import { bytesIn, shortenedName } from '../../src/model/name-lengths.js';

const AT = new Date('2026-11-27T12:00:00Z');

it('leaves a name that is short enough as it is', () => {
  expect(shortenedName('docs', 4)).toBe('docs');
  expect(rehearsalName('docs', AT)).toBe('rehearsal_20261127_120000_docs');
});

it('shortens a name to its beginning and a hash of the whole, in bytes and between characters', () => {
  const [one, other] = ['語'.repeat(80) + 'a', '語'.repeat(80) + 'b'].map((name) => shortenedName(name, 100));
  expect(one).not.toBe(other);
  expect(one).toBe(shortenedName('語'.repeat(80) + 'a', 100));
  expect(one).toMatch(/^語{27}~[0-9a-f]{16}$/);
  expect(bytesIn(one ?? '')).toBeLessThanOrEqual(100);
});

it('gives a rehearsal a name into which every version of Qdrant recovers', () => {
  expect(bytesIn(rehearsalName('n'.repeat(206), AT))).toBe(220);
});

it('counts bytes as UTF-8 does', () => {
  for (const text of ['docs', 'é', '語', '🚢', 'aé語🚢']) expect(bytesIn(text)).toBe(Buffer.byteLength(text));
});
