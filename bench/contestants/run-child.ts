// Runs a contestant that is a process of its own, and measures it from outside or lets it tell.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuSeconds, peakBytes } from '../process-usage.js';
import type { Measured } from './contestant.js';

/** A script of ours beside this file; its last line on stdout is what it measured, as JSON. */
export async function runScript(name: string, input: object): Promise<Measured> {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url));
  const { stdout } = await run(process.execPath, [script, JSON.stringify(input)]);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Measured;
}

/** An external program, from its start to its end. */
export async function runProgram(command: string, args: string[]): Promise<Measured> {
  const { measured } = await run(command, args);
  return measured;
}

async function run(command: string, args: string[]): Promise<{ stdout: string; measured: Measured }> {
  const began = performance.now();
  const measured: Measured = { seconds: 0, cpuSeconds: 0, peakBytes: 0 };
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const look = async () => {
    if (child.pid === undefined) return;
    const [cpu, peak] = await Promise.all([cpuSeconds(child.pid), peakBytes(child.pid)]);
    Object.assign(measured, { cpuSeconds: cpu, peakBytes: Math.max(peak, measured.peakBytes) });
  };
  const timer = setInterval(() => void look().catch(() => undefined), 50);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(timer));
  measured.seconds = (performance.now() - began) / 1_000;
  if (code === 0) return { stdout: said.stdout, measured };
  throw new Error(`${command} ended with ${code}: ${(said.stderr || said.stdout).slice(-800)}`);
}
