/** System calls by name, with their numbers on the two architectures that the cluster runs on. Source: the kernel's system call tables. */
interface Architecture {
  /** AUDIT_ARCH_… of linux/audit.h. */
  readonly audit: number;
  readonly setns: number;
  readonly clone: number;
  readonly clone3: number;
  readonly bpf: number;
  /** What SYS_ADMIN would allow beside entering a network namespace. */
  readonly refused: readonly number[];
}

/** The same on all architectures: calls that came after the tables were unified. */
const common = {
  clone3: 435,
  // io_uring_setup, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, quotactl_fd, open_tree_attr
  refused: [425, 428, 429, 430, 431, 432, 433, 442, 443, 467],
};

const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    setns: 308,
    clone: 56,
    clone3: common.clone3,
    bpf: 321,
    refused: [
      // syslog, vhangup, pivot_root, acct, mount, umount2, swapon, swapoff, sethostname, setdomainname, quotactl, lookup_dcookie
      ...[103, 153, 155, 163, 165, 166, 167, 168, 170, 171, 179, 212],
      // add_key, request_key, keyctl, unshare, perf_event_open, fanotify_init, open_by_handle_at, userfaultfd
      ...[248, 249, 250, 272, 298, 300, 304, 323],
      ...common.refused,
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    setns: 268,
    clone: 220,
    clone3: common.clone3,
    bpf: 280,
    refused: [
      // lookup_dcookie, umount2, mount, pivot_root, vhangup, quotactl, acct, unshare, syslog, sethostname, setdomainname
      ...[18, 39, 40, 41, 58, 60, 89, 97, 116, 161, 162],
      // add_key, request_key, keyctl, swapon, swapoff, perf_event_open, fanotify_init, open_by_handle_at, userfaultfd
      ...[217, 218, 219, 224, 225, 241, 262, 265, 282],
      ...common.refused,
    ],
  },
};

/**
 * What capturing needs of bpf(2): BPF_MAP_CREATE, LOOKUP, UPDATE and DELETE of elements, PROG_LOAD, MAP_GET_NEXT_ID, MAP_GET_FD_BY_ID,
 * OBJ_GET_INFO_BY_FD, LINK_CREATE. Nothing that pins, reads others' programs or attaches to what the machine does.
 */
const BPF_COMMANDS: readonly number[] = [0, 1, 2, 3, 5, 12, 14, 15, 28];
const CLONE_NEWNET = 0x40000000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW = 0x7e020000;
/** Calls of the x32 interface carry this bit and would slip past the numbers. */
const X32 = 0x40000000;

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = 0x7fff0000;
const refuse = (errno: number): number => 0x00050000 | errno;

/** Offsets in struct seccomp_data. */
const at = { call: 0, architecture: 4, argument: (index: number): number => 16 + index * 8 };

/** Operations of classic BPF. */
const op = { load: 0x20, equal: 0x15, atLeast: 0x35, anyBit: 0x45, answer: 0x06 };

interface Instruction {
  readonly code: number;
  readonly yes?: number;
  readonly no?: number;
  readonly value: number;
}

/** Lets bpf(2) through with some commands. */
function bpfRules(call: number, commands: readonly number[]): readonly Instruction[] {
  const allowed = commands.flatMap((value) => [
    { code: op.equal, no: 1, value },
    { code: op.answer, value: ALLOW },
  ]);
  return [
    { code: op.equal, no: allowed.length + 2, value: call },
    { code: op.load, value: at.argument(0) },
    ...allowed,
    { code: op.answer, value: refuse(EPERM) },
  ];
}

/**
 * A seccomp filter for a container that may enter network namespaces: of all that SYS_ADMIN allows nothing is left but
 * `setns(fd, CLONE_NEWNET)`, and with `bpf` what capturing needs of bpf(2). The C library falls back to clone where clone3, whose flags no filter can see, is unknown.
 * Source: seccomp(2), and what container runtimes refuse by default.
 */
export function networkEntryFilter(
  { bpf }: { readonly bpf: boolean },
  architecture: string = process.arch,
): Uint8Array {
  const calls = architectures[architecture];
  if (calls === undefined) throw new Error(`there is no filter of system calls for ${architecture}`);
  const answer = (value: number): Instruction => ({ code: op.answer, value });
  const load = (value: number): Instruction => ({ code: op.load, value });
  const program: Instruction[] = [
    load(at.architecture),
    { code: op.equal, yes: 1, value: calls.audit },
    answer(refuse(EPERM)),
    load(at.call),
    { code: op.atLeast, no: 1, value: X32 },
    answer(refuse(EPERM)),
    ...calls.refused.flatMap((call) => [{ code: op.equal, no: 1, value: call }, answer(refuse(EPERM))]),
    { code: op.equal, no: 1, value: calls.clone3 },
    answer(refuse(ENOSYS)),
    ...bpfRules(calls.bpf, bpf ? BPF_COMMANDS : []),
    { code: op.equal, no: 4, value: calls.setns },
    load(at.argument(1)),
    { code: op.equal, no: 1, value: CLONE_NEWNET },
    answer(ALLOW),
    answer(refuse(EPERM)),
    { code: op.equal, no: 3, value: calls.clone },
    load(at.argument(0)),
    { code: op.anyBit, no: 1, value: CLONE_NEW },
    answer(refuse(EPERM)),
    answer(ALLOW),
  ];
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, { code, yes = 0, no = 0, value }] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, yes);
    bytes.setUint8(index * 8 + 3, no);
    bytes.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}
