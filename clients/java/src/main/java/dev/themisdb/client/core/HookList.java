package dev.themisdb.client.core;

import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;
import java.util.List;
import java.util.function.BiConsumer;

/** All hooks of a client, behind one door that keeps their mistakes from the call. */
final class HookList {

  static final System.Logger LOGGER = System.getLogger("dev.themisdb.client");

  private final List<Hooks> hooks;

  HookList(List<Hooks> hooks) {
    this.hooks = hooks;
  }

  boolean isEmpty() {
    return hooks.isEmpty();
  }

  void start(RequestStart fact) {
    tell(Hooks::onRequestStart, fact);
  }

  void retry(RequestRetry fact) {
    tell(Hooks::onRequestRetry, fact);
  }

  void end(RequestEnd fact) {
    tell(Hooks::onRequestEnd, fact);
  }

  private <F> void tell(BiConsumer<Hooks, F> method, F fact) {
    for (Hooks hook : hooks) {
      try {
        method.accept(hook, fact);
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "a hook failed: " + hook.getClass().getName(), e);
      }
    }
  }
}
