// Compiles bench/ (its types are checked by `npm run check`) and measures. `npm run bench -- --help` tells the options.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;

const compiled = run(join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.bench.json'));
if (compiled !== 0) process.exit(compiled);
const { main } = await import(join(root, 'dist-bench/bench/main.js'));
process.exitCode = await main(process.argv.slice(2));
