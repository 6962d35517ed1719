/**
 * What main thread and watchdog thread both see: a SharedArrayBuffer, for a busy loop answers no message. Three numbers, then one slot of text for
 * each plugin: `id NUL folder`.
 */
export const board = { beat: 0, plugin: 1, isBeating: 2 } as const;
const headBytes = 16;
const slotBytes = 1024;
const slots = 128;

export interface Slot {
  readonly id: string;
  /** Folder of the plugin's package; empty when it came with the agent. */
  readonly folder: string;
}

export const newBoard = (): SharedArrayBuffer => new SharedArrayBuffer(headBytes + slots * slotBytes);

export const numbersOf = (memory: SharedArrayBuffer): Int32Array => new Int32Array(memory, 0, 3);

/** Slot 0 stays empty: no plugin. Returns false when all are taken. */
export function writeSlot(memory: SharedArrayBuffer, index: number, slot: Slot): boolean {
  if (index >= slots) return false;
  const bytes = new TextEncoder().encode(`${slot.id}\0${slot.folder}`).subarray(0, slotBytes - 1);
  new Uint8Array(memory, headBytes + index * slotBytes, slotBytes).set([...bytes, 0]);
  return true;
}

export function readSlots(memory: SharedArrayBuffer): readonly (Slot | null)[] {
  return Array.from({ length: slots }, (_, index) => {
    // A copy: TextDecoder takes no shared memory.
    const bytes = new Uint8Array(memory, headBytes + index * slotBytes, slotBytes).slice();
    const [id = '', folder = ''] = new TextDecoder().decode(bytes).split('\0');
    return id === '' ? null : { id, folder };
  });
}
