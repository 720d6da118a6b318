package nacre.sdk;

import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.EventListener;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.ListView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** What clients for Java that speak gRPC do with services: one provides, another looks. */
public final class GrpcNaming {
    private static final String GROUP = Check.GROUP;
    /** How long a subscriber may wait for a change, and how long a client that was killed may be seen, in ms. */
    private static final int TOLD = 1000;
    private static final int GONE = 2000;
    private static final int BACK = 30000;

    private final Server server;
    private final NamingService a;
    private final NamingService b;

    private GrpcNaming(Server server) throws Exception {
        this.server = server;
        a = connect(server.address());
        b = connect(server.address());
    }

    public static void run() throws Exception {
        try (Server server = new Server()) {
            GrpcNaming n = new GrpcNaming(server);
            Checks.check("services: register, list, deregister", n::basics);
            Checks.check("services: groups and clusters", n::groups);
            Checks.check("services: only healthy ones are selected", n::selects);
            Checks.check("services: a subscriber is told within a second", n::subscribes);
            Checks.check("services: a batch", n::batch);
            Checks.check("services: a persistent instance", n::persistent);
            Checks.check("services: pages", n::pages);
            Checks.check("services: a killed client is gone within two seconds", n::killed);
            Checks.check("services: the server is restarted in order", () -> n.restart(false));
            Checks.check("services: the server is killed", () -> n.restart(true));
            n.a.shutDown();
            n.b.shutDown();
        }
    }

    /** Is the client that is going to be killed: its arguments are the server and a service. */
    public static void main(String[] args) throws Exception {
        connect(args[0]).registerInstance(args[1], GROUP, instance("10.0.9.9", 99));
        Thread.sleep(600_000);
    }

    static NamingService connect(String address) throws Exception {
        Properties p = new Properties();
        p.put("serverAddr", address);
        return NamingFactory.createNamingService(p);
    }

    static Instance instance(String ip, int port) {
        Instance i = new Instance();
        i.setIp(ip);
        i.setPort(port);
        return i;
    }

    private static String shown(List<Instance> list) {
        List<String> texts = new ArrayList<>();
        for (Instance i : list) {
            texts.add(i.getIp() + ":" + i.getPort());
        }
        Collections.sort(texts);
        return String.join(" ", texts);
    }

    /** Asks the server, not what the client remembers. */
    private String list(String service, String... clusters) throws Exception {
        return shown(b.getAllInstances(service, GROUP, Arrays.asList(clusters), false));
    }

    /** What a listener was told last. */
    private static final class Told implements EventListener {
        private volatile String last = "<nothing>";

        @Override
        public void onEvent(com.alibaba.nacos.api.naming.listener.Event e) {
            last = shown(((NamingEvent) e).getInstances());
        }
    }

    private void basics() throws Exception {
        Instance i = instance("10.0.0.1", 80);
        i.setWeight(2.5);
        i.setMetadata(new java.util.HashMap<>());
        i.getMetadata().put("unicode", "中文");
        a.registerInstance("java.a", GROUP, i);
        Instance got = b.getAllInstances("java.a", GROUP, false).get(0);
        Checks.same(got.getWeight(), 2.5);
        Checks.same(got.getMetadata().get("unicode"), "中文");
        Checks.same(got.getClusterName(), "DEFAULT");
        Checks.same(got.isEphemeral() && got.isHealthy() && got.isEnabled(), true);
        i.setWeight(7);
        a.registerInstance("java.a", GROUP, i);
        Checks.same(b.getAllInstances("java.a", GROUP, false).get(0).getWeight(), 7.0);
        a.deregisterInstance("java.a", GROUP, i);
        Checks.same(list("java.a"), "");
    }

    private void groups() throws Exception {
        Instance one = instance("10.0.0.1", 80);
        one.setClusterName("c1");
        Instance two = instance("10.0.0.2", 80);
        two.setClusterName("c2");
        a.registerInstance("java.clusters", GROUP, one);
        b.registerInstance("java.clusters", GROUP, two);
        a.registerInstance("java.clusters", "other", instance("10.0.0.3", 80));
        Checks.same(list("java.clusters", "c1"), "10.0.0.1:80");
        Checks.same(list("java.clusters", "c1", "c2"), "10.0.0.1:80 10.0.0.2:80");
        Checks.same(list("java.clusters", "none"), "");
        Checks.same(list("java.clusters"), "10.0.0.1:80 10.0.0.2:80");
        Checks.same(shown(b.getAllInstances("java.clusters", "other", false)), "10.0.0.3:80");
    }

    private void selects() throws Exception {
        Instance bad = instance("10.0.0.2", 80);
        bad.setHealthy(false);
        a.registerInstance("java.health", GROUP, instance("10.0.0.1", 80));
        b.registerInstance("java.health", GROUP, bad);
        Checks.same(list("java.health"), "10.0.0.1:80 10.0.0.2:80");
        Checks.same(shown(b.selectInstances("java.health", GROUP, true, false)), "10.0.0.1:80");
        Checks.same(shown(b.selectInstances("java.health", GROUP, false, false)), "10.0.0.2:80");
        for (int i = 0; i < 20; i++) {
            Checks.same(b.selectOneHealthyInstance("java.health", GROUP).getIp(), "10.0.0.1");
        }
    }

    private void subscribes() throws Exception {
        Told told = new Told();
        b.subscribe("java.told", GROUP, told);
        a.registerInstance("java.told", GROUP, instance("10.0.0.1", 80));
        Checks.until(TOLD, "10.0.0.1:80", () -> told.last);
        a.deregisterInstance("java.told", GROUP, instance("10.0.0.1", 80));
        Checks.until(TOLD, "", () -> told.last);
        b.unsubscribe("java.told", GROUP, told);
        a.registerInstance("java.told", GROUP, instance("10.0.0.1", 80));
        Thread.sleep(TOLD);
        Checks.same(told.last, "");
    }

    private void batch() throws Exception {
        List<Instance> many = Arrays.asList(instance("10.0.0.1", 80), instance("10.0.0.2", 80), instance("10.0.0.3", 80));
        a.batchRegisterInstance("java.batch", GROUP, many);
        Checks.same(list("java.batch"), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
        a.batchDeregisterInstance("java.batch", GROUP, many.subList(0, 1));
        Checks.same(list("java.batch"), "10.0.0.2:80 10.0.0.3:80");
    }

    private void persistent() throws Exception {
        Instance i = instance("127.0.0.1", server.port);
        i.setEphemeral(false);
        NamingService c = connect(server.address());
        c.registerInstance("java.lasting", GROUP, i);
        c.shutDown();
        Checks.same(list("java.lasting"), "127.0.0.1:" + server.port);
        Checks.same(b.getAllInstances("java.lasting", GROUP, false).get(0).isEphemeral(), false);
        a.deregisterInstance("java.lasting", GROUP, i);
        Checks.same(list("java.lasting"), "");
    }

    private void pages() throws Exception {
        for (int i = 0; i < 25; i++) {
            a.registerInstance("java.page." + i, "pages", instance("10.0.0.1", 80));
        }
        Set<String> all = new TreeSet<>();
        for (int page = 1; page <= 4; page++) {
            ListView<String> view = b.getServicesOfServer(page, 10, "pages");
            Checks.same(view.getCount(), 25);
            all.addAll(view.getData());
        }
        Checks.same(all.size(), 25);
    }

    private void killed() throws Exception {
        Told told = new Told();
        b.subscribe("java.killed", GROUP, told);
        Process child = Checks.start("killed", GrpcNaming.class, server.address(), "java.killed");
        try {
            Checks.until(BACK, "10.0.9.9:99", () -> told.last);
        } finally {
            child.destroyForcibly();
        }
        Checks.until(GONE, "", () -> told.last);
        Checks.same(list("java.killed"), "");
    }

    /** Ends the server while a provides and b provides and subscribes: what they registered comes back, once. */
    private void restart(boolean force) throws Exception {
        String service = "java.restart." + force;
        Told told = new Told();
        b.subscribe(service, GROUP, told);
        a.batchRegisterInstance(service, GROUP, Arrays.asList(instance("10.0.0.1", 80), instance("10.0.0.2", 80)));
        b.registerInstance(service, GROUP, instance("10.0.0.3", 80));
        String all = "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80";
        Checks.until(TOLD, all, () -> told.last);
        server.end(force);
        Thread.sleep(500);
        server.start();
        NamingService late = connect(server.address());
        Checks.until(BACK, all, () -> shown(late.getAllInstances(service, GROUP, false)));
        late.registerInstance(service, GROUP, instance("10.0.0.4", 80));
        Checks.until(BACK, all + " 10.0.0.4:80", () -> told.last);
        Checks.same(shown(late.getAllInstances(service, GROUP, false)), all + " 10.0.0.4:80");
        late.shutDown();
    }
}
