import { expect, it } from 'vitest';

import { ElfKernel } from '../../../shared/elf/kernel.js';

/** Instructions as GNU as encodes them, and their text as objdump prints it. */
const INSTRUCTIONS: readonly (readonly [string, string])[] = [
  ['90', 'nop'],
  ['f30f1efa', 'endbr64'],
  ['55', 'push %rbp'],
  ['6a7f', 'push $0x7f'],
  ['6878563412', 'push $0x12345678'],
  ['4889e5', 'mov %rsp,%rbp'],
  ['488d0510000000', 'lea 0x10(%rip),%rax'],
  ['8b0510000000', 'mov 0x10(%rip),%eax'],
  ['c7052000000034120000', 'movl $0x1234,0x20(%rip)'],
  ['66c705200000001200', 'movw $0x12,0x20(%rip)'],
  ['c6052000000001', 'movb $0x1,0x20(%rip)'],
  ['48833d0010000005', 'cmpq $0x5,0x1000(%rip)'],
  ['e85f000000', 'call 0xa3'],
  ['e9e3030000', 'jmp 0x42c'],
  ['eb02', 'jmp 0x4d'],
  ['7402', 'je 0x4f'],
  ['0f8582130000', 'jne 0x13d5'],
  ['48b88877665544332211', 'movabs $0x1122334455667788,%rax'],
  ['a08877665544332211', 'movabs 0x1122334455667788,%al'],
  ['b805000000', 'mov $0x5,%eax'],
  ['66b80500', 'mov $0x5,%ax'],
  ['488b7c2408', 'mov 0x8(%rsp),%rdi'],
  ['488b8c9878563412', 'mov 0x12345678(%rax,%rbx,4),%rcx'],
  ['488b0cdd78563412', 'mov 0x12345678(,%rbx,8),%rcx'],
  ['498b0424', 'mov (%r12),%rax'],
  ['498b4500', 'mov 0x0(%r13),%rax'],
  ['a801', 'test $0x1,%al'],
  ['f7c378563412', 'test $0x12345678,%ebx'],
  ['f60701', 'testb $0x1,(%rdi)'],
  ['f7470800010000', 'testl $0x100,0x8(%rdi)'],
  ['f7d0', 'not %eax'],
  ['48f7d8', 'neg %rax'],
  ['c3', 'ret'],
  ['c20800', 'ret $0x8'],
  ['c8100000', 'enter $0x10,$0x0'],
  ['c9', 'leave'],
  ['cc', 'int3'],
  ['cd80', 'int $0x80'],
  ['0f05', 'syscall'],
  ['0f0b', 'ud2'],
  ['486bd864', 'imul $0x64,%rax,%rbx'],
  ['4869d8a0860100', 'imul $0x186a0,%rax,%rbx'],
  ['48c1e003', 'shl $0x3,%rax'],
  ['d3fa', 'sar %cl,%edx'],
  ['4893', 'xchg %rax,%rbx'],
  ['f3a4', 'rep movsb %ds:(%rsi),%es:(%rdi)'],
  ['f0480fb10a', 'lock cmpxchg %rcx,(%rdx)'],
  ['0fb600', 'movzbl (%rax),%eax'],
  ['0f280530000000', 'movaps 0x30(%rip),%xmm0'],
  ['660f70c81b', 'pshufd $0x1b,%xmm0,%xmm1'],
  ['660f3800d1', 'pshufb %xmm1,%xmm2'],
  ['660f3a0fd104', 'palignr $0x4,%xmm1,%xmm2'],
  ['660f3a0bd101', 'roundsd $0x1,%xmm1,%xmm2'],
  ['0fc6d101', 'shufps $0x1,%xmm1,%xmm2'],
  ['660fc4d001', 'pinsrw $0x1,%eax,%xmm2'],
  ['0fbae003', 'bt $0x3,%eax'],
  ['0fa4c304', 'shld $0x4,%eax,%ebx'],
  ['0fa2', 'cpuid'],
  ['480fc8', 'bswap %rax'],
  ['0f94c0', 'sete %al'],
  ['480f45d8', 'cmovne %rax,%rbx'],
  ['c5fe6f0d40000000', 'vmovdqu 0x40(%rip),%ymm1'],
  ['c5fd70d101', 'vpshufd $0x1,%ymm1,%ymm2'],
  ['c4e36d02d901', 'vpblendd $0x1,%ymm1,%ymm2,%ymm3'],
  ['c4e3fd00d101', 'vpermq $0x1,%ymm1,%ymm2'],
  ['c5f877', 'vzeroupper'],
  ['62f16c4858d9', 'vaddps %zmm1,%zmm2,%zmm3'],
  ['62f36d4825d955', 'vpternlogd $0x55,%zmm1,%zmm2,%zmm3'],
  ['62f1fe486f0d40000000', 'vmovdqu64 0x40(%rip),%zmm1'],
  ['c5f893c1', 'kmovw %k1,%eax'],
  ['c4e260f2c8', 'andn %eax,%ebx,%ecx'],
  ['c4e37bf0d803', 'rorx $0x3,%eax,%ebx'],
  ['66480f7ec0', 'movq %xmm0,%rax'],
  ['e303', 'jrcxz 0x156'],
  ['e203', 'loop 0x158'],
  ['e670', 'out %al,$0x70'],
  ['660f1f0400', 'nopw (%rax,%rax,1)'],
  ['66488d3d00000000', 'data16 lea 0x0(%rip),%rdi'],
  ['db6c2410', 'fldt 0x10(%rsp)'],
  ['d9c9', 'fxch %st(1)'],
  ['a38877665544332211', 'movabs %eax,0x1122334455667788'],
  ['f20f38f0c8', 'crc32 %al,%ecx'],
  ['0f1808', 'prefetcht0 (%rax)'],
  ['c7f800000000', 'xbegin 0x181'],
  ['0f38f008', 'movbe (%rax),%ecx'],
];

const kernel = new ElfKernel();
const at = kernel.allocate(64);

function lengthOf(bytes: Uint8Array): number {
  kernel.view(at, bytes.length).set(bytes);
  return kernel.call.instructionLength(at, at + bytes.length);
}

it.each(INSTRUCTIONS)('%s is one instruction: %s', (hex) => {
  const bytes = Buffer.from(hex, 'hex');
  expect(lengthOf(Buffer.concat([bytes, Buffer.alloc(16, 0x90)]))).toBe(bytes.length);
});

it.each(INSTRUCTIONS)('%s has no length when it is cut: %s', (hex) => {
  const bytes = Buffer.from(hex, 'hex');
  for (let length = 0; length < bytes.length; length++) {
    expect(lengthOf(bytes.subarray(0, length))).toBeLessThanOrEqual(length);
  }
  expect(lengthOf(bytes)).toBe(bytes.length);
});

it('no instruction is longer than 15 bytes', () => {
  expect(lengthOf(Buffer.alloc(40, 0x66))).toBe(0);
  expect(lengthOf(Buffer.concat([Buffer.alloc(14, 0x66), Buffer.from([0x90])]))).toBe(15);
  expect(lengthOf(Buffer.concat([Buffer.alloc(15, 0x66), Buffer.from([0x90])]))).toBe(0);
});

it.each(['06', '27', '60', '9a', 'd4', 'ea', 'ce', '0f04', '0f0a'])(
  '%s is none in 64-bit mode',
  (hex) => {
    expect(lengthOf(Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(16)]))).toBe(0);
  },
);
