package dev.themisdb.client.placement;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * XXH64 with seed 0, after the specification of xxHash (Yann Collet). Hashes are unsigned 64-bit
 * integers in a {@code long}: compare them with {@link Long#compareUnsigned}.
 */
public final class XxHash64 {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long P1 = 0x9E3779B185EBCA87L;
  private static final long P2 = 0xC2B2AE3D27D4EB4FL;
  private static final long P3 = 0x165667B19E3779F9L;
  private static final long P4 = 0x85EBCA77C2B2AE63L;
  private static final long P5 = 0x27D4EB2F165667C5L;
  // Sums that overflow, which is meant.
  private static final long P1_PLUS_P2 = 0x60EA27EEADC0B5D6L;
  private static final long MINUS_P1 = 0x61C8864E7A143579L;

  private XxHash64() {}

  /**
   * Hashes a text.
   *
   * @param text hashed as UTF-8
   * @return the hash
   */
  public static long hash(String text) {
    return hash(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Hashes bytes.
   *
   * @param data the bytes
   * @return the hash
   */
  public static long hash(byte[] data) {
    int length = data.length;
    int at = 0;
    long hash;
    if (length >= 32) {
      long a = P1_PLUS_P2;
      long b = P2;
      long c = 0;
      long d = MINUS_P1;
      for (; at <= length - 32; at += 32) {
        a = round(a, (long) LONGS.get(data, at));
        b = round(b, (long) LONGS.get(data, at + 8));
        c = round(c, (long) LONGS.get(data, at + 16));
        d = round(d, (long) LONGS.get(data, at + 24));
      }
      hash =
          Long.rotateLeft(a, 1)
              + Long.rotateLeft(b, 7)
              + Long.rotateLeft(c, 12)
              + Long.rotateLeft(d, 18);
      hash = merge(merge(merge(merge(hash, a), b), c), d);
    } else {
      hash = P5;
    }
    hash += length;
    for (; at <= length - 8; at += 8) {
      hash = Long.rotateLeft(hash ^ round(0, (long) LONGS.get(data, at)), 27) * P1 + P4;
    }
    if (at <= length - 4) {
      hash ^= Integer.toUnsignedLong((int) INTS.get(data, at)) * P1;
      hash = Long.rotateLeft(hash, 23) * P2 + P3;
      at += 4;
    }
    for (; at < length; at++) {
      hash = Long.rotateLeft(hash ^ (data[at] & 0xFF) * P5, 11) * P1;
    }
    hash = (hash ^ (hash >>> 33)) * P2;
    hash = (hash ^ (hash >>> 29)) * P3;
    return hash ^ (hash >>> 32);
  }

  /**
   * Writes a hash as the topology does.
   *
   * @param hash the hash
   * @return 16 lower-case hex digits
   */
  public static String toHex(long hash) {
    String digits = Long.toHexString(hash);
    return "0".repeat(16 - digits.length()) + digits;
  }

  private static long round(long accumulator, long input) {
    return Long.rotateLeft(accumulator + input * P2, 31) * P1;
  }

  private static long merge(long hash, long accumulator) {
    return (hash ^ round(0, accumulator)) * P1 + P4;
  }
}
