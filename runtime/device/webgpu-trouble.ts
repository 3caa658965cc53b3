// Collects what goes wrong on a WebGPU device behind our back (uncaptured errors, loss) and throws it at the next call.
import { WorldError } from "../errors.ts";

export class Trouble {
  private first: WorldError | undefined;
  private isClosing = false;

  constructor(gpuDevice: GPUDevice) {
    gpuDevice.addEventListener("uncapturederror", (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      this.first ??= asWorldError(error);
    });
    void gpuDevice.lost.then(({ message, reason }) => {
      if (this.isClosing) return;
      this.first ??= new WorldError(
        "device-lost",
        `the GPU was lost (${reason}): ${message}`,
        "continue from the last checkpoint with --resume; if it happens again, try --device wasm",
      );
    });
  }

  /** The device is about to be destroyed on purpose. */
  closing(): void {
    this.isClosing = true;
  }

  /** Waits until a loss that just happened has been reported. */
  async settled(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** @throws WorldError, the first thing that went wrong. */
  check(): void {
    if (this.first !== undefined) throw this.first;
  }
}

export function asWorldError(error: GPUError): WorldError {
  const isMemory = error.constructor.name === "GPUOutOfMemoryError";
  if (isMemory)
    return new WorldError(
      "out-of-memory",
      `the GPU has not enough memory: ${error.message}`,
      "use a smaller batch, or accumulate over several",
      error,
    );
  return new WorldError(
    "device-lost",
    `WebGPU refused a command, which is a bug in vit: ${error.message}`,
    "please report it with this message; --device wasm may work meanwhile",
    error,
  );
}
