/** Waiting, within limits: for a time, for a promise, and never beyond an abort signal. */

/** Waits; rejects with the signal's reason when that comes first. */
export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

// setTimeout takes 31 bits; what is longer would fire at once.
const TIMER_MS_MAX = 0x7fffffff;

/** Wait for so many milliseconds. */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal as AbortSignal));
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
      Math.min(ms, TIMER_MS_MAX),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
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
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal as AbortSignal));
    };
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
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
    signal?.addEventListener("abort", onAbort, { once: true });
    const adopt = (): void => {
      settle(() => {
        resolve(promise);
      });
    };
    promise.then(adopt, adopt);
    if (signal?.aborted === true) {
      onAbort();
    }
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
