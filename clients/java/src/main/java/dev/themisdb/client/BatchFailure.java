package dev.themisdb.client;

import dev.themisdb.client.errors.ThemisException;
import java.io.Serializable;

/**
 * One item that failed.
 *
 * @param index its place in what was asked, from 0
 * @param urn its URN; what was given instead where that cannot be one
 * @param error what a call for this one item would have thrown
 * @serial exclude
 */
@SuppressWarnings("InvalidBlockTag") // javadoc wants @serial of records that are serializable
public record BatchFailure(int index, String urn, ThemisException error) implements Serializable {}
