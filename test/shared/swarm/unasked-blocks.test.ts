import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { dropUnaskedBlocks } from '../../../shared/swarm/unasked-blocks.js';

interface Request {
  piece: number;
  offset: number;
  length: number;
}

/** As bittorrent-protocol does it: an answer ends its request, and every block is told. */
interface Fake {
  readonly destroyed: boolean;
  readonly _onPiece: (piece: number, offset: number, block: Uint8Array) => void;
}

const guarded = (): { wire: Fake; seen: string[]; ask: (...request: number[]) => void } => {
  const emitter = new EventEmitter();
  const requests: Request[] = [];
  const fake = Object.assign(emitter, {
    requests,
    destroyed: false,
    destroy: () => {
      fake.destroyed = true;
    },
    _onPiece: (piece: number, offset: number, block: Uint8Array) => {
      const at = requests.findIndex(
        (each) => each.piece === piece && each.offset === offset && each.length === block.length,
      );
      if (at >= 0) requests.splice(at, 1);
      emitter.emit('piece', piece, offset, block);
    },
  });
  const seen: string[] = [];
  emitter.on('piece', (index: number, offset: number) => seen.push(`${index} ${offset}`));
  dropUnaskedBlocks(fake);
  const ask = (piece = 0, offset = 0, length = 0): void => {
    requests.push({ piece, offset, length });
  };
  return { wire: fake, seen, ask };
};

test('only blocks that were asked for are told, and each once', () => {
  const { wire, seen, ask } = guarded();
  const block = Buffer.alloc(16);
  ask(1, 16, 16);
  wire._onPiece(0, 16, block);
  wire._onPiece(1, 0, block);
  wire._onPiece(1, 16, block.subarray(1));
  expect(seen).toEqual([]);
  wire._onPiece(1, 16, block);
  wire._onPiece(1, 16, block);
  expect(seen).toEqual(['1 16']);
});

test('late blocks are forgiven, a flood of them ends the connection', () => {
  const { wire, ask, seen } = guarded();
  for (let i = 0; i < 500; i++) wire._onPiece(0, i, Buffer.alloc(1));
  ask(0, 7, 1);
  wire._onPiece(0, 7, Buffer.alloc(1));
  for (let i = 0; i < 500; i++) wire._onPiece(0, i, Buffer.alloc(1));
  expect(wire).toHaveProperty('destroyed', false);
  for (let i = 0; i < 500; i++) wire._onPiece(0, i, Buffer.alloc(1));
  expect(wire).toHaveProperty('destroyed', true);
  expect(seen).toEqual(['0 7']);
});
