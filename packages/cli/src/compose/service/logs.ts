import { type OutMap, record } from '../out.ts';
import { parseDecimalSize, sizeText } from '../quantity.ts';
import type { Service } from './service.ts';

/** `logging`: how much is kept, by a driver whose logs can be read back. */
export function writeLogs(service: Service): void {
  const logging = service.fields.map('logging');
  if (logging === null) return;
  logging.only(['driver', 'options']);
  const driver = logging.now('driver') ?? '';
  const isKept = ['', 'json-file', 'local', 'journald'].includes(driver);
  if (!isKept) {
    logging.left('driver', `what \`${driver}\` takes cannot be read back; ostler keeps the logs itself (\`ostler logs\`)`);
    return;
  }
  if (driver === 'journald' || (driver === 'local' && service.project.given.runtime === 'docker')) service.writeContainer('logDriver', driver);
  const options = logging.pairs('options');
  const of = (name: string): string | null => options.find((one) => one.name === name)?.text?.now ?? null;
  const size = of('max-size');
  const bytes = size === null ? null : parseDecimalSize(size);
  if (size !== null && bytes === null && size !== '-1') logging.bad('options', `max-size: expected a size such as \`10m\`; found \`${size.slice(0, 40)}\``);
  const files = of('max-file');
  const count = files === null ? null : Number(files);
  if (count !== null && !(Number.isInteger(count) && count > 0)) logging.bad('options', `max-file: expected a number from 1; found \`${files!.slice(0, 40)}\``);
  const logs: OutMap = record({ maxSize: bytes === null || bytes <= 0 ? null : sizeText(bytes), maxFiles: count });
  service.write('logs', logs);
  const rest = options.map(({ name }) => name).filter((name) => name !== 'max-size' && name !== 'max-file');
  if (rest.length > 0) logging.left('options', `${rest.join(', ')}: of the options of a log, \`maxSize\` and \`maxFiles\` have a word`);
}
