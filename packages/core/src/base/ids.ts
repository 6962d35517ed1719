import { randomBytes } from 'node:crypto';

const digits = '0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * An instance id: 9 characters of epoch ms in base 36 (they sort by time until the year 5188), then 7 random ones. Lower-case letters and
 * digits, so that it fits a container's name, a folder and a label.
 */
export function newInstanceId(nowMs: number): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(36).padStart(9, '0');
  let random = '';
  while (random.length < 7) {
    for (const byte of randomBytes(16)) {
      // 252 is the largest multiple of 36 in a byte: beyond it the first digits would come up more often.
      if (byte < 252 && random.length < 7) random += digits[byte % 36];
    }
  }
  return time + random;
}
