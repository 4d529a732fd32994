/**
 * Every error the SDK throws, in one tree. All are unchecked.
 *
 * <pre>
 * ThemisException
 * ├── InvalidUrnException          a text that is no URN
 * ├── ConfigurationException       options that cannot work
 * ├── EncodingException            data that has no JSON form, or does not fit its class
 * ├── ClientClosedException        the client was closed
 * ├── BatchException               items of a batch failed (throwIfFailed)
 * └── CallException                attempts(), requestId(), outcomeUnknown()
 *     ├── TransportException       no answer came: unreachable, connection lost, not HTTP
 *     ├── TimeoutException         the call's deadline passed
 *     ├── CallInterruptedException the calling thread was interrupted
 *     └── ApiException             the server answered with an error
 *         ├── BadRequestException              400, 405, 408, 413, 414, 415, 431
 *         │   └── TooLargeException            413: a limit, named in limit()
 *         ├── UnauthorizedException            401
 *         ├── ForbiddenException               403
 *         ├── NotFoundException                404
 *         │   ├── EntityNotFoundException
 *         │   ├── NamespaceNotFoundException
 *         │   └── CollectionNotFoundException
 *         ├── ConflictException                409
 *         │   ├── AlreadyExistsException
 *         │   ├── ModelMismatchException
 *         │   └── NamespaceNotEmptyException
 *         ├── PreconditionFailedException      412; version() is the current one
 *         ├── IdempotencyKeyReusedException    422
 *         ├── WrongShardException              421; normally followed, never seen
 *         ├── TooManyRequestsException         429; retryAfter()
 *         └── ServerException                  5xx
 *             ├── UnavailableException         503
 *             │   ├── LagExceededException     no replica is fresh enough; limit(), lagMs()
 *             │   └── SessionNotReachedException  none has what this client has seen
 *             ├── OutcomeUnknownException      504: the write may or may not have happened
 *             └── DiskFullException            507
 * </pre>
 *
 * <p>Messages and facts never hold a token or a document.
 */
@NullMarked
package dev.themisdb.client.errors;

import org.jspecify.annotations.NullMarked;
