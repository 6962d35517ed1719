import type { Json } from '@ostler/sdk';

// An entry's data as it comes back from the store: perhaps written by another version, so nothing of its form is taken for granted.

export function field(data: Json, name: string): Json {
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? ((data as Record<string, Json>)[name] ?? null) : null;
}

export function textOf(data: Json, name: string): string | null {
  const value = field(data, name);
  return typeof value === 'string' ? value : null;
}

export function numberOf(data: Json, name: string): number | null {
  const value = field(data, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function linesOf(data: Json, name: string): readonly string[] {
  const value = field(data, name);
  return Array.isArray(value) ? value.filter((line) => typeof line === 'string') : [];
}
