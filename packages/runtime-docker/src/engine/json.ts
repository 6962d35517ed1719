// What engines answer, as far as it is used here. Fields as in the Docker API; both engines leave some out.

export interface EngineVersion {
  readonly Version?: string;
  readonly ApiVersion?: string;
  readonly Components?: readonly { readonly Name: string; readonly Version: string }[];
}

export interface EngineInfo {
  readonly ID?: string;
  readonly Name?: string;
  readonly OSType?: string;
  readonly KernelVersion?: string;
  readonly DockerRootDir?: string;
  readonly MemoryLimit?: boolean;
  readonly SwapLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly PidsLimit?: boolean;
  readonly CgroupDriver?: string;
  /** Pairs of a name and a value. */
  readonly DriverStatus?: readonly (readonly string[])[] | null;
  readonly LiveRestoreEnabled?: boolean;
  readonly SecurityOptions?: readonly string[];
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly CDISpecDirs?: readonly string[] | null;
}

export interface ContainerJson {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused?: boolean;
    readonly OOMKilled?: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error?: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: {
      readonly Status?: string;
      readonly FailingStreak?: number;
      /** The last five. */
      readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] | null;
    } | null;
  };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Tty?: boolean;
    readonly User?: string;
    /** The image's, unless it was made with another: a name or a number, as text. */
    readonly StopSignal?: string;
    readonly OpenStdin?: boolean;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  };
  readonly HostConfig: { readonly NetworkMode?: string; readonly Memory?: number };
  readonly Mounts?: readonly MountJson[] | null;
  readonly NetworkSettings?: {
    readonly Ports?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>> | null;
    readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string; readonly Gateway?: string } | null>> | null;
  };
}

interface MountJson {
  readonly Type?: string;
  readonly Name?: string;
  readonly Source?: string;
  readonly Destination?: string;
}

export interface ListedJson {
  readonly Id: string;
  readonly Names: readonly string[] | null;
  readonly State: string;
  /** For people: `Up 2 minutes (unhealthy)`. */
  readonly Status?: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  /** Names of Podman, objects of Docker. */
  readonly Mounts?: readonly (MountJson | string)[] | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null } | null;
}

export interface ImageJson {
  readonly Id: string;
  readonly Os?: string;
  readonly Architecture?: string;
  readonly Variant?: string;
  readonly RepoDigests?: readonly string[] | null;
  readonly Config?: {
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Entrypoint?: readonly string[] | string | null;
    readonly Cmd?: readonly string[] | null;
    readonly User?: string;
    readonly Volumes?: Readonly<Record<string, unknown>> | null;
    readonly Healthcheck?: { readonly Test?: readonly string[] | null } | null;
  } | null;
}
