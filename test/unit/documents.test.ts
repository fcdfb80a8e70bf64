import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_OURS = ['node_modules', 'dist', '.git'];

function documentsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.includes(entry.name) ? [] : documentsIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The text of a document without its code: links in code are examples. */
function prose(file: string): string {
  const text = readFileSync(file, 'utf8');
  return text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function brokenLinks(file: string): string[] {
  const links = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

/** Files of ours that a document names in code: `src/cli.ts`. */
function lostFiles(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/^```.*?^```/gms, '');
  const named = text.matchAll(/`((?:src|test|docs|tools|proto|examples|bench)\/[\w./-]*\.\w+)`/g);
  return [...named].map((match) => match[1] as string).filter((path) => !existsSync(join(ROOT, path)));
}

const documents = documentsIn(ROOT).map((path) => relative(ROOT, path));

describe('the documents', () => {
  it.each(documents)('%s links only to what exists', (document) => {
    expect(brokenLinks(join(ROOT, document))).toEqual([]);
  });

  it.each(documents)('%s names only files that exist', (document) => {
    expect(lostFiles(join(ROOT, document))).toEqual([]);
  });

  it('describe every command, in docs/cli.md', async () => {
    const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `ferry '));
    const described = rows.flatMap((row) => row.split('`')[1]?.match(/[a-z][a-z-]*/g) ?? []);
    expect(
      (await createProgram()).commands
        .map((command) => command.name())
        .filter((name) => !described.includes(name)),
    ).toEqual([]);
  });

  it.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE'])(
    '%s exists',
    (name) => {
      expect(existsSync(join(ROOT, name))).toBe(true);
    },
  );
});
