declare module 'proxy-from-env' {
  /** The proxy for an address as the environment names it; empty: none. */
  export function getProxyForUrl(url: string): string;
}
