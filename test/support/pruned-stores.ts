// What tests of prunes share: a store with some runs, a store that dies after so many writes, and what must hold of a
// store wherever a prune was cut off.

import { expect } from 'vitest';
import { checkObjects, freshCheck } from '../../src/backups/catalogue/check-objects.js';
import { listBackups, showBackup } from '../../src/backups/catalogue/catalogue.js';
import type { PruneStoreInput } from '../../src/model/contracts/prune-activities.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { keepRun } from './kept-runs.js';
import { MemoryStore } from './memory-store.js';

export const NEVER = new AbortController().signal;

export const runId = (day: number, nonce = 1): string =>
  `202611${String(day).padStart(2, '0')}_020000-${String(nonce).padStart(8, '0')}`;

/** By the days of November that it was taken on; what a rule keeps is for the test to say. */
export function storeWithRuns(days: readonly number[]): MemoryStore {
  const store = new MemoryStore();
  for (const day of days)
    keepRun(store, { backup: runId(day), collections: { docs: 'complete', images: 'complete' } });
  return store;
}

export function pruneInput(more: Partial<PruneStoreInput> = {}): PruneStoreInput {
  const defaults = { minimum: 1, timezone: 'UTC', unusableAfterDays: 7, dryRun: false };
  return { store: 'memory', keepLast: 2, ...defaults, ...more };
}

/** Somebody else does something right before this write is carried out. */
export function whenCalled(
  inner: ObjectStore,
  call: 'put' | 'delete',
  key: string,
  first: () => Promise<void>,
): ObjectStore {
  return new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const bound = member.bind(target) as (...args: unknown[]) => unknown;
      if (name !== call) return bound;
      return async (...args: unknown[]) => {
        if (args[0] === key) await first();
        return bound(...args);
      };
    },
  });
}

/** Dies in the middle of a write: the request was sent or was not, and nothing after it happens. */
export function dyingStore(inner: ObjectStore, writes: number, isSent: boolean): ObjectStore {
  let left = writes;
  const dying =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (left === 0 && isSent) await write(...args);
      if (left <= 0) {
        left = -1;
        throw new Error('killed');
      }
      left -= 1;
      return write(...args);
    };
  const members: Partial<ObjectStore> = {
    put: dying((...args: Parameters<ObjectStore['put']>) => inner.put(...args)),
    delete: dying((...args: Parameters<ObjectStore['delete']>) => inner.delete(...args)),
  };
  return new Proxy(inner, {
    get(target, name) {
      const own = members[name as keyof ObjectStore];
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/**
 * Everything that lists as complete is, to the last byte. Returns what does: "backup/collection". `only`: nothing else is
 * looked at, for a prune may be removing it.
 */
export async function expectHonest(store: ObjectStore, only?: readonly string[]): Promise<string[]> {
  const complete: string[] = [];
  const { backups } = await listBackups(store, { most: Infinity });
  for (const { cluster, backup } of backups) {
    if (only && !only.some((name) => name.startsWith(`${backup}/`))) continue;
    const entry = await showBackup(store, { cluster, backup });
    for (const { collection, state } of entry.collections) {
      if (state !== 'complete' || only?.includes(`${backup}/${collection}`) === false) continue;
      complete.push(`${backup}/${collection}`);
      const input = {
        store: store.alias,
        cluster,
        backup,
        collection,
        what: 'check',
        verify: 'full' as const,
      };
      const attempt = { state: freshCheck(), onProgress: () => undefined, signal: NEVER, stop: NEVER };
      const { damage } = await checkObjects(store, { ...input, budgetMs: Infinity }, attempt);
      expect(damage).toEqual([]);
    }
    if (entry.complete) expect(entry.collections.every(({ state }) => state === 'complete')).toBe(true);
  }
  return complete.sort();
}

export async function keysIn(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) if (!key.startsWith('.ferry-')) keys.push(key);
  return keys;
}
