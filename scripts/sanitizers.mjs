// How C is built so that it ends at the first byte out of bounds and at the first undefined operation.
export const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];
