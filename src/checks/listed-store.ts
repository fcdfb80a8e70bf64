// A store as a check reads it: what was listed is known without another request, and a document that several links of a
// chain need is read once. Nothing is written.

import type { ObjectStore, StoredObject } from '../storage/object-store.js';

const OF_A_BACKUP = /\/(manifest|complete)\.json$/;

export function listedStore(inner: ObjectStore, objects: Iterable<StoredObject>): ObjectStore {
  const listed = new Map([...objects].map((object) => [object.key, object]));
  const documents = new Map<string, Promise<Uint8Array[]>>();
  const members: Partial<ObjectStore> = {
    // A list marks as archived also what was restored since.
    head: async (key) => (listed.get(key)?.archived ? inner.head(key) : listed.get(key)),
    read: (key, options = {}) => {
      if (options.range !== undefined || !OF_A_BACKUP.test(key)) return inner.read(key, options);
      const known = documents.get(key) ?? allOf(inner.read(key, options));
      documents.set(key, known);
      return chunksOf(known);
    },
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

async function allOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function* chunksOf(all: Promise<Uint8Array[]>): AsyncGenerator<Uint8Array> {
  yield* await all;
}
