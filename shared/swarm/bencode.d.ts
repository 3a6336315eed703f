declare module 'bencode' {
  const bencode: { decode: (data: Uint8Array | string, ...rest: readonly unknown[]) => unknown };
  export default bencode;
}
