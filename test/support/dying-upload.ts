// A process that begins an upload, sends parts and is killed with SIGKILL while it sends another one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { StoreConnection } from '../../src/model/ferry-config.js';

const PROGRAM = join(import.meta.dirname, 'upload-until-killed.mjs');

export async function dieInUpload(
  connection: StoreConnection,
  key: string,
  parts: number,
): Promise<{ id: string }> {
  const child = spawn(process.execPath, [PROGRAM, key, `${parts}`], {
    // Not among the arguments, where everybody sees them.
    env: { ...process.env, STORE: JSON.stringify(connection) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let id = '';
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('id ')) id = line.slice(3);
    if (line !== `sent ${parts}`) continue;
    child.kill('SIGKILL');
    break;
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { id };
}
