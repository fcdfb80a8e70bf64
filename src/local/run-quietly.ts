// Runs a command to its end; its output is only seen when it fails. It dies with this process, Ctrl-C included.

import { spawn } from 'node:child_process';
import { dieTogether } from './die-together.js';

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

export async function runQuietly(command: string, args: string[], options: RunOptions = {}): Promise<void> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.once('spawn', () => dieTogether(child.pid as number, child));
  let said = '';
  const keep = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit, signal) => resolve(signal ?? exit ?? 1));
  });
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${lastLines(said)}`);
}

function lastLines(said: string): string {
  return said.trimEnd().split('\n').slice(-4).join(' | ').slice(-400);
}
