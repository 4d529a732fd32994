package dev.themisdb.client.hooks;

/**
 * Who is told about the requests the SDK makes on a program's behalf. Override what interests you.
 *
 * <p>Hooks run in whichever thread carries the call, between its steps: keep them short. A hook
 * that throws is logged (logger {@code dev.themisdb.client}) and otherwise ignored: watching a call
 * must not break it. No fact holds a token, a header's value or a document.
 */
public interface Hooks {

  /**
   * A logical call begins, before its first attempt.
   *
   * @param start the facts
   */
  default void onRequestStart(RequestStart start) {}

  /**
   * Another attempt follows.
   *
   * @param retry the facts
   */
  default void onRequestRetry(RequestRetry retry) {}

  /**
   * The call is over.
   *
   * @param end the facts
   */
  default void onRequestEnd(RequestEnd end) {}
}
