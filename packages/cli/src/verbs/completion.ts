import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { offered, type Shell, shells } from '../completion/offer.ts';
import { zshScript } from '../completion/zsh.ts';
import { usage } from '../failure.ts';
import { write } from '../print.ts';
import type { CommonOptions, VerbTable } from '../verb.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

export async function run(_options: CommonOptions, [shell]: string[], table: VerbTable): Promise<number> {
  if (!shells.includes(shell as Shell)) throw usage(`there is no completion for ${shell}`, `expected one of ${shells.join(', ')}`);
  await write(scripts[shell as Shell](offered(table)));
  return 0;
}
