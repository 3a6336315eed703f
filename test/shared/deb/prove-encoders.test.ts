import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { compress } from '../../../shared/deb/compression.js';
import { encoderSample, proveEncoders } from '../../../shared/deb/prove-encoders.js';
import { sha256 } from '../../../shared/io/hash.js';
import { temporaryFolder } from '../../support/cleanup.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('encoders', () => {
  it('write the known bytes here', async () => {
    const proof = await proveEncoders();
    expect(proof.failed).toEqual([]);
    expect(proof.xzBytesPerSecond).toBeGreaterThan(0);
  });

  it('write for the sample what the xz of this system writes, with any number of threads', async () => {
    const options = ['-6', '-T2', '--block-size=131072', '-c'];
    const expected = sha256(execFileSync('xz', options, { input: encoderSample() }));
    for (const threads of [1, 3]) {
      const recipe = {
        kind: 'xz',
        preset: 6,
        extreme: false,
        check: 4,
        blockBytes: 131072,
      } as const;
      const chunks: Buffer[] = [];
      const sample = Readable.from([encoderSample()]);
      for await (const chunk of compress(recipe, sample, threads)) chunks.push(chunk);
      expect(sha256(Buffer.concat(chunks))).toBe(expected);
    }
  });

  it.each([
    ['another level', 'exec /usr/bin/env -i /bin/gzip -n1'],
    ['a failure', 'exit 1'],
  ])('are found out: a gzip with %s', async (_what, command) => {
    const folder = await temporaryFolder();
    const gzip = join(folder, 'gzip');
    await writeFile(gzip, `#!/bin/sh\n${command}\n`);
    await chmod(gzip, 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
    expect((await proveEncoders()).failed).toEqual(['GNU gzip -9']);
  });
});
