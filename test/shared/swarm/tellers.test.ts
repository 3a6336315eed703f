import { expect, test } from 'vitest';

import { openTellers } from '../../../shared/swarm/tellers.js';

test.each([
  ['udp://127.0.0.1:6969/announce', '127.0.0.1'],
  ['http://[::ffff:7f00:1]:6969/announce', '127.0.0.1'],
  ['https://[2001:db8::1]/announce', '2001:db8::1'],
  ['http://no.such.host.invalid/announce', ''],
  ['nonsense', ''],
])('%s is at "%s"', async (url, address) => {
  const tellers = openTellers();
  expect(await tellers.addressOf(url)).toBe(address);
  expect(await tellers.addressOf(url)).toBe(address);
});
