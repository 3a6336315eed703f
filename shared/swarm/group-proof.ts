// Who belongs to a group proves it on each connection, before anything is uploaded.
//
// Extension `ds_group` (BEP 10). Both sides send a hello with a fresh nonce, then a proof:
//
//     hello  01 nonce(32)
//     proof  02 HMAC-SHA256(key, "debshoal group 1" info-hash(20)
//                 id of the prover(20)  id of the other(20)
//                 nonce of the prover(32)  nonce of the other(32))
//
// It keeps out who does not know the secret, records what was said before, or sends back what it was
// told: the proof names both ids in order, both nonces, and the torrent. It hides nothing, neither the
// content (packages are public) nor which torrents a member has, and it does not help against somebody
// on the path between two members, who can pass both proofs on and then use their connection.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Wire } from 'webtorrent';

import { useExtension } from './wire-extension.js';

const HELLO = 1;
const PROOF = 2;
const LENGTH = 33;
const CONTEXT = 'debshoal group 1';

export interface GroupProofOptions {
  readonly key: Uint8Array;
  /** 40 hex digits, as are the peer ids. */
  readonly infoHash: string;
  readonly ownId: string;
  readonly onProven: () => void;
}

/** In the torrent's `wire` event. A wrong or repeated message ends the connection. */
export function proveGroup(wire: Wire, options: GroupProofOptions): void {
  const ownNonce = randomBytes(LENGTH - 1);
  let theirNonce: Uint8Array | null = null;
  let proven = false;
  let greeted = false;
  const greet = (): void => {
    if (!greeted) send(Buffer.concat([Buffer.from([HELLO]), ownNonce]));
    greeted = true;
  };
  const macOf = (prover: 'own' | 'their', other: Uint8Array): Buffer => {
    const own = [Buffer.from(options.ownId, 'hex'), ownNonce] as const;
    const their = [Buffer.from(wire.peerId, 'hex'), other] as const;
    const [first, second] = prover === 'own' ? [own, their] : [their, own];
    return createHmac('sha256', options.key)
      .update(CONTEXT)
      .update(Buffer.from(options.infoHash, 'hex'))
      .update(first[0])
      .update(second[0])
      .update(first[1])
      .update(second[1])
      .digest();
  };
  const send = useExtension(wire, 'ds_group', {
    onSupported: greet,
    onMessage: (payload) => {
      const [kind, body] = [payload[0], payload.slice(1)];
      if (payload.length === LENGTH && kind === HELLO && theirNonce === null) {
        theirNonce = body;
        greet();
        send(Buffer.concat([Buffer.from([PROOF]), macOf('own', theirNonce)]));
        return;
      }
      if (payload.length === LENGTH && kind === PROOF && theirNonce !== null && !proven) {
        proven = timingSafeEqual(body, macOf('their', theirNonce));
        if (proven) {
          options.onProven();
          return;
        }
      }
      wire.destroy();
    },
  });
}
