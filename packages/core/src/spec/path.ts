/** `path` against `baseDir` as POSIX does it: absolute, without `.` and `..` and doubled slashes. Pure: nothing is looked up. */
export function absolute(baseDir: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith('/') ? '' : `${baseDir}/`}${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}
