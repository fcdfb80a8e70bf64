// The runs of one cluster, newest first, each read at most once and only when somebody asks for it. Promises that a
// restore that finds what it wants in the newest run lists the runs once and reads one.

import type { ObjectStore } from '../storage/object-store.js';
import { backupFolder, timeOfBackup } from '../model/format/backup-names.js';
import { mapInOrder } from '../model/map-in-order.js';
import { readRun, runsOf, type Run } from './catalogue/read-run.js';

/** Runs that are read side by side, once the newest was not the one. */
const AHEAD = 16;

export class Runs {
  readonly store: ObjectStore;
  readonly cluster: string;
  readonly #before: Date | undefined;
  readonly #now: Date;
  readonly #signal: AbortSignal | undefined;
  readonly #read = new Map<string, Promise<Run>>();
  #ids: Promise<string[]> | undefined;

  constructor(
    store: ObjectStore,
    cluster: string,
    { before, now, signal }: { before?: Date | undefined; now: Date; signal?: AbortSignal | undefined },
  ) {
    this.store = store;
    this.cluster = cluster;
    this.#before = before;
    this.#now = now;
    this.#signal = signal;
  }

  /** Those that began before the time that was asked for; those of the future last. */
  ids(): Promise<string[]> {
    this.#ids ??= runsOf(this.store, this.cluster, this.#now).then((ids) =>
      ids.filter((id) => this.#fits(id)),
    );
    return this.#ids;
  }

  #fits(id: string): boolean {
    return this.#before === undefined || (timeOfBackup(id) ?? this.#now) < this.#before;
  }

  read(id: string): Promise<Run> {
    const known = this.#read.get(id);
    if (known) return known;
    const run = readRun(this.store, this.cluster, id, { now: this.#now, signal: this.#signal });
    this.#read.set(id, run);
    return run;
  }

  /** Newest first, beginning behind `after`; without those that are dated in the future. */
  async *newest(after?: string): AsyncIterable<Run> {
    const ids = await this.ids();
    const rest = ids.slice(after === undefined ? 0 : ids.indexOf(after) + 1);
    for (let at = 0, ahead = 1; at < rest.length; at += ahead, ahead = AHEAD) {
      this.#signal?.throwIfAborted();
      const some = await mapInOrder(rest.slice(at, at + ahead), ahead, (id) => this.read(id));
      for (const run of some) if (!run.isFuture) yield run;
    }
  }

  /** Collections that a run holds, or was to hold. */
  async namesIn({ backup, document, started }: Run): Promise<string[]> {
    if (document) return document.collections.map(({ collection }) => collection);
    if (started) return started.collections;
    const names: string[] = [];
    for await (const name of this.store.folders(backupFolder(this.cluster, backup))) names.push(name);
    return names;
  }
}
