import type { Wire } from 'webtorrent';

import type { LocalNetwork } from './local-network.js';
import type { UploadAllowance, UploadReach } from './messages.js';

/** Decides whom we upload to and counts what they get. */
export interface UploadGate {
  /** Puts a wire behind the gate: it is unchoked only while it may be served. */
  readonly guard: (wire: Wire, options: GateOptions) => void;
  /** The wire's peer belongs to our group. */
  readonly admit: (wire: Wire) => void;
  readonly allow: (allowance: UploadAllowance) => void;
  /** Whether this address may connect to us at all. */
  readonly answers: (address: string) => boolean;
  /** Whether this peer must prove that it belongs to our group before it is served. */
  readonly wantsProof: (address: string) => boolean;
}

interface GateOptions {
  /** Its torrent is for the own networks alone. */
  readonly localOnly: boolean;
  readonly onSent: (bytes: number, local: boolean) => void;
}

/** Without `upload` nothing is ever served, whatever is allowed. */
export function openUploadGate(
  { upload, reach, lan }: { upload: boolean; reach: UploadReach; lan: boolean },
  network: LocalNetwork,
): UploadGate {
  const wires = new Map<Wire, () => boolean>();
  const members = new WeakSet<Wire>();
  let allowance: UploadAllowance = { local: true, beyondBytes: null };

  const maySpend = (): boolean => allowance.beyondBytes === null || allowance.beyondBytes > 0;
  const reaches = (wire: Wire): boolean =>
    reach === 'internet' || (reach === 'group' && members.has(wire));
  /** WebTorrent's next round of unchoking may pass over those who may be served again. */
  const follow = (): void => {
    for (const [wire, mayServe] of wires) {
      if (!mayServe()) wire.choke();
      else if (wire.peerInterested) wire.unchoke();
    }
  };

  return {
    guard: (wire, { localOnly, onSent }) => {
      const local = network.includes(wire.remoteAddress ?? '');
      const mayServe = (): boolean =>
        upload && (local ? allowance.local : !localOnly && reaches(wire) && maySpend());
      const unchoke = wire.unchoke.bind(wire);
      wires.set(wire, mayServe);
      wire.once('close', () => wires.delete(wire));
      // WebTorrent unchokes whoever is interested, even with `uploads: false`. A peer that stays
      // choked is refused every request, and nothing here ever grants an "allowed fast" piece.
      wire.unchoke = () => {
        if (mayServe()) unchoke();
      };
      // It misses the interest that comes in one packet with the handshake, for ten seconds.
      wire.once('interested', () => setImmediate(wire.unchoke));
      // And altogether what came while an offered torrent was loaded.
      if (wire.peerInterested) setImmediate(wire.unchoke);
      wire.on('upload', (bytes: number) => {
        onSent(bytes, local);
        if (local || allowance.beyondBytes === null) return;
        allowance = { ...allowance, beyondBytes: allowance.beyondBytes - bytes };
        if (!maySpend()) follow();
      });
    },
    admit: (wire) => {
      members.add(wire);
      if (wire.peerInterested) wire.unchoke();
    },
    allow: (next) => {
      allowance = next;
      follow();
    },
    answers: (address) => {
      const local = network.includes(address);
      // On the own network peers call those who announced that they want something (BEP 14).
      return upload ? local || reach !== 'lan' : lan && local;
    },
    wantsProof: (address) => upload && reach === 'group' && !network.includes(address),
  };
}
