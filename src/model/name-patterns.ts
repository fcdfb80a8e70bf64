// Which collections a job or a policy is about: names, or patterns with `*` and `?`, less those that are excluded.

export interface Selection {
  /** Absent: all. */
  collections?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
}

export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

export function matchesName(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (!isPattern(pattern)) return false;
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(name);
}

export function isSelected({ collections, exclude }: Selection, name: string): boolean {
  if (exclude?.some((pattern) => matchesName(pattern, name))) return false;
  return collections?.some((pattern) => matchesName(pattern, name)) ?? true;
}

/** It is in the selection by a pattern, or because all are: nobody said that it has to be there. */
export function isUnnamed({ collections }: Selection, name: string): boolean {
  if (collections === undefined) return true;
  return !collections.includes(name) && collections.some((one) => isPattern(one) && matchesName(one, name));
}
