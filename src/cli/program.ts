// All commands, and what every failure becomes: a sentence on stderr, one JSON document on stdout, an exit status.

import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { packageRoot } from '../local/package-root.js';
import { registerDoctor } from './doctor.js';
import { errorDocument, errorText, EXIT, exitCodeOfError } from './exit-codes.js';
import { addGlobalOptions, setExitCode } from './global-options.js';
import { registerBackup } from './backup.js';
import { registerBackups } from './backups.js';
import { registerCheckBackup } from './check-backup.js';
import { registerDemo } from './demo.js';
import { registerMigrate } from './migrate.js';
import { registerRehearse } from './rehearse.js';
import { registerRestore } from './restore.js';
import { registerSnapshots } from './snapshots.js';
import { registerStack } from './stack.js';
import { registerStatus } from './status.js';
import { registerSteer } from './steer.js';
import { registerVerify } from './verify.js';
import { registerWorker } from './worker.js';

const REGISTER = [
  registerDemo,
  registerStack,
  registerWorker,
  registerDoctor,
  registerMigrate,
  registerVerify,
  registerBackup,
  registerBackups,
  registerCheckBackup,
  registerRestore,
  registerRehearse,
  registerSnapshots,
  registerStatus,
  registerSteer,
];

export function createProgram(): Command {
  const program = new Command('ferry')
    .description(
      'Durable backup, migration and recovery of Qdrant collections, proved, as Temporal workflows.',
    )
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(--help shows help)');
  addGlobalOptions(program);
  for (const register of REGISTER) register(program);
  for (const command of withinOf(program)) command.exitOverride();
  return program;
}

function withinOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withinOf)];
}

export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json');
  try {
    await program.parseAsync(argv);
  } catch (error) {
    setExitCode(failed(error, json));
  }
}

function failed(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return usage(error, json);
  const document = errorDocument(error);
  const { code } = document.error;
  process.stderr.write(`${errorText(document.error)}\n`);
  if (code === 'Internal') process.stderr.write(`${inspect(error)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(document)}\n`);
  return exitCodeOfError(code);
}

/** Commander has said it on stderr already; help and version are no failure. */
function usage(error: CommanderError, json: boolean): number {
  if (error.exitCode === 0) return EXIT.done;
  const message = error.message.replace(/^error: /, '');
  if (json) process.stdout.write(`${JSON.stringify({ error: { code: 'InvalidInput', message } })}\n`);
  return EXIT.usage;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
