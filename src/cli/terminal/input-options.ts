// One flag for every field of a workflow's input, made from its schema, so that none can be forgotten. Defaults stay
// with the workflow: only what the user wrote goes into the input.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { FerryError } from '../../model/errors.js';
import { choiceDescriptions, inputDescriptions } from './input-descriptions.js';

interface Field {
  type?: string;
  enum?: string[];
  default?: unknown;
}

/** Given as arguments, not as flags. */
const POSITIONAL = ['source', 'target', 'scratch', 'collections'];

export function inputFields(schema: z.ZodType): Record<string, Field> {
  const shape = z.toJSONSchema(schema, { io: 'input' }) as { properties: Record<string, Field> };
  return Object.fromEntries(Object.entries(shape.properties).filter(([name]) => !POSITIONAL.includes(name)));
}

export function addInputOptions(command: Command, schema: z.ZodType): Command {
  for (const [name, field] of Object.entries(inputFields(schema))) {
    command.addOption(optionFor(name, field));
    // Without a default it has both forms: --x and --no-x.
    if (field.type === 'boolean' && field.default === undefined) {
      const negated = `no${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      command.addOption(optionFor(name, { ...field, default: true }, inputDescriptions[negated]));
    }
  }
  return command.option('--input <file>', 'read the input from a JSON file; flags override it');
}

/** The workflow's input from `--input`, then the arguments, then the flags. */
export function inputFrom(
  command: Command,
  schema: z.ZodType,
  positional: { source?: string | undefined; target?: string | undefined; collections: string[] },
): Record<string, unknown> {
  const options: Record<string, unknown> = command.opts();
  const input = typeof options['input'] === 'string' ? readInputFile(options['input']) : {};
  if (positional.source !== undefined) input['source'] = positional.source;
  if (positional.target !== undefined) input['target'] = positional.target;
  if (positional.collections.length > 0) input['collections'] = positional.collections;
  for (const name of Object.keys(inputFields(schema))) {
    if (command.getOptionValueSource(name) === 'cli') input[name] = options[name];
  }
  return input;
}

/** Of a command with two workflows: refuses the flags of the one that was not chosen. `why` follows their names. */
export function refuseOtherFlags(
  input: Readonly<Record<string, unknown>>,
  { all, chosen, why }: { all: z.ZodType; chosen: z.ZodType; why: string },
): void {
  const known = inputFields(chosen);
  const other = Object.keys(inputFields(all)).filter((name) => name in input && !(name in known));
  if (other.length === 0) return;
  throw new FerryError('InvalidInput', `${other.map((name) => `\`${flagOf(name)}\``).join(', ')} ${why}`);
}

function flagOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function optionFor(name: string, field: Field, text = describe(name, field)): Option {
  const flag = flagOf(name).slice(2);
  if (field.type === 'boolean')
    return new Option(field.default === true ? `--no-${flag}` : `--${flag}`, text);
  if (name === 'as') return new Option('--as <name>', text).argParser(anotherName);
  if (name === 'from') return new Option('--from <place>', text).argParser(externalSource);
  if (name === 'map') return new Option('--map <file=collection>', text).argParser(namedByFile);
  if (name === 'overrides') return new Option('--overrides <json>', text).argParser(jsonObject);
  const shown = field.default === undefined ? text : `${text} (default ${JSON.stringify(field.default)})`;
  if (field.enum) return new Option(`--${flag} <choice>`, shown).choices(field.enum);
  if (field.type === 'array') return new Option(`--${flag} <names...>`, text);
  if (field.type === 'string') return new Option(`--${flag} <text>`, shown);
  return new Option(`--${flag} <number>`, shown).argParser(aNumber);
}

function describe(name: string, { enum: choices = [] }: Field): string {
  const all = choiceDescriptions[name] ?? {};
  const told = choices.filter((one) => all[one] !== undefined).map((one) => `${one}: ${all[one]}`);
  // Of `ferry migrate`, which has the choices of both methods.
  const needs =
    all['merge'] !== undefined && ['merge', 'swap'].every((one) => choices.includes(one))
      ? ['merge and recreate need --method scroll, swap and replace --method snapshot']
      : [];
  return [inputDescriptions[name] ?? '', ...(told.length === 0 ? [] : [told.join('; ')]), ...needs].join(
    '. ',
  );
}

function aNumber(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Not a number.');
  return value;
}

/** `--as new` for the one collection, or `--as old=new` for each. */
function anotherName(text: string, before: unknown): unknown {
  const at = text.indexOf('=');
  if (at < 0) return text;
  const names = before !== null && typeof before === 'object' ? before : {};
  return { ...names, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `ALIAS:FOLDER`, `ALIAS:FILE.snapshot`, or a URL. */
function externalSource(text: string): unknown {
  if (/^https?:\/\/|^\$\{/i.test(text)) return { url: text };
  const at = text.indexOf(':');
  if (at < 0) throw new InvalidArgumentError('Use STORE:FOLDER, STORE:FILE.snapshot, or a URL.');
  const [store, path] = [text.slice(0, at), text.slice(at + 1)];
  return { ...(store === '' ? {} : { store }), [path.endsWith('.snapshot') ? 'file' : 'folder']: path };
}

/** May be given several times. */
function namedByFile(text: string, before: unknown): unknown {
  const at = text.lastIndexOf('=');
  if (at < 0) throw new InvalidArgumentError('Use FILE=COLLECTION.');
  const names = before !== null && typeof before === 'object' ? before : {};
  return { ...names, [text.slice(0, at)]: text.slice(at + 1) };
}

function jsonObject(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError('Not JSON.');
  }
}

function readInputFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const happened = existsSync(path)
      ? 'The input file cannot be read as JSON'
      : 'The input file does not exist';
    throw new FerryError('InvalidInput', happened, {
      cause,
      context: { path },
    });
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return { ...value };
  throw new FerryError('InvalidInput', 'The input file must hold one JSON object', { context: { path } });
}
