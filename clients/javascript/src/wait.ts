/** Waiting, within limits: for a time, for a promise, and never beyond an abort signal. */

/** Waits; rejects with the signal's reason when that comes first. */
export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Those who wait for the abort of a signal, and the one listener that tells them. */
interface Watch {
  readonly waiting: Set<() => void>;
  readonly tell: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Be told when a signal aborts, until the function that this returns is called. (Of one that has aborted already, nobody
 * is told.)
 *
 * A signal gets one listener, however many calls share it: Node takes the eleventh for a leak, and says so.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const watch = watches.get(signal) ?? watched(signal);
  watch.waiting.add(run);
  return () => {
    watch.waiting.delete(run);
    if (watch.waiting.size === 0 && watches.get(signal) === watch) {
      watches.delete(signal);
      signal.removeEventListener("abort", watch.tell);
    }
  };
}

function watched(signal: AbortSignal): Watch {
  const waiting = new Set<() => void>();
  const tell = (): void => {
    watches.delete(signal);
    for (const run of [...waiting]) {
      run();
    }
  };
  const watch = { waiting, tell };
  signal.addEventListener("abort", tell, { once: true });
  watches.set(signal, watch);
  return watch;
}

// setTimeout takes 31 bits; what is longer would fire at once.
const TIMER_MS_MAX = 0x7fffffff;

/** Wait for so many milliseconds. */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const timer = setTimeout(
      () => {
        stopListening?.();
        resolve();
      },
      Math.min(ms, TIMER_MS_MAX),
    );
    const stopListening =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      });
  });

/** What `within` answers when the time ran out. */
export const LATE = Symbol("late");

/**
 * Wait for a promise that others may be waiting for, too: giving up does not stop it.
 *
 * @returns Its value, or LATE after `ms` milliseconds. Rejects as it does, or with the signal's reason.
 */
export function within<T>(promise: Promise<T>, ms: number, signal?: AbortSignal): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      // It is not waited for any more, but its failure must not count as one that nobody handles.
      promise.catch(() => undefined);
      reject(reasonOf(signal));
      return;
    }
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      stopListening?.();
      then();
    };
    const timer = setTimeout(
      () => {
        settle(() => {
          resolve(LATE);
        });
      },
      Math.max(0, Math.min(ms, TIMER_MS_MAX)),
    );
    const stopListening =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      });
    const adopt = (): void => {
      settle(() => {
        resolve(promise);
      });
    };
    promise.then(adopt, adopt);
  });
}

/** What a cancelled call rejects with: the signal's reason, an AbortError unless its owner said otherwise. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason as Error;
}

/** A timer that does not keep the process alive (in Node; browsers have no such notion). */
export function backgroundTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(run, Math.min(ms, TIMER_MS_MAX));
  // In browsers a timer is a number.
  (timer as { unref?: () => unknown }).unref?.();
  return timer;
}
