import com.sun.source.doctree.DocCommentTree;
import com.sun.source.doctree.ParamTree;
import com.sun.source.util.DocTrees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.ExecutableElement;
import javax.lang.model.element.ModuleElement;
import javax.lang.model.element.RecordComponentElement;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.DeclaredType;
import javax.lang.model.util.ElementFilter;
import javax.lang.model.util.Elements;
import jdk.javadoc.doclet.Doclet;
import jdk.javadoc.doclet.DocletEnvironment;
import jdk.javadoc.doclet.Reporter;

/**
 * Writes every name that javadoc would show, one a line: {@code +} or {@code -} for documented or not, a blank, the name.
 *
 * <p>A method that overrides a documented one is documented by it, as javadoc has it; a component of a record by its
 * {@code @param}. What the compiler adds by itself (a default constructor, {@code valueOf}) is nobody's to document.
 */
public final class PublicNames implements Doclet {
  private Path output = Path.of("names.txt");
  private DocTrees comments;
  private Elements elements;

  /** Creates one; javadoc does. */
  public PublicNames() {}

  @Override
  public void init(Locale locale, Reporter reporter) {}

  @Override
  public String getName() {
    return "PublicNames";
  }

  @Override
  public SourceVersion getSupportedSourceVersion() {
    return SourceVersion.latest();
  }

  @Override
  public Set<? extends Option> getSupportedOptions() {
    return Set.of(
        new Option() {
          @Override
          public int getArgumentCount() {
            return 1;
          }

          @Override
          public String getDescription() {
            return "the file to write";
          }

          @Override
          public Kind getKind() {
            return Kind.STANDARD;
          }

          @Override
          public List<String> getNames() {
            return List.of("--names");
          }

          @Override
          public String getParameters() {
            return "FILE";
          }

          @Override
          public boolean process(String option, List<String> arguments) {
            output = Path.of(arguments.get(0));
            return true;
          }
        });
  }

  @Override
  public boolean run(DocletEnvironment environment) {
    comments = environment.getDocTrees();
    elements = environment.getElementUtils();
    List<String> lines = new ArrayList<>();
    for (Element element : environment.getIncludedElements()) {
      if (element instanceof ModuleElement module && module.isUnnamed()) {
        continue;
      }
      lines.add(line(isDocumented(element), nameOf(element)));
      for (Element member : element instanceof TypeElement ? element.getEnclosedElements() : List.<Element>of()) {
        if (member instanceof RecordComponentElement component) {
          lines.add(line(describes(element, component), nameOf(element) + "." + component.getSimpleName()));
        } else if (isNamed(member) && environment.isIncluded(member)) {
          lines.add(line(isDocumented(member), nameOf(member)));
        }
      }
    }
    try {
      Files.write(output, lines);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return true;
  }

  /**
   * Says whether a member is one that somebody wrote: types inside types come by themselves, what the compiler adds has
   * no source, and a record's accessor says what its component is.
   */
  private boolean isNamed(Element member) {
    if (member instanceof TypeElement || comments.getTree(member) == null) {
      return false;
    }
    return elements.getOrigin(member) == Elements.Origin.EXPLICIT
        && !(member instanceof ExecutableElement method && elements.recordComponentFor(method) != null);
  }

  private static String line(boolean isDocumented, String name) {
    return (isDocumented ? "+ " : "- ") + name;
  }

  private boolean isDocumented(Element element) {
    DocCommentTree comment = comments.getDocCommentTree(element);
    if (comment != null && !(comment.getFullBody().isEmpty() && comment.getBlockTags().isEmpty())) {
      return true;
    }
    return element instanceof ExecutableElement method
        && method.getKind() == ElementKind.METHOD
        && overridesDocumented(method, (TypeElement) method.getEnclosingElement(), new LinkedHashSet<>());
  }

  private boolean overridesDocumented(ExecutableElement method, TypeElement type, Set<TypeElement> seen) {
    for (var above : supertypesOf(type)) {
      if (!seen.add(above)) {
        continue;
      }
      for (ExecutableElement other : ElementFilter.methodsIn(above.getEnclosedElements())) {
        if (elements.overrides(method, other, (TypeElement) method.getEnclosingElement())) {
          // What comes compiled (java.lang.Object, AutoCloseable) has its comments elsewhere.
          if (comments.getTree(other) == null || isDocumented(other)) {
            return true;
          }
        }
      }
      if (overridesDocumented(method, above, seen)) {
        return true;
      }
    }
    return false;
  }

  private static List<TypeElement> supertypesOf(TypeElement type) {
    List<TypeElement> found = new ArrayList<>();
    for (var mirror : type.getInterfaces()) {
      found.add((TypeElement) ((DeclaredType) mirror).asElement());
    }
    if (type.getSuperclass() instanceof DeclaredType above) {
      found.add((TypeElement) above.asElement());
    }
    return found;
  }

  private boolean describes(Element record, RecordComponentElement component) {
    DocCommentTree comment = comments.getDocCommentTree(record);
    return comment != null
        && comment.getBlockTags().stream()
            .anyMatch(
                tag ->
                    tag instanceof ParamTree param
                        && !param.isTypeParameter()
                        && param.getName().getName().contentEquals(component.getSimpleName())
                        && !param.getDescription().isEmpty());
  }

  private static String nameOf(Element element) {
    boolean isMember = element instanceof ExecutableElement || element.getKind().isField();
    return isMember ? element.getEnclosingElement() + "." + element : element.toString();
  }
}
