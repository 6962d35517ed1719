import type { Secrets } from '@ostler/sdk';

/** Shorter values would mask half the text. */
const shortest = 4;

/** Replaces the values of secrets in what a worker printed, whole and line by line. */
export function secretMask(secrets: Secrets): (text: string) => string {
  const files = secrets.files.map(({ bytes }) => Buffer.from(bytes).toString('utf8'));
  const values = [...Object.values(secrets.env), ...files].flatMap((value) => [value, value.trim(), ...value.split('\n').map((line) => line.trim())]);
  const longFirst = [...new Set(values)].filter((value) => value.length >= shortest).sort((a, b) => b.length - a.length);
  return (text) => longFirst.reduce((masked, value) => masked.replaceAll(value, '***'), text);
}
