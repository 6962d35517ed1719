import { isIP } from 'node:net';
import type { Finding, WorkerSpec } from '@ostler/sdk';
import { refused } from './finding.ts';
import { type More, ownerIn } from './more.ts';

/** What the network mode of a container leaves no room for, and what engines take for no address. */
export function checkNetwork(spec: WorkerSpec, more: More): readonly Finding[] {
  const { networkMode, dns, extraHosts } = more;
  const addresses = [
    ...dns.filter((text) => isIP(text) === 0).map((text) => refused('dns', `dns: "${text}" is no IP address`)),
    ...Object.entries(extraHosts)
      .filter(([, text]) => text !== 'host-gateway' && isIP(text) === 0)
      .map(([name, text]) => refused(`extraHosts.${name}`, `extraHosts.${name}: "${text}" is no IP address; \`host-gateway\` stands for this host`)),
  ];
  if (networkMode === 'host') return [...addresses, ...onHost(spec, more)];
  if (networkMode === 'none') return [...addresses, ...onNone(spec, more)];
  const owner = ownerIn(spec);
  return owner === null ? addresses : [...addresses, ...sharing(spec, more, owner)];
}

const published = ({ ports }: WorkerSpec) => ports.filter((port) => port.publish !== null);

function onHost(spec: WorkerSpec, { hostname, sysctls }: More): readonly Finding[] {
  return [
    ...published(spec)
      .filter((one) => one.publish?.port !== one.port)
      .map(({ name, port, publish }) =>
        refused('ports', `with \`networkMode: host\` port ${name} is published where it listens: ${String(port)}, not ${String(publish?.port)}`),
      ),
    ...(hostname === null ? [] : [refused('hostname', 'with `networkMode: host` a container has the host’s name, so it can have no hostname')]),
    ...Object.keys(sysctls)
      .filter((name) => name.startsWith('net.'))
      .map((name) => refused(`sysctls.${name}`, `sysctls.${name}: with \`networkMode: host\` it is the host’s own, which a container does not set`)),
  ];
}

function onNone(spec: WorkerSpec, { dns, extraHosts }: More): readonly Finding[] {
  return [
    ...(published(spec).length > 0 ? [refused('ports', 'with `networkMode: none` no port can be published')] : []),
    ...(dns.length > 0 || Object.keys(extraHosts).length > 0 ? [refused('dns', 'with `networkMode: none` there is nothing to look names up for')] : []),
  ];
}

/** Names, addresses and ports are those of the worker whose network it is. */
function sharing(spec: WorkerSpec, { hostname, dns, extraHosts, sysctls }: More, owner: string): readonly Finding[] {
  const its = (field: string, what: string): Finding => refused(field, `with \`networkMode: worker:${owner}\` ${what}; give it to ${owner}`);
  return [
    ...published(spec).map(({ port, publish }) =>
      refused(
        'ports',
        `with \`networkMode: worker:${owner}\` its port ${String(port)} is one of ${owner}, which publishes it: write \`ports: ["${String(publish?.port)}:${String(port)}"]\` there, and \`ports: [${String(port)}]\` here`,
      ),
    ),
    ...(hostname === null ? [] : [its('hostname', 'a worker has the hostname of the other')]),
    ...(dns.length === 0 ? [] : [its('dns', 'a worker has the dns of the other')]),
    ...(Object.keys(extraHosts).length === 0 ? [] : [its('extraHosts', 'a worker has the extraHosts of the other')]),
    ...Object.keys(sysctls)
      .filter((name) => name.startsWith('net.'))
      .map((name) => its(`sysctls.${name}`, `${name} is the other’s`)),
  ];
}
