// A command that is told: started without a shell, the message on its stdin. Promises that it, and what it started, is gone
// when the time or the output is used up. What it writes may hold secrets, so no error repeats it.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { FerryError } from '../model/errors.js';
import type { CommandNotifier } from '../model/health/notifier-schema.js';
import type { Message, Receipt } from './send-notification.js';

/** Of stdout and stderr together. */
const MOST_OUTPUT_BYTES = 65_536;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
type End = { code: number | null; by: NodeJS.Signals | null } | { error: NodeJS.ErrnoException };

export async function runCommand(
  notifier: CommandNotifier,
  { id, body }: Message,
  signal: AbortSignal,
): Promise<Receipt> {
  const { command, timeoutSeconds } = notifier;
  const [program = '', ...args] = command;
  // A group of its own, so that what it started ends with it.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, FERRY_NOTIFICATION_ID: id },
  });
  let over: string | undefined;
  const stop = (why: string) => {
    over ??= why;
    killGroup(child);
  };
  const onAbort = () => stop('was cancelled');
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop(`did not end within ${timeoutSeconds} s`), timeoutSeconds * 1_000);
  try {
    const said = collect(child, () => stop(`wrote more than ${MOST_OUTPUT_BYTES} bytes`));
    const ended = endOf(child);
    if (signal.aborted) onAbort();
    // One that does not read its stdin is no failure: its exit status decides.
    child.stdin.on('error', () => undefined).end(body);
    const end = await ended;
    signal.throwIfAborted();
    const why = over ?? failureOf(end);
    if (why === undefined) return { answer: 'exit status 0', said: said() };
    throw new FerryError('NotificationFailed', `The command of ${notifier.name} ${why}`, {
      context: { notifier: notifier.name },
      retryable: !('error' in end),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    killGroup(child);
  }
}

const START_FAULTS: Partial<Record<string, string>> = {
  ENOENT: 'ENOENT: there is no such program on this machine',
  EACCES: 'EACCES: the file may not be executed',
};

function failureOf(end: End): string | undefined {
  if ('error' in end)
    return `cannot be started (${START_FAULTS[end.error.code ?? ''] ?? end.error.code ?? 'error'})`;
  if (end.code === 0) return undefined;
  return end.by === null ? `ended with exit status ${end.code}` : `was ended by ${end.by}`;
}

function endOf(child: Child): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    // Not "close": what it left in the background may keep its pipes open.
    child.once('exit', (code, by) => resolve({ code, by }));
  });
}

function collect(child: Child, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_OUTPUT_BYTES) onTooMuch();
      else chunks.push(chunk);
    });
  return () => Buffer.concat(chunks).toString('utf8').slice(0, 2_000);
}

function killGroup({ pid }: Child): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}
