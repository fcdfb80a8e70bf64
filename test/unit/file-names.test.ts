import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileNameFor, keyOfFileName } from '../../src/model/format/file-names.js';
import { oddestKeys, oddKeys as ordinaryOddKeys } from '../support/odd-keys.js';

const oddKeys = [...ordinaryOddKeys, ...oddestKeys];

describe('the file name of a key', () => {
  it('is the key itself where that is an ordinary path', () => {
    const key = 'prod/20261123_020000/docs/docs_20261123_020000.shard-0.snapshot';
    expect(fileNameFor(key)).toBe(key);
  });

  it.each(oddKeys)('leads back to the key %j', (key) => {
    expect(keyOfFileName(fileNameFor(key))).toBe(key);
  });

  it('is another one for every key', () => {
    expect(new Set(oddKeys.map(fileNameFor)).size).toBe(oddKeys.length);
  });

  it.each(oddKeys)('stays inside its folder and within 255 bytes a name: %j', (key) => {
    const path = fileNameFor(key);
    expect(posix.isAbsolute(path)).toBe(false);
    expect(posix.normalize(path)).toBe(path);
    for (const name of path.split('/')) {
      expect(name).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9._%~-]*$/);
      expect(name.length).toBeLessThanOrEqual(255);
    }
  });

  it('is refused for a key that is empty or no Unicode', () => {
    expect(() => fileNameFor('')).toThrow(/not empty/);
    expect(() => fileNameFor('a\ud800')).toThrow(/Unicode/);
  });

  it.each(['.uploads/x', 'a b', '%zz', 'a/../b', '%61', 'part.tmp%'])(
    'is not %j, which no key has',
    (path) => {
      expect(keyOfFileName(path)).toBeUndefined();
    },
  );
});
