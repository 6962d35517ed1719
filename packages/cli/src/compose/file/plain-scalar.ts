/**
 * What Compose takes a scalar without quotes for, as the text that it becomes in the end: its YAML reader knows YAML 1.2 with the octal numbers and the
 * underscores of 1.1, and prints numbers and truth values as Go does. null = nothing.
 */
export function plainScalar(source: string): string | null {
  if (/^(~|null|Null|NULL)?$/.test(source)) return null;
  if (/^(true|True|TRUE)$/.test(source)) return 'true';
  if (/^(false|False|FALSE)$/.test(source)) return 'false';
  const bare = source.replaceAll('_', '');
  if (/^[-+]?(0|[1-9]\d*)$/.test(bare) && !/^_|_$/.test(source)) return String(BigInt(bare.replace(/^\+/, '')));
  const based = /^([-+]?)0(?:(x)([0-9a-fA-F]+)|(o?)([0-7]+)|(b)([01]+))$/.exec(bare);
  if (based && !source.startsWith('_')) {
    const [, sign, isHex, hex, , octal, , binary] = based;
    const value = BigInt(isHex ? `0x${hex}` : binary === undefined ? `0o${octal}` : `0b${binary}`);
    return String(sign === '-' ? -value : value);
  }
  if (/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(bare) && /[.eE]/.test(bare)) return floatText(Number(bare));
  return source;
}

/** As Go prints a float64 with `%v`. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 21) return String(value);
  const [mantissa, power = '0'] = value.toExponential().split('e');
  const digits = power.replace(/^[-+]/, '').padStart(2, '0');
  return `${mantissa}e${power.startsWith('-') ? '-' : '+'}${digits}`;
}
