/** What may stand at the top of a Compose file. */
export const topWords = ['version', 'name', 'include', 'services', 'models', 'networks', 'volumes', 'secrets', 'configs'] as const;

/** Fields of a service that are read, in one place or another. */
const read =
  'build cap_add cap_drop command configs container_name cpu_period cpu_quota cpus depends_on deploy devices dns domainname entrypoint env_file environment expose ' +
  'extra_hosts gpus group_add healthcheck hostname image init ipc labels links logging mem_limit memswap_limit network_mode networks pid pids_limit platform ports ' +
  'privileged profiles pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits ' +
  'use_api_socket user userns_mode volumes volumes_from working_dir provider models extends attach develop';

/** Fields of a service that have no word in a host file, and why. docs/from-compose.md says the same of each. */
export const withoutWord: Readonly<Record<string, string>> = {
  annotations: 'a host file has no annotations; labels are carried over',
  blkio_config: 'ostler limits CPU, memory and pids, not disk traffic',
  cgroup: 'a worker has the cgroup namespace that the engine gives it',
  cgroup_parent: 'where a container stands among the cgroups is the engine’s to say',
  cpu_count: 'it is for Windows containers; `cpus` limits the CPU',
  cpu_percent: 'it is for Windows containers; `cpus` limits the CPU',
  cpu_rt_period: 'ostler has no real-time scheduling of containers; `cpus` limits the CPU',
  cpu_rt_runtime: 'ostler has no real-time scheduling of containers; `cpus` limits the CPU',
  cpu_shares: 'ostler has no shares of the CPU; `limits: { cpus: 1.5 }` limits it',
  cpuset: 'ostler does not bind workers to single CPUs; `limits: { cpus: 1.5 }` limits them',
  credential_spec: 'it is for Windows containers',
  device_cgroup_rules: 'devices are named one by one, in `devices`',
  dns_opt: 'a host file has servers for names (`dns`), no options',
  dns_search: 'a host file has servers for names (`dns`), no search domains: write names in full',
  external_links: 'the other container is not of this file; put both on one `external` network',
  isolation: 'it is for Windows containers',
  label_file: 'labels are written in the host file itself',
  mac_address: 'the engine gives each container its address',
  mem_reservation: 'ostler limits memory and reserves none',
  mem_swappiness: 'ostler limits swap (`limits: { memorySwap }`), it does not tune it',
  oom_kill_disable: 'a worker that is out of memory ends and is restarted; the killer is not turned off',
  oom_score_adj: 'ostler does not tune whom the kernel ends first',
  post_start: 'this version has no hooks',
  pre_stop: 'this version has no hooks; `stop: { signal, grace }` says how it is stopped',
  pull_refresh_after: 'an image is pulled when a change is applied, not by its age',
  storage_opt: 'how large a container’s own layer may get is the engine’s to say; data belongs into volumes',
  uts: 'a worker has a host name of its own',
};

export const serviceWords: readonly string[] = [...read.split(' '), ...Object.keys(withoutWord)];
