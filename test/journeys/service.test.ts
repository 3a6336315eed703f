import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { sha256 } from '../../shared/io/hash.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { makeLab, type Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { acquire, startService } from '../support/service.js';

const ghostscript = fixturePair('ghostscript');
const gd = fixturePair('libgd-tools');
const describeHere = await needs('apt-get', 'dpkg-deb');

describeHere('the daemon', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await makeLab([ghostscript, gd]);
  }, 120_000);
  afterAll(() => lab.close());
  afterEach(() => {
    lab.behave();
  });

  test('rebuilds what apt asks for, byte for byte', async () => {
    const { root } = await lab.system();
    const service = await startService(root, ['--no-swarm', '--no-prefetch', '--prefer', 'bytes']);
    const started = performance.now();
    const [first, second] = await Promise.all([
      service.ask(acquire(ghostscript)),
      service.ask(acquire(gd)),
    ]);
    console.log(
      first.lines,
      first.message,
      second.lines,
      second.message,
      performance.now() - started,
    );
    expect(first.lines.at(-1)).toBe('200 URI Start');
    expect(sha256(first.body)).toBe(ghostscript.newSha256);
    expect(sha256(second.body)).toBe(gd.newSha256);
    const status = await service.ask('700 Status\n\n');
    console.log(status.lines, JSON.stringify(JSON.parse(status.body.toString()), null, 1));
    service.child.kill('SIGTERM');
    const { status: exit, stderr } = await service.ended;
    console.log(stderr);
    expect(exit).toBe(0);
  });
});
