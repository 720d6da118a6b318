package nacre.dubbo;

/** What providers offer. */
public interface Greeter {
    /** Returns the greeting of the provider that was reached. */
    String greet(String name);
}
