/*
 * What a worker never asks of the kernel, as a program for seccomp(2): the doors to bugs of the
 * kernel, and the ways around its limits. It may have no other process (a limit of memory is one for
 * each), no memory that RLIMIT_DATA does not count, no namespaces and no sockets.
 */

interface Architecture {
  /** linux/audit.h */
  readonly audit: number;
  /** Which of the numbers below are its. */
  readonly column: 0 | 1;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, column: 0 },
  arm64: { audit: 0xc00000b7, column: 1 },
};

/** The numbers of a system call on x86-64 and on arm64; -1: it has none. */
type Numbers = readonly [x64: number, arm64: number];

const REFUSED: Readonly<Record<string, Numbers>> = {
  socket: [41, 198],
  fork: [57, -1],
  vfork: [58, -1],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  unshare: [272, 97],
  setns: [308, 268],
  chroot: [161, 51],
  pivot_root: [155, 41],
  mount: [165, 40],
  umount2: [166, 39],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  shmget: [29, 194],
};

/** Threads only; the flags are in a register, where a filter can see them. */
const CLONE: Numbers = [56, 220];
/** Has its flags in memory. glibc takes clone where there is none. */
const CLONE3 = 435;
/** Not shared and anonymous at once, and no stack. */
const MMAP: Numbers = [9, 222];

const CLONE_THREAD = 0x10000;
/** MAP_SHARED | MAP_ANONYMOUS */
const SHARED_ANONYMOUS = 0x21;
/** MAP_GROWSDOWN: RLIMIT_DATA does not count stacks, and RLIMIT_STACK only what they have grown. */
const GROWS_DOWN = 0x100;
/** The other system calls of x86-64 processors have numbers from here on. */
const X32_BIT = 0x40000000;

// linux/filter.h and linux/seccomp.h
const LOAD = 0x20;
const AND = 0x54;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const NUMBER = 0;
const ARCHITECTURE = 4;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
/** Where the low half of an argument is; both architectures are little endian. */
const argument = (n: number): number => 16 + 8 * n;

type Instruction = readonly [code: number, skipIfTrue: number, skipIfFalse: number, value: number];

/** The program in the form of bwrap(1); null for a `process.arch` whose numbers we do not know. */
export function seccompFilter(arch: string): Buffer | null {
  const known = ARCHITECTURES[arch];
  if (known === undefined) return null;
  const { audit, column } = known;
  const refused = Object.values(REFUSED).flatMap((numbers) => {
    return numbers[column] < 0 ? [] : [numbers[column]];
  });
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [IF_EQUAL, 1, 0, audit],
    returns(KILL),
    [LOAD, 0, 0, NUMBER],
    [IF_AT_LEAST, 0, 1, X32_BIT],
    returns(KILL),
    ...refused.flatMap((number) => whenEqual(number, EPERM)),
    ...whenEqual(CLONE3, ENOSYS),
    [IF_EQUAL, 0, 4, CLONE[column]],
    [LOAD, 0, 0, argument(0)],
    [AND, 0, 0, CLONE_THREAD],
    ...whenEqual(0, EPERM),
    [LOAD, 0, 0, NUMBER],
    [IF_EQUAL, 0, 8, MMAP[column]],
    [LOAD, 0, 0, argument(3)],
    [AND, 0, 0, SHARED_ANONYMOUS],
    ...whenEqual(SHARED_ANONYMOUS, EPERM),
    [LOAD, 0, 0, argument(3)],
    [AND, 0, 0, GROWS_DOWN],
    ...whenEqual(GROWS_DOWN, EPERM),
    returns(ALLOW),
  ];
  return Buffer.concat(program.map(encode));
}

function returns(value: number): Instruction {
  return [RETURN, 0, 0, value];
}

function whenEqual(value: number, result: number): [Instruction, Instruction] {
  return [[IF_EQUAL, 0, 1, value], returns(result)];
}

/** struct sock_filter */
function encode([code, skipIfTrue, skipIfFalse, value]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(skipIfTrue, 2);
  bytes.writeUInt8(skipIfFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
