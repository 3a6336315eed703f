import { readFileSync } from 'node:fs';

/** The modules that `npm run build:kernel` makes of assembly/. */
export type KernelModule = 'matcher' | 'elf' | 'deflate' | 'mixer';

const modules = new Map<KernelModule, WebAssembly.Module>();

/**
 * A fresh instance with memory of its own: WebAssembly memory never shrinks, so that a large job
 * takes one instance and drops it.
 */
export function instantiate(name: KernelModule): WebAssembly.Instance {
  let module = modules.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(locate(name)));
    modules.set(name, module);
  }
  return new WebAssembly.Instance(module);
}

/** Tests run from the sources; the built modules are in dist/ either way. */
function locate(name: KernelModule): URL {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/shared/kernel/' : './';
  return new URL(`${folder}${name}.wasm`, import.meta.url);
}
