// All commands, and what every failure becomes: a sentence on stderr, one JSON document on stdout, an exit status.

import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { packageRoot } from '../local/package-root.js';
import { errorDocument, errorText, EXIT, exitCodeOfError } from './terminal/exit-codes.js';
import { addGlobalOptions, setExitCode, addExample } from './terminal/output.js';

type Register = (program: Command) => void;

/** In the order of the help. Each is loaded when it is needed: the client of Temporal alone takes longer than the rest. */
const COMMANDS: { names: string[]; load: () => Promise<Register> }[] = [
  { names: ['stack'], load: async () => (await import('./stack.js')).registerStack },
  { names: ['worker'], load: async () => (await import('./worker.js')).registerWorker },
  { names: ['doctor'], load: async () => (await import('./doctor/doctor.js')).registerDoctor },
  { names: ['migrate'], load: async () => (await import('./jobs/migrate.js')).registerMigrate },
  { names: ['verify'], load: async () => (await import('./jobs/verify.js')).registerVerify },
  { names: ['backup'], load: async () => (await import('./jobs/backup.js')).registerBackup },
  { names: ['backups'], load: async () => (await import('./backups/backups.js')).registerBackups },
  {
    names: ['check-backup'],
    load: async () => (await import('./backups/check-backup.js')).registerCheckBackup,
  },
  { names: ['check'], load: async () => (await import('./check/check.js')).registerCheck },
  { names: ['prune'], load: async () => (await import('./backups/prune.js')).registerPrune },
  { names: ['policies'], load: async () => (await import('./policies/policies.js')).registerPolicies },
  { names: ['notify'], load: async () => (await import('./notify.js')).registerNotify },
  { names: ['restore'], load: async () => (await import('./jobs/restore.js')).registerRestore },
  { names: ['rehearse'], load: async () => (await import('./jobs/rehearse.js')).registerRehearse },
  { names: ['snapshots'], load: async () => (await import('./snapshots/snapshots.js')).registerSnapshots },
  { names: ['status'], load: async () => (await import('./jobs/status.js')).registerStatus },
  {
    names: ['pause', 'resume', 'throttle', 'retry', 'abort'],
    load: async () => (await import('./jobs/steer.js')).registerSteer,
  },
];

/** With what of them the arguments name; with all of them where they name none, for the help and for wrong names. */
export async function createProgram(argv: readonly string[] = []): Promise<Command> {
  const program = new Command('ferry')
    .description(
      'Durable backup, migration and recovery of Qdrant collections, with a proof, as Temporal workflows.',
    )
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(--help shows help)');
  addGlobalOptions(program);
  addExample(program, 'ferry migrate source target docs');
  for (const { load } of commandsIn(argv)) (await load())(program);
  // Arguments and options leave no room for what a command does; its own help has them.
  program.configureHelp({ subcommandTerm: (command) => command.name() });
  for (const command of withinOf(program)) command.exitOverride();
  return program;
}

function commandsIn(argv: readonly string[]) {
  const named = COMMANDS.filter(({ names }) => names.some((name) => argv.includes(name)));
  return named.length > 0 || argv.includes('--version') ? named : COMMANDS;
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
