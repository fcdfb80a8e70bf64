// The configuration of a worker while it lives: one object for all adapters, whose entries change when ferry.yaml or a
// file that it names does. Promises that an entry that did not change stays the very same object, that a fault in the
// files changes nothing and is said again and again, and that every attempt of an activity sees the files as they are
// when it begins. What runs keeps the connection that it has.

import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { readConfig } from '../config.js';
import type { FerryConfig } from '../model/ferry-config.js';
import { hasTerminal } from './has-terminal.js';

const LOOK_EVERY_MS = 5_000;
const SAID_AGAIN_MS = 60_000;

export class LiveConfig {
  readonly config: FerryConfig;
  readonly #say: (line: string) => void;
  /** As of start, or of the last time that they were read without a fault. */
  #files: readonly string[];
  #readAt = new Date();
  #seen: string | undefined;
  #fault: { message: string; saidAt: number } | undefined;
  #looking: Promise<void> | undefined;

  /** What a worker cannot do about a change, a sentence each. */
  remarks: () => string[] = () => [];

  constructor(path: string | undefined, say: (line: string) => void) {
    const { config, files } = readConfig(path);
    this.config = config;
    this.#files = files;
    this.#say = say;
  }

  /** Until the returned function is called. A process of a terminal keeps the meaning that SIGHUP has there. */
  async watch(): Promise<() => void> {
    this.#seen = await signatureOf(this.#files);
    const timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
    const onSignal = () => {
      this.#seen = undefined;
      void this.look();
    };
    if (!hasTerminal()) process.on('SIGHUP', onSignal);
    return () => {
      clearInterval(timer);
      process.off('SIGHUP', onSignal);
    };
  }

  /** Reads the files again when they changed. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Inside of failure-interceptor.ts. */
  readonly interceptor: ActivityInterceptorsFactory = () => ({
    inbound: {
      execute: async (input, next) => {
        await this.look();
        return next(input);
      },
    },
  });

  async #look(): Promise<void> {
    const signature = await signatureOf(this.#files);
    if (signature === this.#seen) return this.#sayAgain();
    this.#seen = signature;
    try {
      const { config, files } = readConfig(this.config.path);
      this.#files = files;
      this.#seen = await signatureOf(files);
      this.#take(config);
      this.#fault = undefined;
      this.#readAt = new Date();
    } catch (error) {
      this.#fault = { message: error instanceof Error ? error.message : String(error), saidAt: 0 };
      this.#sayAgain();
    }
  }

  #sayAgain(): void {
    if (this.#fault === undefined || Date.now() - this.#fault.saidAt < SAID_AGAIN_MS) return;
    this.#fault.saidAt = Date.now();
    const { message } = this.#fault;
    this.#say(
      `ferry.yaml is not valid and was NOT loaded; the version of ${this.#readAt.toISOString()} stays in use: ${message}`,
    );
  }

  #take(next: FerryConfig): void {
    const changes = [
      ...takeEntries('cluster', this.config.clusters, next.clusters),
      ...takeEntries('store', this.config.stores, next.stores),
      ...takeEntries('notifier', this.config.notifiers, next.notifiers),
    ];
    if (!isDeepStrictEqual(this.config.temporal, next.temporal))
      changes.push('`temporal` (needs a restart of this worker)');
    this.config.defaults = next.defaults;
    this.config.policies = next.policies;
    changes.push(...this.remarks());
    if (this.#fault !== undefined || changes.length > 0)
      this.#say(`${this.config.path} was reloaded: ${changes.join(', ') || 'nothing changed'}`);
  }
}

function takeEntries<T>(kind: string, now: Record<string, T>, next: Record<string, T>): string[] {
  const changes: string[] = [];
  for (const alias of Object.keys(now).filter((one) => !Object.hasOwn(next, one))) {
    delete now[alias];
    changes.push(`${kind} ${alias} was removed`);
  }
  for (const [alias, entry] of Object.entries(next)) {
    const known = Object.hasOwn(now, alias);
    if (known && isDeepStrictEqual(now[alias], entry)) continue;
    now[alias] = entry;
    changes.push(`${kind} ${alias} ${known ? 'has changed' : 'is new'}`);
  }
  return changes;
}

/** Follows links, as a mounted secret is one. */
async function signatureOf(files: readonly string[]): Promise<string> {
  const stats = files.map(async (file) => {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  });
  const settled = await Promise.allSettled(stats);
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : 'absent')).join('\n');
}
