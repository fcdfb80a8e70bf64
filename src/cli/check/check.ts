// `ferry check`: is everything protected as it should be?

import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../config.js';
import { checkOptionsSchema, type CheckReport } from '../../model/contracts/check-activities.js';
import { FerryError } from '../../model/errors.js';
import { mapInOrder } from '../../model/map-in-order.js';
import { mergeReports } from '../../model/health/report.js';
import { openTemporal } from '../temporal.js';
import { CHECK_EXIT, EXIT } from '../terminal/exit-codes.js';
import { addInputOptions, inputFrom } from '../terminal/input-options.js';
import { StoppedWatching } from '../terminal/keep-trying.js';
import {
  addExample,
  outputOf,
  setExitCode,
  stopOnInterrupt,
  type GlobalOptions,
  type Output,
} from '../terminal/output.js';
import { changesText, checkText } from './check-text.js';
import { makeCheck, type Checking } from './make-check.js';
import { plannedChecks, type AskedCheck, type CheckInput } from './planned-checks.js';

type Options = GlobalOptions & { cluster?: string[]; policy?: string; watch?: boolean; every: string };

const AT_ONCE = 4;
const EXIT_HELP = `
Exit status: 0 everything is as it should be, 1 a warning, 2 something critical. A check that cannot be made at all ends
as any other command: 1 a failure, 2 wrong usage. With --json, those two print {"error": …} instead of a report.`;

export function registerCheck(program: Command): void {
  const command = program
    .command('check')
    .description('check that every collection is backed up, proved and rehearsed in time, by the policies')
    .option('--cluster <aliases...>', 'only these clusters (default: every cluster of ferry.yaml)')
    .option('--policy <name>', 'only this policy')
    .option('--watch', 'go on, and show what changes; Ctrl-C ends it')
    .option('--every <seconds>', 'with --watch: pause between two checks', '60');
  addInputOptions(command, checkOptionsSchema);
  command.addHelpText('after', EXIT_HELP);
  addExample(command, 'ferry check --policy nightly');
  command.action(async () => {
    const options = command.optsWithGlobals<Options>();
    const everyMs = everyOf(options);
    const config = loadConfig(options.config);
    const written = inputFrom(command, checkOptionsSchema, { collections: [] });
    const asked = {
      options: written as AskedCheck['options'],
      clusters: options.cluster,
      policy: options.policy,
    };
    const checks = plannedChecks(config, asked);
    const temporal = openTemporal(config);
    const stop = stopOnInterrupt();
    const checking = { temporal, config, configPath: options.config, signal: stop.signal };
    try {
      await run(checking, checks, outputOf(options), options.watch ? everyMs : undefined);
    } finally {
      stop.release();
      await temporal.close();
    }
  });
}

function everyOf({ every, watch, json }: Options): number {
  if (watch && json) throw new FerryError('InvalidInput', '`--watch` cannot be combined with `--json`');
  const seconds = Number(every);
  if (Number.isFinite(seconds) && seconds >= 1) return seconds * 1_000;
  throw new FerryError('InvalidInput', `\`--every\` must be a number of seconds, at least 1, not "${every}"`);
}

async function run(
  checking: Checking,
  checks: readonly CheckInput[],
  output: Output,
  everyMs: number | undefined,
): Promise<void> {
  try {
    const report = await checkAll(checking, checks);
    output.result(report, checkText(report, new Date(), output.paint));
    setExitCode(CHECK_EXIT[report.status]);
    if (everyMs !== undefined) await watch(checking, checks, output, { report, everyMs });
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    output.result({ error: { code: 'Interrupted', message: 'Stopped.' } }, []);
    setExitCode(EXIT.interrupted);
  }
}

/** Ends with Ctrl-C, and the exit status of the last check. */
async function watch(
  checking: Checking,
  checks: readonly CheckInput[],
  output: Output,
  { report, everyMs }: { report: CheckReport; everyMs: number },
): Promise<void> {
  const { signal } = checking;
  for (let before = report; ;) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const after = await checkAll(checking, checks).catch((error: unknown) => {
      if (error instanceof StoppedWatching) return undefined;
      throw error;
    });
    if (after === undefined) return;
    for (const line of changesText(before, after, new Date(), output.paint))
      process.stdout.write(`${line}\n`);
    setExitCode(CHECK_EXIT[after.status]);
    before = after;
  }
}

async function checkAll(checking: Checking, checks: readonly CheckInput[]): Promise<CheckReport> {
  const numbered = checks.map((check, number) => ({ check, number }));
  const reports = await mapInOrder(numbered, AT_ONCE, ({ check, number }) =>
    makeCheck(checking, check, number),
  );
  return mergeReports(reports, new Date().toISOString());
}
