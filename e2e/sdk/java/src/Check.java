package nacre.sdk;

import static nacre.sdk.Checks.check;
import static nacre.sdk.Checks.clip;
import static nacre.sdk.Checks.end;
import static nacre.sdk.Checks.limit;
import static nacre.sdk.Checks.same;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.AbstractListener;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.StringJoiner;

/** Checks Nacre with Nacos' client for Java. NACRE names the binary of the server. */
public final class Check {
    static final String GROUP = Server.GROUP;

    private final String version;
    final Server server;
    final ConfigService client;

    private Check(String version, Server server, ConfigService client) {
        this.version = version;
        this.server = server;
        this.client = client;
    }

    public static void main(String[] args) throws Exception {
        String version = args[0];
        boolean quick = Boolean.getBoolean("check.short");
        limit(240);
        try (Server server = new Server()) {
            Check c = new Check(version, server, connect(server, ""));
            // Not before: two first clients of a process at once may make version 3.1.1 find no "server list provider".
            Thread idling = new Thread(() -> check("one idle minute, then a change", Check::idle));
            if (!quick) {
                idling.start();
            }
            check("publish, read, remove", c::basics);
            check("three changes in a row and a removal are told", c::listens);
            check("the server is killed", () -> c.restart(true));
            if (!quick) {
                check("compare and set", c::cas);
                check("200 listeners on one client", c::many);
                check("unicode and a megabyte", c::contents);
                check("types", c::types);
                check("namespaces", c::namespaces);
                check("a beta variant by address, a variant by tag", c::gray);
                check("an encrypted configuration with its key", c::encrypted);
                check("the server is restarted in order", () -> c.restart(false));
                if (version.startsWith("3.")) {
                    check("fuzzy watch", () -> Class.forName("nacre.sdk.FuzzyCheck").getMethod("run", Check.class).invoke(null, c));
                }
                if (version.startsWith("3.")) {
                    check("fuzzy watch of services", () -> call("ServiceFuzzyCheck"));
                }
                if (version.startsWith("1.")) {
                    naming();
                } else {
                    call("GrpcNaming");
                }
                idling.join();
            }
        }
        end();
    }

    /** Runs a class that not every version is compiled with. */
    private static void call(String name) throws Exception {
        Class.forName("nacre.sdk." + name).getMethod("run").invoke(null);
    }

    /** Checks the registry, as clients without gRPC use it. */
    private static void naming() throws Exception {
        try (Server server = new Server()) {
            NamingCheck n = new NamingCheck(server);
            check("register, list, deregister", n::basics);
            check("groups and clusters", n::groups);
            check("only healthy ones are selected", n::selects);
            check("a persistent instance", n::persistent);
            check("a subscriber is told within a second", n::subscribes);
            check("pages of services", n::pages);
            check("a subscriber is told over UDP, before it asks", n::toldAtOnce);
            check("services and instances are changed", n::operates);
            check("a killed client is gone when its heartbeats are late", n::killed);
            check("the server is restarted in order and the heartbeats bring back what it had, once", () -> n.restart(false));
            check("the server is killed and the heartbeats bring back what it had, once", () -> n.restart(true));
        }
    }

    private static ConfigService connect(Server server, String namespace, String... more) throws Exception {
        Properties p = new Properties();
        p.put("serverAddr", server.address());
        p.put("namespace", namespace);
        p.put("configLongPollTimeout", "10000");
        for (int i = 0; i < more.length; i += 2) {
            p.put(more[i], more[i + 1]);
        }
        return NacosFactory.createConfigService(p);
    }

    static String md5(String content) throws Exception {
        byte[] sum = MessageDigest.getInstance("MD5").digest(content.getBytes(StandardCharsets.UTF_8));
        return String.format("%032x", new BigInteger(1, sum));
    }

    /** Collects what a listener is told. */
    static final class Seen extends AbstractListener {
        private final List<String> values = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void receiveConfigInfo(String content) {
            values.add(content == null ? "" : content);
        }

        String last() {
            synchronized (values) {
                return values.isEmpty() ? "<nothing>" : values.get(values.size() - 1);
            }
        }

        List<String> all() {
            synchronized (values) {
                return new ArrayList<>(values);
            }
        }

        void until(String want, long limitMs) throws InterruptedException {
            for (long end = System.currentTimeMillis() + limitMs; !last().equals(want); Thread.sleep(5)) {
                if (System.currentTimeMillis() > end) {
                    throw new AssertionError("after " + limitMs + " ms the listener was told " + clip(last()) + " last, want " + clip(want));
                }
            }
        }
    }

    private Seen listen(String dataId) throws Exception {
        Seen seen = new Seen();
        client.addListener(dataId, GROUP, seen);
        return seen;
    }

    private void publish(String dataId, String content) throws Exception {
        same(client.publishConfig(dataId, GROUP, content), true);
    }

    private String read(String dataId) throws Exception {
        return client.getConfig(dataId, GROUP, 5000);
    }

    private void basics() throws Exception {
        publish("a", "one");
        same(read("a"), "one");
        same(client.removeConfig("a", GROUP), true);
        same(read("a"), null);
    }

    private void cas() throws Exception {
        publish("cas", "one");
        if (version.startsWith("1.")) { // it has none of its own
            same(server.publish("cas", "two", "", "casMd5", md5("other")) == 200, false);
            same(read("cas"), "one");
            same(server.publish("cas", "two", "", "casMd5", md5("one")), 200);
        } else {
            java.lang.reflect.Method m = ConfigService.class.getMethod("publishConfigCas", String.class, String.class, String.class, String.class);
            same(m.invoke(client, "cas", GROUP, "two", md5("other")), false);
            same(read("cas"), "one");
            same(m.invoke(client, "cas", GROUP, "two", md5("one")), true);
        }
        same(read("cas"), "two");
    }

    private void listens() throws Exception {
        Seen seen = listen("told");
        publish("told", "0");
        seen.until("0", 15000);
        for (String value : new String[] {"1", "2", "3"}) {
            publish("told", value);
        }
        seen.until("3", 10000);
        List<String> sorted = seen.all();
        Collections.sort(sorted);
        same(seen.all(), sorted);
        same(client.removeConfig("told", GROUP), true);
        seen.until("", 10000);
    }

    private void many() throws Exception {
        List<Seen> all = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            all.add(listen("many." + i));
        }
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < 200; i++) {
                publish("many." + i, i + "/" + turn);
            }
            for (int i = 0; i < 200; i++) {
                all.get(i).until(i + "/" + turn, 20000);
            }
        }
    }

    private void contents() throws Exception {
        for (String[] c : new String[][] {{"unicode", "gr\u00fcn, \u4e2d\u6587, \ud83d\udc1a and a tab\t\r\n"}, {"large", "0123456789abcde\n".repeat(1 << 16)}}) {
            publish(c[0], c[1]);
            same(read(c[0]), c[1]);
        }
    }

    private void types() throws Exception {
        for (String type : new String[] {"json", "yaml", "properties", "xml", "text", "html"}) {
            same(client.publishConfig("typed", GROUP, "x " + type, type), true);
            same(server.header("typed", "Config-Type"), type);
        }
    }

    private void namespaces() throws Exception {
        ConfigService other = connect(server, "other");
        publish("shared", "of the default one");
        same(other.publishConfig("shared", GROUP, "of the other one"), true);
        same(read("shared"), "of the default one");
        same(other.getConfig("shared", GROUP, 5000), "of the other one");
        Seen seen = new Seen();
        other.addListener("shared", GROUP, seen);
        Thread.sleep(300);
        publish("shared", "again of the default one");
        same(other.publishConfig("shared", GROUP, "again of the other one"), true);
        seen.until("again of the other one", 15000);
        same(seen.all().contains("again of the default one"), false);
        other.shutDown();
    }

    private void gray() throws Exception {
        publish("gray", "for all");
        Seen seen = listen("gray");
        Thread.sleep(300);
        StringJoiner own = new StringJoiner(",").add("127.0.0.1");
        for (NetworkInterface n : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InetAddress a : Collections.list(n.getInetAddresses())) {
                own.add(a.getHostAddress());
            }
        }
        same(server.publish("gray", "for this address", "", "betaIps", own.toString()), 200);
        seen.until("for this address", 15000);
        same(read("gray"), "for this address");
        publish("tagged", "for all");
        same(server.publish("tagged", "for the tag", "&tag=blue"), 200);
        same(read("tagged"), "for all");
        same(server.header("tagged", "Content-MD5"), md5("for all"));
        if (version.startsWith("1.")) { // it polls without its tag
            return;
        }
        tag("blue");
        try {
            ConfigService blue = connect(server, "");
            same(blue.getConfig("tagged", GROUP, 5000), "for the tag");
            Seen told = new Seen();
            blue.addListener("tagged", GROUP, told);
            Thread.sleep(300);
            same(server.publish("tagged", "again for the tag", "&tag=blue"), 200);
            told.until("again for the tag", 15000);
            blue.shutDown();
        } finally {
            tag(null);
        }
        same(read("tagged"), "for all");
    }

    /** Sets the tag that connections made from now on say they have; the client keeps it for the whole process. */
    private static void tag(String tag) throws Exception {
        java.util.Map<String, List<String>> env = Collections.singletonMap("Vipserver-Tag", Collections.singletonList(tag));
        Class.forName("com.alibaba.nacos.client.utils.EnvUtil").getMethod("setSelfEnv", java.util.Map.class).invoke(null, env);
    }

    private void encrypted() throws Exception {
        String dataId = "cipher-turn-secret";
        if (version.startsWith("1.")) { // it knows no encryption: it gets what is stored
            same(server.publish(dataId, "ciphertext", "&encryptedDataKey=key"), 200);
            same(read(dataId), "ciphertext");
            return;
        }
        publish(dataId, "the secret");
        same(server.read(dataId), "terces eht"); // as the plugin of this check encrypts
        same(server.header(dataId, "Encrypted-Data-Key"), "sealed:the key");
        same(read(dataId), "the secret");
        Seen seen = listen(dataId);
        publish(dataId, "another secret");
        seen.until("another secret", 15000);
    }

    private void restart(boolean force) throws Exception {
        String dataId = "restart." + force;
        Seen seen = listen(dataId);
        publish(dataId, "before");
        seen.until("before", 15000);
        server.end(force);
        Thread.sleep(500);
        server.start();
        // Published before the client is back: it must learn of it when it listens again.
        same(server.publish(dataId, "meanwhile", ""), 200);
        seen.until("meanwhile", 40000);
        for (long end = System.currentTimeMillis() + 10000;; Thread.sleep(100)) {
            try {
                publish(dataId, "after");
                break;
            } catch (Exception e) {
                if (System.currentTimeMillis() > end) {
                    throw e;
                }
            }
        }
        seen.until("after", 15000);
    }

    private static void idle() throws Exception {
        try (Server server = new Server()) {
            ConfigService client = connect(server, "");
            Seen seen = new Seen();
            client.addListener("idle", GROUP, seen);
            Thread.sleep(60000);
            same(server.publish("idle", "awake", ""), 200);
            seen.until("awake", 1000);
            client.shutDown();
        }
    }
}
