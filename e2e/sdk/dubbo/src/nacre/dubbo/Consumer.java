package nacre.dubbo;

import static nacre.sdk.Checks.check;
import static nacre.sdk.Checks.end;
import static nacre.sdk.Checks.failed;
import static nacre.sdk.Checks.limit;
import static nacre.sdk.Checks.same;
import static nacre.sdk.Checks.start;
import static nacre.sdk.Checks.until;

import java.util.TreeSet;
import nacre.sdk.Server;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.model.ApplicationModel;

/** Checks that consumers and providers of Dubbo find each other in Nacre, which also holds their metadata and their configuration. */
public final class Consumer {
    /** How long one that was killed may be seen, in ms; how long a restart of the server and the start of a provider may take. */
    private static final int GONE = 2000;
    private static final int BACK = 45000;
    private static final int STARTED = 90000;

    private final Server server;
    private Greeter greeter;

    private Consumer(Server server) {
        this.server = server;
    }

    public static void main(String[] args) throws Exception {
        limit(300);
        try (Server server = new Server()) {
            server.publish("dubbo.properties", "dubbo.consumer.timeout=4321\n", "&type=properties");
            Consumer c = new Consumer(server);
            Process a = c.provider("a", 1);
            check("a consumer finds the provider and calls it", c::finds);
            if (!failed()) {
                check("configuration comes from the server", c::configured);
                check("metadata is on the server", c::metadata);
                Process[] b = new Process[1];
                check("calls reach a second provider, too", () -> {
                    b[0] = c.provider("b", 2);
                    until(GONE, "[a, b]", c::reached);
                });
                check("the second takes over when the first is killed", () -> {
                    a.destroyForcibly();
                    until(GONE, 1, c::registered);
                    until(GONE, "[b]", c::reached);
                });
                check("calls go on after the server stopped in order, and the provider registers anew, once", () -> c.restart(false));
                check("calls go on after the server was killed, and the provider registers anew, once", () -> c.restart(true));
                check("a third is found after that, and takes over when the second ends in order", () -> {
                    c.provider("c", 2);
                    until(GONE, "[b, c]", c::reached);
                    b[0].destroy();
                    until(STARTED, 1, c::registered);
                    until(GONE, "[c]", c::reached);
                });
            }
        }
        end();
    }

    /** Starts a provider and waits until so many are registered. */
    private Process provider(String name, int count) throws Exception {
        Process p = start("provider-" + name, Provider.class, server.address(), name);
        until(STARTED, count, this::registered);
        return p;
    }

    /** How many instances are registered, of the application as of the interface. */
    private Object registered() throws Exception {
        int[] counts = new int[2];
        String[] services = {"greeter", "providers:nacre.dubbo.Greeter::"};
        for (int i = 0; i < services.length; i++) {
            counts[i] = server.get("/nacos/v1/ns/instance/list?serviceName=" + services[i]).split("\"instanceId\"").length - 1;
        }
        return counts[0] == counts[1] ? counts[0] : (Object) (counts[0] + " and " + counts[1]);
    }

    /** The providers that answer thirty calls. */
    private String reached() {
        TreeSet<String> names = new TreeSet<>();
        for (int i = 0; i < 30; i++) {
            names.add(greeter.greet("hello").replace("hello from ", ""));
        }
        return names.toString();
    }

    private void finds() throws Exception {
        ReferenceConfig<Greeter> reference = new ReferenceConfig<>();
        reference.setInterface(Greeter.class);
        Provider.application("caller", server.address()).reference(reference).start();
        greeter = reference.get();
        same(greeter.greet("hello"), "hello from a");
    }

    private void configured() {
        same(ApplicationModel.defaultModel().getDefaultModule().getConfigManager().getDefaultConsumer().get().getTimeout(), 4321);
    }

    private void metadata() throws Exception {
        same(server.get("/nacos/v1/cs/configs?group=mapping&dataId=nacre.dubbo.Greeter"), "greeter");
        String definition = server.get("/nacos/v1/cs/configs?group=dubbo&dataId=nacre.dubbo.Greeter:::provider:greeter");
        same(definition.contains("\"canonicalName\":\"nacre.dubbo.Greeter\""), true);
    }

    private void restart(boolean force) throws Exception {
        server.end(force);
        same(reached(), "[b]"); // the last that it was told
        server.start();
        until(BACK, 1, this::registered);
        until(BACK, "[b]", this::reached);
    }
}
