/** The part of lzma-native 8.0.6 that we use; @types/lzma-native lacks the numeric constants. */
declare module 'lzma-native' {
  import type { Duplex } from 'node:stream';

  export interface EncoderOptions {
    /** 0 to 9, or with PRESET_EXTREME. */
    readonly preset?: number;
    readonly check?: number;
    /** Selects the threaded encoder. */
    readonly threads?: number;
    /** Uncompressed bytes a block; only with `threads`. */
    readonly blockSize?: number;
  }

  export interface LzmaFilter {
    readonly id: string;
    /** A `preset` would overrule all others. */
    readonly options: {
      readonly lc: number;
      readonly lp: number;
      readonly pb: number;
      /** Bytes. */
      readonly dictSize: number;
      readonly mode: number;
      readonly mf: number;
      readonly niceLen: number;
      readonly depth: number;
    };
  }

  /** The synchronous coder below the streams. */
  export interface NativeLzma {
    /** Called from within `code`: a Buffer is output, null the end or, with an error, a failure. */
    bufferHandler: (chunk: Buffer | null | undefined, processed?: number, error?: Error) => void;
    /** Bytes of one output buffer, which `code` allocates and clears each time. */
    setBufsize(bytes: number): void;
    rawEncoder(options: { readonly filters: readonly LzmaFilter[] }): void;
    rawDecoder(options: { readonly filters: readonly LzmaFilter[] }): void;
    /** null ends the input. */
    code(bytes: Uint8Array | null, async: false): void;
    /** Frees the coder's memory. */
    resetUnderlying(): void;
  }

  export interface FilteredEncoderOptions extends Omit<EncoderOptions, 'preset'> {
    readonly filters: readonly {
      readonly id: 'LZMA_FILTER_LZMA2';
      /** liblzma's lzma_options_lzma; the numbers of its enumerations. A preset would win over all. */
      readonly options: {
        readonly dictSize: number;
        readonly mode: number;
        readonly mf: number;
        readonly niceLen: number;
        readonly depth: number;
      };
    }[];
  }

  const lzma: {
    readonly Stream: new () => NativeLzma;
    readonly FILTER_LZMA1: string;
    readonly MODE_NORMAL: number;
    readonly MF_BT4: number;
    readonly PRESET_EXTREME: number;
    readonly CHECK_CRC64: number;
    createStream(coder: 'easyEncoder', options: EncoderOptions): Duplex;
    createStream(coder: 'streamEncoder', options: FilteredEncoderOptions): Duplex;
    /** Memory in bytes. */
    createStream(coder: 'streamDecoder', options: { readonly memlimit: number }): Duplex;
  };
  export default lzma;
}
