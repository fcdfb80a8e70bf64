// Colour where a person looks, none where a program reads: NO_COLOR, --no-color and pipes turn it off.

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

export function createPaint(enabled: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) =>
    enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    green: wrap(32, 39),
    red: wrap(31, 39),
    yellow: wrap(33, 39),
  };
}

export function wantsColor(stream: { isTTY?: boolean }, flag: boolean, noColor: string | undefined): boolean {
  return flag && Boolean(stream.isTTY) && (noColor === undefined || noColor === '');
}
