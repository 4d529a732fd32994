package dev.themisdb.adapter;

import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;

/** Hooks with a mistake in them. */
final class FailingHooks implements Hooks {

  @Override
  public void onRequestStart(RequestStart start) {
    throw new IllegalStateException("a hook that fails");
  }

  @Override
  public void onRequestRetry(RequestRetry retry) {
    throw new IllegalStateException("a hook that fails");
  }

  @Override
  public void onRequestEnd(RequestEnd end) {
    throw new IllegalStateException("a hook that fails");
  }
}
