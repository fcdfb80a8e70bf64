// Runs a part of the project on a machine that has nothing but Node: installs and builds what is missing first.
//   node tools/run.mjs ferry …     the command
//   node tools/run.mjs demo …      the demo
//   node tools/run.mjs test …      the whole suite, on real servers
//   node tools/run.mjs chaos …     random faults, round after round (docs/reliability.md)
//   node tools/run.mjs check       format, lint, unused code, types, and the tests that need no server;
//                                  --node 24: the same under that Node, from the npm package `node`
//   node tools/run.mjs bench …     the figures of the README
// Plain Node, no dependencies: it runs before anything is installed.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);
const say = (line) => process.stderr.write(`${line}\n`);

const [what, ...args] = process.argv.slice(2);
const runs = { ferry, demo, test, chaos, check, bench };
process.exitCode = Object.hasOwn(runs, what ?? '') ? await runs[what]() : usage();

async function ferry() {
  return (
    (await prepare()) || run(process.execPath, ['--enable-source-maps', join(root, 'dist/cli.js'), ...args])
  );
}

async function demo() {
  return (
    (await prepare()) || run(process.execPath, ['--enable-source-maps', join(root, 'demo/run.mjs'), ...args])
  );
}

async function test() {
  return (await prepare()) || (await fetchBinaries()) || run(bin('vitest'), ['run', ...args], { cwd: root });
}

/** What is not an option of ours is one of vitest: `-t 'round 3:'` runs that round alone. */
async function chaos() {
  const ours = { rounds: 'FERRY_CHAOS_ROUNDS', seed: 'FERRY_TEST_SEED' };
  const theirs = { job: 'FERRY_CHAOS_JOB', fault: 'FERRY_CHAOS_FAULT' };
  const env = { FERRY_CHAOS_ROUNDS: '20', ...process.env };
  const passedOn = [];
  for (let at = 0; at < args.length; at += 1) {
    const name = { ...ours, ...theirs }[args[at].replace(/^--/, '')];
    if (name === undefined) passedOn.push(args[at]);
    else env[name] = args[(at += 1)] ?? '';
  }
  const wrong = Object.values(ours).find((name) => env[name] !== undefined && !/^\d+$/.test(env[name]));
  if (wrong !== undefined) {
    say('usage: npm run chaos -- [--rounds N] [--seed S] [--fault NAME] [--job PART]');
    return 2;
  }
  const rounds = ['run', '--project', 'chaos', 'test/chaos/chaos.test.ts', ...passedOn];
  return (await prepare()) || (await fetchBinaries()) || run(bin('vitest'), rounds, { cwd: root, env });
}

async function bench() {
  const main = join(root, 'bench/run.mjs');
  return (
    (await prepare()) || (await fetchBinaries()) || run(process.execPath, [main, ...args], { cwd: root })
  );
}

async function check() {
  const [option, version] = args;
  if (option === '--node' && version !== undefined) return run('npx', underNode(version), { cwd: root });
  if (option !== undefined) {
    say('usage: npm run check [-- --node VERSION]');
    return 2;
  }
  const steps = [
    ['prettier', '--check', '--log-level', 'warn', '.'],
    ['eslint', '.'],
    ['knip', '--no-config-hints'],
    ['tsc', '--noEmit', '-p', 'tsconfig.json'],
    ['tsc', '--noEmit', '-p', 'tsconfig.check.json'],
    ['vitest', 'run', '--project', 'unit', '--project', 'replay'],
  ];
  let failed = await install();
  for (const [tool, ...rest] of failed ? [] : steps)
    failed = (await run(bin(tool), rest, { cwd: root })) || failed;
  return failed;
}

/** npx puts that Node before the others on the PATH, so vitest and the others are run by it too. */
function underNode(version) {
  return ['-y', '-p', `node@${version}`, 'node', fileURLToPath(import.meta.url), 'check'];
}

function usage() {
  say(`usage: node tools/run.mjs ${Object.keys(runs).join('|')} …`);
  return 2;
}

/** Each step gives an exit status; 0 goes on. */
async function prepare() {
  return (await install()) || (await build());
}

async function install() {
  if (isInstalled()) return 0;
  say('installing packages (npm ci, once) …');
  return run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    quiet: true,
    shell: process.platform === 'win32',
  });
}

/** By content: times tell nothing after a clone, a copy or an interrupted install. */
function isInstalled() {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const [wanted, have] = [join(root, 'package-lock.json'), hidden].map((path) =>
    JSON.parse(readFileSync(path, 'utf8')),
  );
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional }]) => {
    const there = have.packages[path];
    if (path === '' || there === undefined) return path === '' || optional === true;
    return there.version === version && there.integrity === integrity;
  });
}

async function build() {
  if (newest(join(root, 'dist/workflow-bundle.js')) > Math.max(...sources().map(newest))) return 0;
  say('building (tsc and the workflow bundle) …');
  return (
    (await run(bin('tsc'), ['-p', 'tsconfig.json'], { cwd: root, quiet: true })) ||
    run(process.execPath, [join(root, 'tools/bundle-workflows.mjs')], { cwd: root, quiet: true })
  );
}

function sources() {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  return [
    ...files.map((file) => join(file.parentPath ?? file.path, file.name)),
    ...['package-lock.json', 'tsconfig.json', 'tools/bundle-workflows.mjs'].map((name) => join(root, name)),
  ];
}

function newest(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

async function fetchBinaries() {
  const { allBinaries, findBinaries } = await import(join(root, 'dist/local/index.js'));
  try {
    await findBinaries(allBinaries, say);
    return 0;
  } catch (error) {
    say(error.message);
    return 1;
  }
}

/** Passes stop signals on, once: on a terminal, npm and the shell deliver one Ctrl-C several times. */
async function run(command, rest, { quiet = false, ...options } = {}) {
  // Results belong to stdout, so what merely prepares speaks on stderr.
  const stdio = ['inherit', quiet ? process.stderr : 'inherit', 'inherit'];
  const child = spawn(command, rest, { ...options, stdio, detached: process.platform !== 'win32' });
  const lastAt = {};
  const passOn = (signal) => {
    if (performance.now() - (lastAt[signal] ?? -Infinity) < 500) return;
    lastAt[signal] = performance.now();
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);
  const orphaned = onLostParent(() => passOn('SIGTERM'));
  try {
    return await status(child, command);
  } finally {
    clearInterval(orphaned);
    for (const signal of signals) process.off(signal, passOn);
  }
}

/** Told to stop, npm ends its shell and itself, and the shell tells nobody. */
function onLostParent(act) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, 250);
  return timer;
}

function status(child, command) {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(`${command} cannot be run: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
