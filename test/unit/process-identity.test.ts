import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { endProcess, hasEnded, identify, isAlive, startTicks } from '../../src/local/process-identity.js';

function sleeper(script = 'setTimeout(() => {}, 60_000)') {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  return { pid: child.pid as number, child };
}

describe('the identity of a process', () => {
  it('stays the same for one process and differs for the next of the same pid', async () => {
    const self = await identify(process.pid);
    expect(self).toEqual(await identify(process.pid));
    expect(await isAlive({ pid: process.pid, startedAt: 'another time' })).toBe(false);
  });

  it('does not exist where no process is', async () => {
    const { pid, child } = sleeper();
    const identity = await identify(pid);
    child.kill('SIGKILL');
    expect(identity && (await hasEnded(identity, 10_000))).toBe(true);
    expect(await identify(pid)).toBeUndefined();
  });

  it('keeps endProcess from ending a process that only has the same pid', async () => {
    const { pid, child } = sleeper();
    expect(await endProcess({ pid, startedAt: 'another time' })).toBe(false);
    const identity = await identify(pid);
    expect(identity && (await isAlive(identity))).toBe(true);
    expect(identity && (await endProcess(identity))).toBe(true);
    expect(child.signalCode ?? 'SIGTERM').toBe('SIGTERM');
  });

  it('ends with SIGKILL a process that does not listen to SIGTERM', async () => {
    const { pid, child } = sleeper(
      `process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1e6)`,
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const identity = await identify(pid);
    expect(identity && (await endProcess(identity, 100))).toBe(true);
    expect(identity && (await isAlive(identity))).toBe(false);
  });

  it('is read behind the last bracket of /proc stat, for names may hold spaces and brackets', () => {
    const rest = Array.from({ length: 18 }, (_, at) => at).join(' ');
    expect(startTicks(`42 (odd) name (x) S ${rest} 4711 0 0`)).toEqual({ state: 'S', ticks: '4711' });
  });
});
