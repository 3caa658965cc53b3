// What the rest of the runtime asks of the machine that it runs on: files, images, threads, a clock.
// `node.ts` answers for Node; nothing else in runtime names a host, so a test can hand in one that fails on purpose.

export interface Host {
  readonly files: Files;
  readonly images: Images;
  readonly processes: Processes;
  /** Milliseconds from some fixed moment, never going back. */
  readonly now: () => number;
  /** Starts the module at `url` (named as in the source, `.ts`) on a thread of its own, where its `serve` is called. */
  readonly startWorker: (url: URL, data: unknown) => HostWorker;
  /** Where a file of an installed package lies, or null where the package is not installed. */
  readonly packageFile: (path: string) => string | null;
}

/** Who runs beside us, for what only one may do at a time. */
export interface Processes {
  readonly own: ProcessIdentity;
  /** Of this machine's processes. */
  readonly isAlive: (identity: ProcessIdentity) => boolean;
}

export interface ProcessIdentity {
  readonly id: number;
  readonly machine: string;
  /** When it began, in the host's own words: a number is given again. Empty where that is not known. */
  readonly began: string;
}

/** Paths are the host's own; relative ones count from where the program was started. All throw WorldError. */
export interface Files {
  readonly exists: (path: string) => boolean;
  readonly isFolder: (path: string) => boolean;
  /** Names in a folder, sorted by code unit (the same on every machine). */
  readonly list: (path: string) => readonly string[];
  readonly size: (path: string) => number;
  readonly read: (path: string) => Uint8Array;
  /** `length` bytes from `offset`; fewer where the file ends before. */
  readonly readPart: (path: string, offset: number, length: number) => Uint8Array;
  readonly gunzip: (bytes: Uint8Array) => Uint8Array;
  readonly makeFolder: (path: string) => void;
  /** A new, empty file, open for writing; one that is there is emptied. */
  readonly create: (path: string) => FileWriter;
  /** Open for writing at its end; made where it is missing. */
  readonly append: (path: string) => FileWriter;
  /** Makes a file that holds the text, whole and in one step. False where there is one of that name. */
  readonly claim: (path: string, text: string) => boolean;
  readonly truncate: (path: string, size: number) => void;
  /** Takes the place of what is at `to` in one step, as far as the file system can; folders only where none is there. */
  readonly rename: (from: string, to: string) => void;
  /** Puts a folder's list of names on the disk, so that a rename in it survives a power cut. */
  readonly syncFolder: (path: string) => void;
  /** Removes a file, or a folder with all in it; silent where there is none. */
  readonly remove: (path: string) => void;
}

export interface FileWriter {
  readonly write: (bytes: Uint8Array) => void;
  /** Returns once the bytes are on the disk. */
  readonly sync: () => void;
  readonly close: () => void;
}

/** A decoded image: 8 bits a channel, row by row, channels last. */
export interface DecodedImage {
  readonly rows: number;
  readonly cols: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
  /** What had to be decided about it, such as `grey` or `cmyk`; empty for a plain RGB image. */
  readonly notes: readonly ImageNote[];
}

export type ImageNote = "grey" | "colour" | "cmyk" | "16-bit" | "transparent" | "turned";

export interface Images {
  /** Decodes a file to 1 (grey) or 3 (sRGB) channels. Throws WorldError `broken-image` naming the file. */
  readonly decode: (path: string, channels: 1 | 3) => Promise<DecodedImage>;
  /** Writes values of 0..255, row by row, as PNG. */
  readonly writePng: (
    path: string,
    image: { rows: number; cols: number; channels: 1 | 3; bytes: Uint8Array },
  ) => Promise<void>;
}

/**
 * A module on a thread of its own. It exports `serve(port, host, data)`, a WorkerService, which is called once there.
 */
export interface HostWorker {
  readonly post: (message: unknown) => void;
  readonly onMessage: (receive: (message: unknown) => void) => void;
  /** Called once if the thread ends without having been stopped. */
  readonly onFailure: (fail: (error: Error) => void) => void;
  /** A waiting thread does not keep the program alive; a working one may. */
  readonly setBusy: (busy: boolean) => void;
  readonly stop: () => Promise<void>;
}

/** A thread's end of the line. */
export interface WorkerPort {
  readonly post: (message: unknown) => void;
  readonly onMessage: (receive: (message: unknown) => void) => void;
}

export type WorkerService = (port: WorkerPort, host: Host, data: unknown) => void;
