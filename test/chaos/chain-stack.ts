// A chain of backups by points, with what the collection was at the moment of each of its links, and the jobs that write it,
// prune it, and recover it. Backups are dated a day apart, so that a prune finds something to remove.

import { expect } from 'vitest';
import type { SeededRandom } from '../../demo/seeded-random.js';
import type { LocalProcess } from '../../src/local/index.js';
import { catalogue } from '../../src/model/error-catalogue.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { age, startAged } from '../support/aged-backups.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { expectHonest, keysIn } from '../support/pruned-stores.js';
import { collectionPath, createIndex, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';

export const COLLECTION = 'docs';
const IDS = 4_000;
const DAY_MS = 86_400_000;
const HEARTBEAT_SECONDS = 4;
/** So slow that there is a middle in which something can be killed. */
const SLOWLY = { maxMegabytesPerSecond: 1, batchBytes: 65_536 };

export class ChainStack {
  readonly #stack: BackupStack;
  readonly #random: SeededRandom;
  /** By backup. */
  readonly moments = new Map<string, TakenSide>();
  #day: number;

  static async start(random: SeededRandom): Promise<ChainStack> {
    const chain = new ChainStack(await startBackupStack(), random);
    try {
      await chain.#fill();
      for (const workflow of [
        'fullBackup',
        'incrementalBackup',
        'fullBackup',
        'incrementalBackup',
      ] as const) {
        await chain.change();
        await chain.noteBackup(await chain.backUp(workflow));
      }
      return chain;
    } catch (error) {
      await chain.stop();
      throw error;
    }
  }

  private constructor(stack: BackupStack, random: SeededRandom) {
    this.#stack = stack;
    this.#random = random;
    this.#day = Math.floor(Date.now() / DAY_MS) - 300;
  }

  get processes(): Record<Victim, LocalProcess> {
    const { workers, gateway, source, target, temporal } = this.#stack;
    return {
      ...{ 'data worker': workers.data, 'control worker': workers.control, 'S3 gateway': gateway },
      ...{ 'source Qdrant': source, 'target Qdrant': target, 'Temporal server': temporal },
    };
  }

  async stop(): Promise<void> {
    await this.#stack.stop();
  }

  async #fill(): Promise<void> {
    const body = '{"vectors":{"size":4,"distance":"Dot"},"shard_number":2}';
    await recreateCollection(this.#stack.source, COLLECTION, body);
    await createIndex(this.#stack.source, COLLECTION, 'n', '"integer"');
    const ids = Array.from({ length: IDS }, (_, id) => id);
    await upsertTexts(
      this.#stack.source,
      COLLECTION,
      ids.map((id) => this.#pointText(id)),
    );
  }

  #pointText(id: number): string {
    const vector = Array.from({ length: 4 }, () => this.#random.below(1_000) / 8).join();
    const text = String(this.#random.below(2 ** 32)).repeat(40);
    return `{"id":${id},"vector":[${vector}],"payload":{"n":${id},"text":"${text}","wide":18446744073709551615}}`;
  }

  /** Inserts, updates of vectors, edits of payloads, deletions, and ids that come back. */
  async change(): Promise<void> {
    const some = (count: number) => [
      ...new Set(Array.from({ length: count }, () => this.#random.below(IDS * 1.2))),
    ];
    const path = `${collectionPath(COLLECTION)}/points`;
    const { source } = this.#stack;
    await upsertTexts(
      source,
      COLLECTION,
      some(200).map((id) => this.#pointText(id)),
    );
    await rest(source, 'POST', `${path}/delete?wait=true`, `{"points":[${some(100).join()}]}`);
    const edited = `{"payload":{"edited":${this.#random.below(1_000)}},"filter":{"must":[{"key":"n","range":{"lt":${this.#random.below(100)}}}]}}`;
    await rest(source, 'POST', `${path}/payload?wait=true`, edited);
  }

  /** Ends whatever happens; the id is absent where it failed by name. */
  async backUp(workflow: 'fullBackup' | 'incrementalBackup'): Promise<string | undefined> {
    this.#day += 1;
    const at = new Date(this.#day * DAY_MS + 7_200_000);
    const more = { heartbeatSeconds: HEARTBEAT_SECONDS, slices: 2, ...SLOWLY };
    const report = await this.#reportOf(
      startAged(this.#stack, { collection: COLLECTION, at, workflow, more }),
    );
    // Also what a failed one left is as old as the rest.
    const stamp = at.toISOString().slice(0, 10).replaceAll('-', '');
    await age(this.#stack, `${stamp}_`, at);
    return report?.backup;
  }

  async #reportOf(job: Promise<JobReport>): Promise<JobReport | undefined> {
    try {
      return await job;
    } catch (error) {
      requireNamed((error as { cause?: { type?: string } }).cause?.type);
      return undefined;
    }
  }

  /** Nobody has written since. */
  async noteBackup(backup: string | undefined): Promise<void> {
    if (backup === undefined) return;
    this.moments.set(backup, await takeSide(this.#stack.side('source', COLLECTION)));
  }

  async prune(keepLast: number): Promise<boolean> {
    const flags = ['--keep-last', String(keepLast), '--minimum', '1', '--json'];
    const run = await ferry(
      this.#stack,
      ...['prune', 'source', ...flags, '--heartbeat-seconds', String(HEARTBEAT_SECONDS)],
    );
    return succeeded(run);
  }

  /** Under a name of its own; true where it says verified, and so it is. */
  async recover(backup: string, as: string, isSlow: boolean): Promise<boolean> {
    const { target } = this.#stack;
    const slowly = ['--max-megabytes-per-second', '1', '--batch-bytes', '65536'];
    const run = await ferry(
      this.#stack,
      ...['restore', 'target', COLLECTION, '--cluster', 'source', '--backup', backup, '--as', as],
      ...['--heartbeat-seconds', String(HEARTBEAT_SECONDS), '--on-failure', 'fail', '--json'],
      ...(isSlow ? slowly : []),
    );
    if (!succeeded(run)) return false;
    expect(reportOf(run).collections[0]).toMatchObject({ outcome: 'verified' });
    const taken = this.moments.get(backup);
    if (taken === undefined) throw new Error(`${backup} was never noted`);
    const { differences, configuration } = compareTaken(
      taken,
      await takeSide(this.#stack.side('target', as)),
    );
    expect([backup, differences, configuration]).toEqual([backup, [], []]);
    await rest(target, 'DELETE', collectionPath(as));
    return true;
  }

  /** Complete by the catalogue, each object as it was written; none of them that was not noted. */
  async links(): Promise<string[]> {
    const complete = (await expectHonest(storeOf(this.#stack))).map((name) => name.split('/')[0] ?? '');
    for (const backup of complete) expect([...this.moments.keys()]).toContain(backup);
    return complete;
  }

  /** What is not complete has left nothing: for after a prune that was not disturbed. */
  async requireSwept(): Promise<void> {
    const store = storeOf(this.#stack);
    const known = new Set(await this.links());
    const strangers = (await keysIn(store)).filter((key) => !known.has(key.split('/')[1] ?? ''));
    expect(strangers).toEqual([]);
    const uploads: string[] = [];
    for await (const { key } of store.uploads('source/')) uploads.push(key);
    expect(uploads).toEqual([]);
  }
}

export type Victim =
  'data worker' | 'control worker' | 'S3 gateway' | 'source Qdrant' | 'target Qdrant' | 'Temporal server';

function succeeded(run: FerryRun): boolean {
  if (run.code === 0) return true;
  const line = documentHas(run, 'collections') ? reportOf(run).collections[0] : undefined;
  requireNamed(line === undefined ? errorOf(run).code : /^(\w+):/.exec(line.error ?? '')?.[1]);
  return false;
}

const documentHas = ({ stdout }: FerryRun, field: string): boolean =>
  Object.hasOwn(JSON.parse(stdout) as object, field);

function requireNamed(code: string | undefined): void {
  if (code === undefined || !Object.hasOwn(catalogue, code))
    throw new Error(`failed without a name: ${code}`);
}
