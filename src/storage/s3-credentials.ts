// Who we are to a store. Promises that credentials are read again before they expire, once a minute where they have no
// end (somebody may have put others into the file), and at once when the store refuses them. Those that stand are kept
// when reading fails. Without this the SDK would read a file of credentials once in the life of a worker.

import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { StoreConnection } from '../model/ferry-config.js';
import { FerryError } from '../model/errors.js';

export interface StoreKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** From the SDK, for whoever asks a token service first. */
type Caller = Record<string, unknown>;
type ReadKeys = (caller: Caller) => Promise<StoreKeys>;

const KEPT_MS = 60_000;
/** So long before their end they are renewed, as the SDK does. */
const MARGIN_MS = 5 * 60_000;
/** Two files are not written in one moment. */
const SETTLES_MS = 1_000;

export class S3Credentials {
  /** Goes up when others are used than before. */
  generation = 0;
  /** For the SDK, which keeps nothing itself of what says that it is `memoized`. */
  readonly provide: ((caller?: Caller) => Promise<StoreKeys>) & { memoized: true };
  readonly #read: ReadKeys;
  readonly #mayChange: boolean;
  #caller: Caller = {};
  #kept: { keys: StoreKeys; at: number } | undefined;
  #reading: Promise<StoreKeys> | undefined;

  /** Without `mayChange` what was read once is all there will be. */
  constructor(read: ReadKeys, mayChange = true) {
    this.#read = read;
    this.#mayChange = mayChange;
    const provide = (caller: Caller = {}) => {
      this.#caller = caller;
      return this.current();
    };
    this.provide = Object.assign(provide, { memoized: true as const });
  }

  async current(): Promise<StoreKeys> {
    const kept = this.#kept;
    if (kept !== undefined && !isDue(kept.keys, kept.at)) return kept.keys;
    try {
      return await this.#readAgain();
    } catch (error) {
      if (kept === undefined || hasEnded(kept.keys)) throw error;
      return kept.keys;
    }
  }

  /** After a refusal of the `used` generation: whether there are others by now. */
  async renewed(used: number): Promise<boolean> {
    if (this.generation !== used) return true;
    if (!this.#mayChange) return false;
    await this.#readAgain().catch(() => undefined);
    if (this.generation !== used) return true;
    await pause(SETTLES_MS);
    await this.#readAgain().catch(() => undefined);
    return this.generation !== used;
  }

  #readAgain(): Promise<StoreKeys> {
    this.#reading ??= this.#read(this.#caller)
      .then((keys) => this.#keep(keys))
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  #keep(keys: StoreKeys): StoreKeys {
    if (this.#kept !== undefined && !isSame(this.#kept.keys, keys)) this.generation += 1;
    this.#kept = { keys, at: Date.now() };
    return keys;
  }
}

/** What ferry.yaml gives, as values or as files; else the ordinary chain of AWS. */
export function credentialsOf(store: StoreConnection): S3Credentials {
  if (store.accessKeyId === undefined && store.accessKeyIdFile === undefined) {
    // A chain keeps what it found, and so does the reader of its files: each time another chain, and no kept files.
    return new S3Credentials((caller) => defaultProvider({ ignoreCache: true })(caller));
  }
  const mayChange = [store.accessKeyIdFile, store.secretAccessKeyFile, store.sessionTokenFile].some(Boolean);
  return new S3Credentials(async () => {
    const sessionToken = await valueOf(store, 'sessionToken');
    return {
      accessKeyId: (await valueOf(store, 'accessKeyId')) ?? '',
      secretAccessKey: (await valueOf(store, 'secretAccessKey')) ?? '',
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  }, mayChange);
}

async function valueOf(
  store: StoreConnection,
  field: 'accessKeyId' | 'secretAccessKey' | 'sessionToken',
): Promise<string | undefined> {
  const path = store[`${field}File`];
  if (path === undefined) return store[field];
  const context = { store: store.alias, path };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new FerryError('StoreKeysMissing', `${field}File cannot be read (${code})`, { cause, context });
  });
  if (text.trim() === '') throw new FerryError('StoreKeysMissing', `${field}File is empty`, { context });
  return text.trim();
}

function isDue({ expiration }: StoreKeys, readAt: number): boolean {
  if (expiration === undefined) return Date.now() - readAt > KEPT_MS;
  return expiration.getTime() - Date.now() < MARGIN_MS;
}

function hasEnded({ expiration }: StoreKeys): boolean {
  return expiration !== undefined && expiration.getTime() <= Date.now();
}

function isSame(one: StoreKeys, other: StoreKeys): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}
