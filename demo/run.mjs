// Compiles demo/ where it changed (its types are checked by `npm run check`) and runs it. `npm run demo -- --help` shows
// the options.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'dist-demo/demo/main.js');

if (!isCompiled()) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = { stdio: ['inherit', process.stderr, 'inherit'] };
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.demo.json')], options);
  if (status !== 0) process.exit(status ?? 1);
}
await (await import(main)).main(process.argv);

function isCompiled() {
  if (!existsSync(main)) return false;
  const files = ['demo', 'src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  );
  const compiledAt = statSync(main).mtimeMs;
  return files.every((file) => statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs < compiledAt);
}
