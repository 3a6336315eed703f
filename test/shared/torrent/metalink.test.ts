import { expect, test } from 'vitest';

import { encodeMetalink } from '../../../shared/torrent/metalink.js';

test('a metalink is always the same text, whatever is in names', () => {
  const text = encodeMetalink({
    name: 'a<b>&"c"_1%3a2.delta',
    size: 42,
    sha256: 'ab'.repeat(32),
    urls: ['http://one/a?b&c', 'http://two/a'],
    torrent: { url: 'http://one/torrents/x.torrent', filePath: 'a&b.delta' },
  });
  expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <file name="a&lt;b&gt;&amp;&quot;c&quot;_1%3a2.delta">
    <size>42</size>
    <hash type="sha-256">${'ab'.repeat(32)}</hash>
    <metaurl mediatype="torrent" priority="1" name="a&amp;b.delta">http://one/torrents/x.torrent</metaurl>
    <url priority="1">http://one/a?b&amp;c</url>
    <url priority="2">http://two/a</url>
  </file>
</metalink>
`);
});
