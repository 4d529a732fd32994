package dev.themisdb.adapter;

/** The adapter does not understand a command or one of its members. */
final class Unsupported extends RuntimeException {

  private static final long serialVersionUID = 1L;

  Unsupported(String message) {
    super(message);
  }
}
