// What is inside a snapshot that ferry did not make: of which kind it is, the documents it says its settings with, and
// where in the file each shard's entries lie. Promises that the file is a whole archive. Does not judge whether it has
// every shard: other nodes' files may have the rest.

import type { Json } from '../../model/json.js';
import { parseJson } from '../../model/json.js';
import { readAll, unreadable, walkTar, type ByteFile, type TarEntry } from './tar-walk.js';

export interface ShardEntries {
  /** With their names below the shard's folder. */
  entries: { name: string; entry: TarEntry }[];
  /** `replica_state.json` */
  state?: Json;
}

export interface CollectionIndex {
  kind: 'collection';
  /** Root documents by name, as Qdrant's text. */
  documents: Map<string, string>;
  shards: Map<number, ShardEntries>;
}

export interface StorageIndex {
  kind: 'storage';
  /** File name of each collection's snapshot in it. */
  collections: Map<string, string>;
  aliases: Map<string, string>;
  files: Map<string, TarEntry>;
}

/** Of one shard: it does not say what collection it needs. */
export interface ShardIndex {
  kind: 'shard';
}

export type SnapshotIndex = CollectionIndex | StorageIndex | ShardIndex;

const DOCUMENTS = ['config.json', 'shard_key_mapping.json', 'payload_index.json'];
const LARGEST_DOCUMENT = 64 * 1024 ** 2;

export async function indexSnapshot(file: ByteFile, signal: AbortSignal): Promise<SnapshotIndex> {
  const found = new Findings();
  for await (const entry of walkTar(file, signal)) {
    const text = found.add(entry) ? await textOf(file, entry, signal) : undefined;
    if (text !== undefined) found.read(entry, text, file);
  }
  return found.index(file);
}

async function textOf(file: ByteFile, entry: TarEntry, signal: AbortSignal): Promise<string> {
  if (entry.hasHoles || entry.bytes > LARGEST_DOCUMENT) {
    throw unreadable(file, `holds a ${entry.name} that is not part of a Qdrant snapshot`);
  }
  const { dataAt, bytes } = entry;
  return (await readAll(file, dataAt, dataAt + bytes, signal)).toString('utf8');
}

class Findings {
  readonly #documents = new Map<string, string>();
  readonly #shards = new Map<number, ShardEntries>();
  readonly #files = new Map<string, TarEntry>();
  #isShard = false;

  /** True when its text is wanted. */
  add(entry: TarEntry): boolean {
    const [, id, name] = /^(\d{1,9})\/(.+)$/s.exec(entry.name) ?? [];
    if (id !== undefined && name !== undefined) {
      this.#shardOf(Number(id)).entries.push({ name, entry });
      return name === 'replica_state.json';
    }
    if (entry.name === 'shard_config.json' || entry.name.startsWith('segments/')) this.#isShard = true;
    if (entry.isFile && /^[^/]+\.snapshot$/s.test(entry.name)) this.#files.set(entry.name, entry);
    return DOCUMENTS.includes(entry.name);
  }

  read({ name }: TarEntry, text: string, file: ByteFile): void {
    const [, id] = /^(\d+)\//.exec(name) ?? [];
    if (id === undefined) this.#documents.set(name, text);
    else this.#shardOf(Number(id)).state = jsonIn(text, name, file);
  }

  index(file: ByteFile): SnapshotIndex {
    const config = this.#documents.get('config.json');
    if (this.#isShard && config === undefined) return { kind: 'shard' };
    if (config === undefined) throw unreadable(file, 'is not a Qdrant snapshot: it has no config.json');
    const json = jsonIn(config, 'config.json', file) as Record<string, Json> | null;
    const mapping = json?.collections_mapping;
    if (mapping === undefined) {
      return { kind: 'collection', documents: this.#documents, shards: this.#shards };
    }
    const collections = namesIn(mapping);
    const aliases = namesIn(json?.collections_aliases);
    return { kind: 'storage', collections, aliases, files: this.#files };
  }

  #shardOf(id: number): ShardEntries {
    const known = this.#shards.get(id) ?? { entries: [] };
    this.#shards.set(id, known);
    return known;
  }
}

function namesIn(json: Json | undefined): Map<string, string> {
  const entries = Object.entries(json ?? {}) as [string, unknown][];
  return new Map(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}

export function jsonIn(text: string, name: string, file: Pick<ByteFile, 'name'>): Json {
  try {
    return parseJson(text);
  } catch {
    throw unreadable(file, `holds a ${name} that is not JSON`);
  }
}
