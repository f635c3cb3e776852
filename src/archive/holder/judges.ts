/** What a value from outside may be. A judge never changes the value, and knows of no type by its name only. */
export type Judge = (value: unknown) => boolean;

export const text: Judge = (value) => typeof value === 'string';
export const flag: Judge = (value) => typeof value === 'boolean';
export const number: Judge = (value) => typeof value === 'number' && Number.isFinite(value);
/** What counts or is counted: below 2^53. */
export const count: Judge = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
export const hash: Judge = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** May be left out. JSON knows no undefined: null stands for it. */
export function maybe(judge: Judge): Judge {
  return (value) => value === undefined || value === null || judge(value);
}

export function list(judge: Judge): Judge {
  return (value) => Array.isArray(value) && value.every(judge);
}

export function either(...judges: readonly Judge[]): Judge {
  return (value) => judges.some((judge) => judge(value));
}

export function only(...words: readonly string[]): Judge {
  return (value) => typeof value === 'string' && words.includes(value);
}

/** An object with these fields and no others, each its own. */
export function fields(judges: Readonly<Record<string, Judge>>): Judge {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const given = new Map<string, unknown>(Object.entries(value));
    for (const name of given.keys()) if (!Object.hasOwn(judges, name)) return false;
    return Object.entries(judges).every(([name, judge]) => judge(given.get(name)));
  };
}
