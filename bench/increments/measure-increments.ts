// `npm run bench -- --increments`: what an increment takes, reads and stores, for a growing share of changed points and both
// ways to find them, beside full backups of the same collection; and what the recovery of a long chain takes.

import { qdrantRequest } from '../../demo/fill-collection.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { packageRoot } from '../../src/local/package-root.js';
import { makeSource, settled } from '../moves/indexed-collection.js';
import { openCrew, type Crew, type JobStage } from '../jobs/job-stage.js';
import { describeMachine, type Machine } from '../report.js';
import type { BenchOptions } from '../options.js';
import { Application, FIELD, stampAll } from './changes.js';

const NAME = 'docs';
export const ONE_POINT = 'increment of a collection with one point';
const SHARES = [0, 0.001, 0.01, 0.1];
const SHARE_OF_A_LINK = 0.001;
const SNAPSHOTS_WITH_INDEX = ['--index', '--settle-ms', '0'];
const WAYS = { digest: [], field: ['--detect', 'field', '--field', FIELD, '--overlap-seconds', '2'] };

export interface IncrementRun {
  line: string;
  seconds: number;
  changed: number;
  readBytes?: number | undefined;
  storedBytes: number;
}

export interface IncrementsReport {
  at: string;
  machine: Machine;
  points: number;
  links: number;
  runs: IncrementRun[];
}

export async function measureIncrements(
  stage: JobStage,
  { points, links }: BenchOptions,
  say: (line: string) => void,
): Promise<IncrementsReport> {
  say(`filling and indexing ${points} points …`);
  await makeSource(stage.source, NAME, { points, shards: 1 });
  await stampAll(stage.source, NAME);
  await settled(stage.source, NAME);
  const crew = await openCrew(stage, { name: 'this', root: packageRoot() });
  try {
    const measuring = new Measuring(stage, crew, points, say);
    await measuring.fulls();
    await measuring.increments();
    await measuring.recoveries(links);
    return {
      at: new Date().toISOString(),
      machine: describeMachine(stage),
      ...{ points, links, runs: measuring.runs },
    };
  } finally {
    await crew.close();
  }
}

class Measuring {
  readonly runs: IncrementRun[] = [];
  readonly #application: Application;
  readonly #crew: Crew;
  readonly #stage: JobStage;
  readonly #say: (line: string) => void;

  constructor(stage: JobStage, crew: Crew, points: number, say: (line: string) => void) {
    [this.#stage, this.#crew, this.#say] = [stage, crew, say];
    this.#application = new Application(stage.source, NAME, points);
  }

  async fulls(): Promise<void> {
    // The first job of a worker loads what the later ones find.
    await this.#crew.ferry('backup', 'source', NAME, '--format', 'points');
    await this.#backUp('full, by points', '--format', 'points');
    await this.#backUp('full, snapshots', '--settle-ms', '0');
    await this.#tiny();
    await this.#backUp('full, snapshots with an index', ...SNAPSHOTS_WITH_INDEX);
  }

  /** What a job takes for itself. */
  async #tiny(): Promise<void> {
    const { url } = this.#stage.source;
    await qdrantRequest(url, 'PUT', '/collections/tiny', '{"vectors":{"size":1,"distance":"Dot"}}');
    const point = '{"points":[{"id":1,"vector":[1]}]}';
    await qdrantRequest(url, 'PUT', '/collections/tiny/points?wait=true', point);
    await this.#crew.ferry('backup', 'source', 'tiny', '--incremental');
    await this.#backUp(ONE_POINT, '--incremental', 'tiny');
    await qdrantRequest(url, 'DELETE', '/collections/tiny');
  }

  async increments(): Promise<void> {
    for (const share of SHARES) {
      for (const [way, flags] of Object.entries(WAYS)) {
        await this.#application.change(share);
        await this.#backUp(`increment by ${way}, ${share * 100} % changed`, '--incremental', ...flags);
      }
    }
  }

  /** Of a chain of its own, for one has 30 links at most. */
  async recoveries(links: number): Promise<void> {
    const full = await this.#backUp('full, before the chain that is recovered', ...SNAPSHOTS_WITH_INDEX);
    for (let link = 1; link <= links; link += 1) {
      await this.#application.change(SHARE_OF_A_LINK);
      const { stdout } = await this.#crew.ferry('backup', 'source', NAME, '--incremental', ...WAYS.field);
      const { changes } = (JSON.parse(stdout) as JobReport).collections[0] ?? {};
      if (changes?.base === undefined) throw new Error(`link ${link} became a full backup`);
    }
    await this.#restore('recovery of the snapshots', '--backup', full);
    await this.#restore(`recovery of the snapshots and ${links} links`);
  }

  async #backUp(line: string, ...flags: string[]): Promise<string> {
    const name = flags.includes('tiny') ? [] : [NAME];
    const { seconds, stdout } = await this.#crew.ferry('backup', 'source', ...name, ...flags);
    const report = JSON.parse(stdout) as JobReport;
    const { changes } = report.collections[0] ?? {};
    const isIncrement = flags.includes('--incremental');
    if (isIncrement && changes?.base === undefined) throw new Error(`${line} became a full backup`);
    const { changed = 0, deleted = 0, readBytes } = changes ?? {};
    this.#add({ line, seconds, changed: changed + deleted, readBytes, storedBytes: report.bytes ?? 0 });
    return report.backup ?? '';
  }

  async #restore(line: string, ...flags: string[]): Promise<void> {
    const { seconds, stdout } = await this.#crew.ferry(
      ...['restore', 'target', NAME, '--cluster', 'source', '--await-indexing-minutes', '0', ...flags],
    );
    this.#add({ line, seconds, changed: 0, storedBytes: (JSON.parse(stdout) as JobReport).bytes ?? 0 });
    await qdrantRequest(this.#stage.target.url, 'DELETE', `/collections/${NAME}`);
  }

  #add(run: IncrementRun): void {
    this.runs.push(run);
    this.#say(`  ${run.line}: ${run.seconds.toFixed(1)} s, ${(run.storedBytes / 1e6).toFixed(2)} MB`);
  }
}
