package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.generated.Operation;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Both clients can do the same, under the same names. */
class SurfaceTest {

  private static final Map<String, String> BOXED = Map.of("boolean", "java.lang.Boolean");

  @Test
  void theAsyncClientHasTheSyncClientsMethodsWithFutures() {
    assertEquals(surface(ThemisClient.class), surface(AsyncThemisClient.class));
  }

  @Test
  void theSurfaceIsTheWholeSpecification() {
    Set<String> names =
        Arrays.stream(ThemisClient.class.getMethods())
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertTrue(
        names.containsAll(
            Set.of(
                "get",
                "getByUrn",
                "getEntity",
                "getEntityIfNoneMatch",
                "exists",
                "put",
                "patch",
                "delete",
                "batchGet",
                "batchPut",
                "batchDelete",
                "batchGetByUrn",
                "iterate",
                "countCollection",
                "createCollection",
                "getCollection",
                "listCollections",
                "alterCollection",
                "dropCollection",
                "createNamespace",
                "getNamespace",
                "listNamespaces",
                "alterNamespace",
                "dropNamespace",
                "topology",
                "health",
                "version",
                "metrics",
                "sessionToken",
                "mergeSession",
                "forgetSession",
                "close")));
    Set<String> admin =
        Arrays.stream(Operation.values())
            .map(Operation::operationId)
            .filter(name -> name.startsWith("admin"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(16, admin.size());
    assertTrue(names.containsAll(admin), admin.toString());
  }

  private static Set<String> surface(Class<?> client) {
    return Arrays.stream(client.getMethods())
        .filter(method -> method.getDeclaringClass() != Object.class)
        .filter(method -> !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic())
        .map(SurfaceTest::describe)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String describe(Method method) {
    String given = method.getGenericReturnType().getTypeName();
    String result =
        given.startsWith("java.util.concurrent.CompletableFuture<")
            ? given.substring(given.indexOf('<') + 1, given.length() - 1)
            : given;
    String parameters =
        Arrays.stream(method.getGenericParameterTypes())
            .map(Object::toString)
            .collect(Collectors.joining(", "));
    String plain = result.replace("AsyncEntityIterator", "EntityIterator");
    return method.getName() + "(" + parameters + "): " + BOXED.getOrDefault(plain, plain);
  }
}
