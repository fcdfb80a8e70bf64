import type { Command } from 'commander';
import { stateDir } from '../config.js';
import { FerryError } from '../model/errors.js';
import {
  startStack,
  stackStatus,
  stopStack,
  type StackDescription,
  type StackStatus,
} from '../local/index.js';
import { EXIT } from './terminal/exit-codes.js';
import { outputOf, setExitCode, type GlobalOptions, addExample } from './terminal/output.js';

export function registerStack(program: Command): void {
  const stack = program
    .command('stack')
    .description('a Temporal server, two Qdrants, an S3 gateway and workers on this machine');
  const up = stack
    .command('up')
    .description('start what is not running; it keeps running until `ferry stack down`')
    .option('--no-workers', 'servers only')
    .action(() => bringUp(up.optsWithGlobals()));
  const down = stack
    .command('down')
    .description('stop what `up` started')
    .option('--wipe', 'also delete its collections, workflows and objects')
    .action(() => takeDown(down.optsWithGlobals()));
  const status = stack
    .command('status')
    .description('show what is running, and where')
    .action(() => showStatus(status.optsWithGlobals()));
  addExample(stack, 'ferry stack up');
  addExample(up, 'ferry stack up --no-workers');
  addExample(down, 'ferry stack down --wipe');
  addExample(status, 'ferry stack status');
  for (const command of [stack, up, down, status]) command.exitOverride();
}

async function bringUp(options: GlobalOptions & { workers: boolean }): Promise<void> {
  const output = outputOf(options);
  const running = await startStack({
    stateDir: stateDir(),
    workers: options.workers,
    onProgress: (line) => output.say(line),
  });
  const description = running.describe();
  output.result(description, [...addressLines(description), '', ...nextLines(description)]);
}

async function takeDown(options: GlobalOptions & { wipe?: boolean }): Promise<void> {
  const output = outputOf(options);
  const ended = await stopStack(stateDir(), { wipe: options.wipe ?? false });
  const said = ended.length === 0 ? 'No stack was running.' : `Stopped: ${ended.join(', ')}.`;
  output.result({ ended }, [said, ...(options.wipe ? [`Deleted its data in ${stateDir()}.`] : [])]);
}

async function showStatus(options: GlobalOptions): Promise<void> {
  const output = outputOf(options);
  const status = await stackStatus(stateDir());
  if (status === undefined) {
    throw new FerryError('StackFailed', 'No local stack is running', {
      context: { folder: stateDir() },
      remedy:
        '`ferry stack up` starts one. If yours runs with another FERRY_STATE_DIR, set that for this command.',
    });
  }
  const dead = status.members.filter((member) => !member.running).map((member) => member.name);
  output.result(status.description, [...memberLines(status), '', ...addressLines(status.description)]);
  if (dead.length === 0) return;
  output.say(`No longer running: ${dead.join(', ')}. \`ferry stack up\` starts what is missing.`);
  setExitCode(EXIT.failed);
}

function memberLines(status: StackStatus): string[] {
  return status.members.map(({ name, pid, running }) => {
    return `${name.padEnd(9)} ${running ? `running, pid ${pid}` : `stopped (pid was ${pid})`}`;
  });
}

function addressLines({ temporal, qdrant, s3, config }: StackDescription): string[] {
  return [
    `Temporal UI      ${temporal.ui}`,
    `Temporal server  ${temporal.address}`,
    `Qdrant source    ${qdrant.source.url}  (gRPC ${qdrant.source.grpcUrl})`,
    `Qdrant target    ${qdrant.target.url}  (gRPC ${qdrant.target.grpcUrl})`,
    `S3 gateway       ${s3.endpoint}  (bucket ${s3.bucket})`,
    `Configuration    ${config}`,
  ];
}

function nextLines({ config, workers }: StackDescription): string[] {
  const pids = workers.map(({ role, pid }) => `${role} ${pid}`).join(', ');
  return [
    workers.length === 0 ? 'No workers: `ferry worker` runs them.' : `Workers running: ${pids}.`,
    `Use it with \`ferry migrate source target --config ${config}\`; stop it with \`ferry stack down\`.`,
  ];
}
