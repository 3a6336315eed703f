import type { Wire } from 'webtorrent';

export interface ExtensionHandlers {
  /** The peer speaks it too; `handshake` is its whole extended handshake, unchecked. */
  readonly onSupported: (handshake: Readonly<Record<string, unknown>>) => void;
  readonly onMessage: (payload: Uint8Array) => void;
}

/** Adds an extension (BEP 10) to a wire, in the torrent's `wire` event. Returns how to send. */
export function useExtension(
  wire: Wire,
  name: string,
  handlers: ExtensionHandlers,
): (payload: Uint8Array) => void {
  class Extension {
    readonly onExtendedHandshake = handlers.onSupported;
    readonly onMessage = handlers.onMessage;
  }
  Object.defineProperty(Extension.prototype, 'name', { value: name });
  wire.use(Extension);
  return (payload) => {
    if (wire.peerExtendedMapping[name] !== undefined) wire.extended(name, payload);
  };
}
