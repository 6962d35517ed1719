import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findHostFile } from './find.ts';
import { folderWith, problemOf, told } from './fixtures/host-file.ts';

const nowhere = '/nonexistent/ostler';

describe('the host file is found', () => {
  it('by --config before everything else, against the working directory', async () => {
    expect(await findHostFile({ config: 'a.yaml', cwd: '/w', env: { OSTLER_CONFIG: '/b.yaml' } })).toBe('/w/a.yaml');
  });

  it('by OSTLER_CONFIG before any search', async () => {
    const cwd = folderWith({ 'ostler.yaml': 'ostler: 1' });
    expect(await findHostFile({ cwd, env: { OSTLER_CONFIG: '/b.yaml' } })).toBe('/b.yaml');
  });

  it('in hosts/ under the short lower-case name, before ostler.yaml', async () => {
    const cwd = folderWith({ 'ostler.yaml': '', 'hosts/mini.toml': '', 'hosts/maxi.yaml': '' });
    expect(await findHostFile({ host: 'Mini.home.example', cwd, env: {} })).toBe(join(cwd, 'hosts/mini.toml'));
  });

  it('from the working directory upward, the nearest first', async () => {
    const root = folderWith({ 'ostler.yaml': '', 'a/ostler.config.ts': 'throw new Error("run")', 'a/b/c/x': '' });
    expect(await findHostFile({ cwd: join(root, 'a/b/c'), env: {}, systemDir: nowhere })).toBe(join(root, 'a/ostler.config.ts'));
  });

  it('even if it is empty: that is for the loader to say', async () => {
    const cwd = folderWith({ 'ostler.yaml': '' });
    expect(await findHostFile({ cwd, env: {}, systemDir: nowhere })).toBe(join(cwd, 'ostler.yaml'));
  });

  it('in the place of the system at last', async () => {
    const [cwd, systemDir] = [folderWith({}), folderWith({ 'ostler.json': '{}' })];
    expect(await findHostFile({ cwd, env: {}, systemDir })).toBe(join(systemDir, 'ostler.json'));
  });

  it('without waiting for a FIFO of its name', async () => {
    const cwd = folderWith({});
    execFileSync('mkfifo', [join(cwd, 'ostler.yaml')]);
    expect(await findHostFile({ cwd, env: {}, systemDir: nowhere })).toBe(join(cwd, 'ostler.yaml'));
  });

  it('without running what else lies in the folder', async () => {
    const cwd = folderWith({ 'ostler.yaml': '', '.config/config.js': 'process.exit(9)', 'package.json': '{ damaged' });
    const before = process.cwd();
    expect(await findHostFile({ cwd, env: {}, systemDir: nowhere })).toBe(join(cwd, 'ostler.yaml'));
    expect(process.cwd()).toBe(before);
  });
});

describe('it is an error', () => {
  it('that two match in one place', async () => {
    const cwd = folderWith({ 'ostler.yaml': '', 'ostler.toml': '' });
    const problem = await problemOf(findHostFile({ cwd, env: {}, systemDir: nowhere }));
    expect(problem.code).toBe('host-file-ambiguous');
    expect(problem.message).toBe(`${cwd} holds 2 host files: ostler.toml, ostler.yaml`);
  });

  it('that two match in hosts/', async () => {
    const cwd = folderWith({ 'hosts/mini.yaml': '', 'hosts/mini.json': '' });
    expect((await problemOf(findHostFile({ host: 'mini', cwd, env: {} }))).code).toBe('host-file-ambiguous');
  });

  it('that there is none, and it says where it looked', async () => {
    const problem = await problemOf(findHostFile({ cwd: folderWith({}), env: {}, systemDir: nowhere }));
    expect(problem.code).toBe('host-file-missing');
    expect(problem.message).toContain(`${nowhere}/ostler.yaml`);
    expect(problem.hint).toContain('ostler init');
  });

  it('that a host was named which has no file; the known ones are listed', async () => {
    const problem = await problemOf(findHostFile({ host: 'other', cwd: folderWith({ 'hosts/mini.yaml': '', 'hosts/maxi.ts': '' }), env: {} }));
    expect(told(problem)[0]).toContain('Hosts there: maxi, mini.');
  });
});
