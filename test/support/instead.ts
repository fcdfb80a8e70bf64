/** The same object with some members of its own; the others are the real ones, private fields and all. */
export function withInstead<T extends object>(real: T, instead: Partial<T>): T {
  return new Proxy(real, {
    get: (it, name) => {
      const own = instead[name as keyof T];
      if (own !== undefined) return own;
      const member = Reflect.get(it, name, it) as unknown;
      return typeof member === 'function' ? (member.bind(it) as unknown) : member;
    },
  });
}
