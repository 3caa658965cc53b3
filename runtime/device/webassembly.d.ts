// The few names of WebAssembly and of a browser's page that the wasm device uses.
// The compiler settings leave out the library of browser types, so that nothing else leans on a page by accident.
declare namespace WebAssembly {
  class Module {
    private constructor();
  }
  class Memory {
    constructor(settings: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: Readonly<Record<string, unknown>>;
  }
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}
