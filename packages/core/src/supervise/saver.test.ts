import { fakeClock } from '@ostler/testkit';
import { expect, test } from 'vitest';
import { storeFailure } from '../store/failure.ts';
import type { Batch } from '../store/index.ts';
import { newLife } from './life.ts';
import { toRecord } from './record.ts';
import { Saver } from './saver.ts';
import type { Services } from './services.ts';

test('what was decided on a full disk before a worker was forgotten does not bring its rows back', async () => {
  const clock = fakeClock();
  const kept: Batch[] = [];
  let isFull = true;
  const record = async (batch: Batch): Promise<readonly never[]> => {
    if (isFull) throw storeFailure('full', 'no room');
    kept.push(batch);
    return [];
  };
  const services = { clock, log: { warn() {} }, journal: { record } } as unknown as Services;
  const saver = new Saver({ worker: 'web', services, isClosed: false, isForgotten: false });
  const at = clock.isoNow();
  const entry = { at, type: 'worker.removed', severity: 'info', worker: 'web', instance: null, data: {}, text: 'removed' } as const;
  const saves = [saver.save({ workers: [toRecord('web', newLife(at))], journal: [entry] }), saver.save({ forgetWorkers: ['web'] })];
  await clock.advance(1);
  isFull = false;
  await clock.advance(5000);
  expect(await Promise.all(saves)).toEqual([true, true]);
  expect(kept).toEqual([{ journal: [entry], forgetWorkers: ['web'] }]);
});
