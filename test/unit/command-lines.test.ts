import type { Command } from 'commander';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GLOBAL_FLAGS = ['--help', '--version'];
/** Flags in the documents that belong to other programs. */
const OTHER_FLAGS = ['--storage-snapshot', '--ulimit'];

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'examples/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function allBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allBelow)];
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (piece) => (text += piece) });
  command.outputHelp();
  return text;
}

/** Words of a shell, of which our documents quote some. */
function wordsOf(line: string): string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
}

/** The program, whose commands do nothing. */
async function idleProgram(): Promise<Command> {
  const program = await createProgram();
  for (const command of allBelow(program))
    command.action(() => undefined).configureOutput({ writeErr: () => undefined });
  return program;
}

const program = await createProgram();
const commands = allBelow(program);
const flagsOf = (command: Command): string[] => [
  ...GLOBAL_FLAGS,
  ...command.options.flatMap(({ long }) => long ?? []),
  ...(command.parent ? flagsOf(command.parent) : []),
];
const everyFlag = new Set(commands.flatMap(flagsOf));

describe('the help of every command', () => {
  it.each(commands.map((command) => [pathOf(command), command] as const))(
    'of `%s` shows an example that the program accepts',
    async (path, command) => {
      const examples = helpOf(command).match(/(?<=^Example:\n)(?: {2}ferry .*\n?)+/m)?.[0] ?? '';
      const lines = examples.split('\n').filter((line) => line.trim() !== '');
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line.trim().startsWith(path)).toBe(true);
        await (await idleProgram()).parseAsync(wordsOf(line).slice(1), { from: 'user' });
      }
    },
  );
});

/** What a document quotes as code: the lines of its blocks, and spans. */
function codeIn(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^ *```.*?\n(.*?)^ *```/gms)].flatMap(([, code = '']) => code.split('\n'));
  const spans = [...text.replace(/^ *```.*?^ *```/gms, '').matchAll(/`([^`]+)`/g)];
  return [...blocks, ...spans.map(([, code = '']) => code.replace(/\s+/g, ' '))];
}

/** The words behind `ferry` in a piece of code; comments and what follows in a pipe are cut off. */
function callsIn(code: string): string[][] {
  const plain = code.replaceAll('\\|', '|').replace(/\s#.*$/, '');
  return [...plain.matchAll(/(?<![\w./:=-]|this )ferry ([^;&]*?)(?= \| |&&|;|$)/g)].map(([, rest = '']) =>
    wordsOf(rest),
  );
}

/** `list|show` stands for two commands. */
function meant(words: string[]): Command[] {
  return words.reduce<Command[]>(
    (found, word) => {
      const next = found.flatMap(({ commands: below }) =>
        below.filter((command) => word.split('|').includes(command.name())),
      );
      return next.length > 0 ? next : found;
    },
    [program],
  );
}

function faultsIn(words: string[]): string[] {
  const [name = ''] = words;
  if (!/^[a-z-]+(\|[a-z-]+)*$/.test(name)) return [];
  const found = meant(words);
  if (!name.startsWith('--') && found[0] === program) return [`no command: ferry ${words.join(' ')}`];
  const flags = words.flatMap((word) => word.match(/--[a-z][a-z-]*/g) ?? []);
  return found.flatMap((command) =>
    flags
      .filter((flag) => !flagsOf(command).includes(flag))
      .map((flag) => `${pathOf(command)} has no ${flag}`),
  );
}

describe('the commands in a document', () => {
  it.each(documents)('exist, with their flags, in %s', (document) => {
    const code = codeIn(document);
    const loose = code
      .filter((piece) => /^(… )?--[a-z]/.test(piece))
      .flatMap((piece) => piece.match(/--[a-z][a-z-]*/g) ?? []);
    const unknown = loose.filter((flag) => !everyFlag.has(flag) && !OTHER_FLAGS.includes(flag));
    expect([...code.flatMap((piece) => callsIn(piece).flatMap(faultsIn)), ...unknown]).toEqual([]);
  });
});
