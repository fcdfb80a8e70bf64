// The lease of whoever prunes a store, so that two installations that share it do not prune at the same time. It is in
// the store itself, for they may have nothing else in common. Nothing depends on it for safety: two prunes each keep the
// newest usable backups, and what is gone already counts as removed.
//
//   1. Each lease, and each renewal of one, is an object of its own, with the next number: written only if absent, so that
//      of two writers one wins, also where a store cannot replace an object conditionally.
//   2. Whoever has the highest number holds it. The holder renews it four times in its term, and deletes the lower numbers.
//   3. It is free when it was released, or when a contender has seen the same number for a whole term by its own clock. No
//      clocks are compared.
//   4. A holder that has not renewed it for half a term stops before its next write.

import { randomUUID } from 'node:crypto';
import { FerryError } from '../../model/errors.js';
import { numberOfPruneLease, pruneLeaseKey, PRUNE_LEASES } from '../../model/format/backup-names.js';
import { pruneLeaseSchema, type PruneLeaseDocument } from '../../model/format/manifest.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIfThere } from '../../shards/read-text.js';

const TERM_MS = 60_000;
const RENEWALS_PER_TERM = 4;

export interface PruneLeaseTerms {
  /** The same for all attempts of one job, and of nobody else: its earlier attempt has ended. */
  holder: string;
  signal: AbortSignal;
  termMs?: number;
  /** Milliseconds since some moment, by a clock that counts a suspended machine. */
  elapsed?: () => number;
}

export class PruneLease {
  /** When it was taken, by the clock of the store. */
  readonly takenAt: Date;
  readonly #store: ObjectStore;
  readonly #terms: Required<Omit<PruneLeaseTerms, 'signal'>>;
  readonly #timer: NodeJS.Timeout;
  #mine: PruneLeaseDocument;
  #renewedAt: number;
  #renewing: Promise<void> = Promise.resolve();
  #lost = false;

  /** Throws `PruneBusy` where another prune holds it and goes on. */
  static async take(store: ObjectStore, wanted: PruneLeaseTerms): Promise<PruneLease> {
    const terms = { termMs: TERM_MS, elapsed: () => performance.now(), ...wanted };
    const last = await highestLease(store);
    if (last && !last.released && last.holder !== terms.holder) await outlast(store, last, terms);
    const at = terms.elapsed();
    const { document, storedAt } = await write(store, (last?.number ?? 0) + 1, terms.holder);
    return new PruneLease(store, terms, { document, storedAt, at });
  }

  private constructor(
    store: ObjectStore,
    terms: Required<PruneLeaseTerms>,
    taken: { document: PruneLeaseDocument; storedAt: string; at: number },
  ) {
    this.#store = store;
    this.#terms = terms;
    this.#mine = taken.document;
    this.#renewedAt = taken.at;
    this.takenAt = new Date(taken.storedAt);
    this.#timer = setInterval(() => this.#renew(), terms.termMs / RENEWALS_PER_TERM);
    this.#timer.unref();
  }

  /** Throws where another may hold it by now. Before each backup that is removed. */
  require(): void {
    const isStale = this.#terms.elapsed() - this.#renewedAt > this.#terms.termMs / 2;
    if (this.#lost || isStale) throw busy(this.#store, 'The lease of this prune has ended');
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (!this.#lost) await this.#next({ released: true });
  }

  #renew(): void {
    const before = this.#renewing;
    // What cannot be written now is written at the next turn, or `require` ends it.
    this.#renewing = before.then(() => this.#next({})).catch((error: unknown) => this.#note(error));
  }

  #note(error: unknown): void {
    if (error instanceof FerryError && error.code === 'PruneBusy') this.#lost = true;
  }

  async #next(more: { released?: true }): Promise<void> {
    const at = this.#terms.elapsed();
    if (!(await isStored(this.#store, this.#mine))) throw busy(this.#store, 'The lease was taken over');
    const { document } = await write(this.#store, this.#mine.number + 1, this.#terms.holder, more);
    [this.#mine, this.#renewedAt] = [document, at];
  }
}

/** Waits a whole term, and throws `PruneBusy` as soon as the holder shows that it lives. */
async function outlast(
  store: ObjectStore,
  last: PruneLeaseDocument,
  { termMs, elapsed, signal }: Required<PruneLeaseTerms>,
): Promise<void> {
  const since = elapsed();
  while (elapsed() - since < termMs) {
    await new Promise((resolve) => setTimeout(resolve, termMs / (2 * RENEWALS_PER_TERM)));
    signal.throwIfAborted();
    const now = await highestLease(store);
    if (now?.released && now.number > last.number) throw busy(store, `${last.holder} has just pruned it`);
    if (now?.number !== last.number) throw busy(store, `${now?.holder ?? 'Somebody'} is pruning it`);
  }
}

/** Of two that write the same number one fails, and so does one whose number is not the highest. */
async function write(
  store: ObjectStore,
  number: number,
  holder: string,
  more: { released?: true } = {},
): Promise<{ document: PruneLeaseDocument; storedAt: string }> {
  const at = new Date().toISOString();
  const document: PruneLeaseDocument = {
    format: 'qdrant-ferry/prune-lease',
    version: MANIFEST_VERSION,
    ...{ number, holder, nonce: randomUUID(), at, ...more },
  };
  const body = Buffer.from(documentText(document));
  try {
    const stored = await store.put(pruneLeaseKey(number), body, { ifAbsent: true });
    const numbers = await numbersIn(store);
    if (number !== Math.max(...numbers) || !(await isStored(store, document)))
      throw busy(store, 'Another prune was faster');
    for (const lower of numbers) if (lower < number) await store.delete(pruneLeaseKey(lower));
    return { document, storedAt: stored.modifiedAt };
  } catch (error) {
    if (error instanceof FerryError && error.code === 'ObjectExists')
      throw busy(store, 'Another prune was faster');
    throw error;
  }
}

async function highestLease(store: ObjectStore): Promise<PruneLeaseDocument | undefined> {
  const numbers = await numbersIn(store);
  return numbers.length === 0 ? undefined : readLease(store, Math.max(...numbers));
}

async function numbersIn(store: ObjectStore): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.list(PRUNE_LEASES)) {
    const number = numberOfPruneLease(key);
    if (number !== undefined) numbers.push(number);
  }
  return numbers;
}

async function readLease(store: ObjectStore, number: number): Promise<PruneLeaseDocument | undefined> {
  const key = pruneLeaseKey(number);
  const text = await readIfThere(store, key);
  return text === undefined ? undefined : parseDocument(pruneLeaseSchema, text, key);
}

async function isStored(store: ObjectStore, document: PruneLeaseDocument): Promise<boolean> {
  return (await readLease(store, document.number))?.nonce === document.nonce;
}

function busy(store: ObjectStore, happened: string): FerryError {
  return new FerryError('PruneBusy', happened, { context: { store: store.alias } });
}
