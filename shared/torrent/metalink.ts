import type { Sha256 } from '../io/hash.js';

/** What a metalink tells of one file. */
export interface MetalinkFile {
  /** Its name on disk. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: Sha256;
  /** Where it can be had over HTTP, the best address first. */
  readonly urls: readonly string[];
  /**
   * The torrent that holds it, and its path in there, the torrent's own folder first, as aria2 wants
   * it; null for the only file.
   */
  readonly torrent: { readonly url: string; readonly filePath: string | null };
}

/** Makes a metalink (RFC 5854) of one file: the same input always gives the same text. */
export function encodeMetalink({ name, size, sha256, urls, torrent }: MetalinkFile): string {
  const inTorrent = torrent.filePath === null ? '' : ` name="${escape(torrent.filePath)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">',
    `  <file name="${escape(name)}">`,
    `    <size>${size}</size>`,
    `    <hash type="sha-256">${sha256}</hash>`,
    `    <metaurl mediatype="torrent" priority="1"${inTorrent}>${escape(torrent.url)}</metaurl>`,
    ...urls.map((url, index) => `    <url priority="${index + 1}">${escape(url)}</url>`),
    '  </file>',
    '</metalink>',
    '',
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}
