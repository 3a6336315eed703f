/** bsdiff-node 2.5.0 ships no types. Paths in, promises out. */
declare module 'bsdiff-node' {
  const bsdiff: {
    diff(oldPath: string, newPath: string, patchPath: string): Promise<void>;
    patch(oldPath: string, newPath: string, patchPath: string): Promise<void>;
  };
  export default bsdiff;
}
