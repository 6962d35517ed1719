import { durationText } from './duration-text.ts';

/** `2026-01-02T03:04:05Z (4 min ago)`, or `(in 8 s)`: a time as RFC 3339 to the second, and how far it is from `nowAt`. */
export function moment(at: string, nowAt: string): string {
  const agoMs = Date.parse(nowAt) - Date.parse(at);
  if (Number.isNaN(agoMs)) return at;
  const far = Math.abs(agoMs) < 1000 ? 'now' : agoMs > 0 ? `${durationText(agoMs)} ago` : `in ${durationText(-agoMs)}`;
  return `${at.replace(/\.\d+(?=Z$)/, '')} (${far})`;
}
