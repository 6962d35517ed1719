import type { Finding } from '@ostler/sdk';

export const refused = (field: string, text: string): Finding => ({ level: 'refused', field, text });
export const unenforced = (field: string, text: string): Finding => ({ level: 'unenforced', field, text });
