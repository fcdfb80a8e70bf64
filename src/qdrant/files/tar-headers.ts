// The 512 bytes before each entry of a tar: reading them, and writing them anew under another name. Knows the three
// dialects (ustar, GNU, pax) as far as names and sizes go; everything else in a header stays as it was.

export const BLOCK = 512;

const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const SUM = [148, 156] as const;
const TYPE = 156;
const PREFIX = [345, 500] as const;
/** "ustar" and a zero; GNU has a blank there, and other things where the prefix would be. */
const POSIX_MAGIC = Buffer.from('ustar\0');

/** The sum of its bytes, with the sum's own field as blanks. */
export function isHeader(block: Buffer): boolean {
  return octal(block.subarray(...SUM)) === sumOf(block);
}

/** Octal text, or from 8 GiB on a binary number. */
export function sizeIn(block: Buffer): number {
  const field = block.subarray(...SIZE);
  return (field[0] ?? 0) & 0x80 ? Number(field.readBigUInt64BE(4)) : octal(field);
}

export function nameIn(block: Buffer): string {
  const name = text(block.subarray(...NAME));
  const prefix = isPosix(block) ? text(block.subarray(...PREFIX)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** "0" a file, "5" a folder, "S" a file with holes, "L" and "x": what stands before an entry and names it. */
export function typeIn(block: Buffer): string {
  const type = block[TYPE] ?? 0;
  return type === 0 ? '0' : String.fromCharCode(type);
}

/** GNU's list of holes goes on in blocks behind the header; each says whether another follows. */
export function hasMoreHoles(block: Buffer, isFirst: boolean): boolean {
  return isFirst ? typeIn(block) === 'S' && block[482] === 1 : block[504] === 1;
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** The same header with another name, and the size it is known to have; a long name gets GNU's entry of its own before it. */
export function renamed(header: Buffer, name: string, bytes: number): Buffer {
  const block = Buffer.from(header);
  const encoded = Buffer.from(name);
  block.fill(0, ...NAME);
  encoded.copy(block, 0, 0, NAME[1]);
  if (isPosix(block)) block.fill(0, ...PREFIX);
  writeSize(block, bytes);
  writeSum(block);
  return encoded.length <= NAME[1] ? block : Buffer.concat([longName(encoded), block]);
}

function longName(name: Buffer): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write('././@LongLink');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, name.length + 1);
  block.write('00000000000\0', 136);
  block.write('L', TYPE);
  block.write('ustar  \0', 257);
  writeSum(block);
  const body = Buffer.alloc(padded(name.length + 1));
  name.copy(body);
  return Buffer.concat([block, body]);
}

function writeSize(block: Buffer, bytes: number): void {
  const [from, to] = SIZE;
  block.fill(0, from, to);
  if (bytes < 8 ** 11) block.write(bytes.toString(8).padStart(11, '0'), from);
  else {
    block[from] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), from + 4);
  }
}

function writeSum(block: Buffer): void {
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, SUM[0]);
}

function sumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < SUM[0] || at >= SUM[1]) sum += block[at] ?? 0;
  return sum;
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim() || '0', 8);
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function isPosix(block: Buffer): boolean {
  return block.subarray(257, 263).equals(POSIX_MAGIC);
}

/** What a pax entry says of the one behind it: lines "27 path=a/b\n", the number being the line's own length. */
export function paxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(0x20, at);
    const length = blank < 0 ? Number.NaN : Number(body.toString('latin1', at, blank));
    if (!Number.isInteger(length) || length <= 0) break;
    const line = body.toString('utf8', blank + 1, at + length - 1);
    const equals = line.indexOf('=');
    records.set(line.slice(0, equals), line.slice(equals + 1));
    at += length;
  }
  return records;
}
