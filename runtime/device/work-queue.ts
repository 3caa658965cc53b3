// What a device must do later because the host is in between: runs, writes and reads, in the order in which they were
// asked for. Idle as long as nothing needs the host, and then nothing waits.

export class WorkQueue {
  private last: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  /** Whether what is asked for now may be done at once. */
  get isIdle(): boolean {
    return this.last === undefined;
  }

  /** Does `work` once all before it is done. If it fails, `check` says so, and nothing after it is done. */
  add(work: () => void | Promise<void>): void {
    const run = async (): Promise<void> => {
      if (this.failure !== undefined) return;
      try {
        await work();
      } catch (error) {
        this.failure = { error };
      }
    };
    const own = (this.last ?? Promise.resolve()).then(run).then(() => {
      if (this.last === own) this.last = undefined;
    });
    this.last = own;
  }

  /** The same for work that gives something. @throws what it throws, and what was thrown before it */
  async result<T>(work: () => Promise<T>): Promise<T> {
    const made = await new Promise<{ readonly of: Promise<T> } | undefined>((resolve) => {
      this.add(() => resolve({ of: work() }));
      void this.last!.then(() => resolve(undefined));
    });
    this.check();
    return made!.of;
  }

  /** @throws what went wrong in work that nobody waited for. */
  async finish(): Promise<void> {
    await this.last;
    this.check();
  }

  /** @throws what went wrong in work that nobody waited for. */
  check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
