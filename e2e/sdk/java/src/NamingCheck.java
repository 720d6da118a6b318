package nacre.sdk;

import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingMaintainFactory;
import com.alibaba.nacos.api.naming.NamingMaintainService;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.ListView;
import com.alibaba.nacos.api.naming.pojo.Service;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** What the client for Java does with services and instances. */
final class NamingCheck {
    private static final String GROUP = "DEFAULT_GROUP";
    /** How long a subscriber may wait for a change, in ms: it is pushed over UDP. */
    private static final int TOLD = 1000;

    private final Server server;
    private final NamingService client;
    private final NamingMaintainService operator;
    private volatile String told = "<nothing>";
    private volatile String toldAtOnce = "<nothing>";

    NamingCheck(Server server) throws Exception {
        this.server = server;
        Properties p = new Properties();
        p.put("serverAddr", server.address());
        client = connect(server.address());
        operator = NamingMaintainFactory.createMaintainService(p);
    }

    private static NamingService connect(String address) throws Exception {
        Properties p = new Properties();
        p.put("serverAddr", address);
        return NamingFactory.createNamingService(p);
    }

    /** Is the client that is going to be killed: its arguments are the server and a service. Its heartbeats may be late by 2 s. */
    public static void main(String[] args) throws Exception {
        Instance i = instance("10.0.9.9", 99);
        i.addMetadata("preserved.heart.beat.timeout", "7000");
        i.addMetadata("preserved.ip.delete.timeout", "9000");
        connect(args[0]).registerInstance(args[1], i);
        Thread.sleep(600_000);
    }

    private static String shown(List<Instance> list) {
        List<String> texts = new ArrayList<>();
        for (Instance i : list) {
            texts.add(i.getIp() + ":" + i.getPort());
        }
        Collections.sort(texts);
        return String.join(",", texts);
    }

    private static Instance instance(String ip, int port) {
        Instance i = new Instance();
        i.setIp(ip);
        i.setPort(port);
        return i;
    }

    /** Asks the server, not what the client remembers. */
    private List<Instance> all(String service) throws Exception {
        return client.getAllInstances(service, GROUP, new ArrayList<>(), false);
    }

    void basics() throws Exception {
        Instance one = instance("10.0.0.1", 80);
        one.setWeight(2);
        one.setClusterName("c1");
        one.addMetadata("zone", "a");
        client.registerInstance("java.a", one);
        client.registerInstance("java.a", "10.0.0.2", 80);
        Checks.same(shown(all("java.a")), "10.0.0.1:80,10.0.0.2:80");
        Instance got = client.selectInstances("java.a", GROUP, Collections.singletonList("c1"), true, false).get(0);
        Checks.same(got.getWeight(), 2.0);
        Checks.same(got.getMetadata().get("zone"), "a");
        Checks.same(client.selectOneHealthyInstance("java.a").getPort(), 80);
        client.deregisterInstance("java.a", "10.0.0.2", 80);
        Checks.same(shown(all("java.a")), "10.0.0.1:80");
        ListView<String> services = client.getServicesOfServer(1, 10);
        Checks.same(services.getCount() + " " + services.getData(), "1 [java.a]");
        Checks.same(client.getServerStatus(), "UP");
    }

    void groups() throws Exception {
        Instance one = instance("10.0.0.1", 80);
        one.setClusterName("c1");
        Instance two = instance("10.0.0.2", 80);
        two.setClusterName("c2");
        client.registerInstance("java.clusters", one);
        client.registerInstance("java.clusters", two);
        client.registerInstance("java.clusters", "other", instance("10.0.0.3", 80));
        Checks.same(shown(client.getAllInstances("java.clusters", GROUP, Collections.singletonList("c1"), false)), "10.0.0.1:80");
        Checks.same(shown(client.getAllInstances("java.clusters", GROUP, Arrays.asList("c1", "c2"), false)), "10.0.0.1:80,10.0.0.2:80");
        Checks.same(shown(client.getAllInstances("java.clusters", GROUP, Collections.singletonList("none"), false)), "");
        Checks.same(shown(all("java.clusters")), "10.0.0.1:80,10.0.0.2:80");
        Checks.same(shown(client.getAllInstances("java.clusters", "other", false)), "10.0.0.3:80");
    }

    void selects() throws Exception {
        client.registerInstance("java.health", "10.0.0.1", 80);
        // Nobody sends heartbeats for this one.
        server.post("/nacos/v1/ns/instance", "serviceName=java.health&ip=10.0.0.2&port=80&ephemeral=true&metadata="
                + "preserved.heart.beat.interval%3D200,preserved.heart.beat.timeout%3D500");
        Checks.until(5000, "10.0.0.2:80", () -> shown(client.selectInstances("java.health", GROUP, false, false)));
        Checks.same(shown(client.selectInstances("java.health", GROUP, true, false)), "10.0.0.1:80");
        Checks.same(shown(all("java.health")), "10.0.0.1:80,10.0.0.2:80");
        for (int i = 0; i < 20; i++) {
            Checks.same(client.selectOneHealthyInstance("java.health", GROUP, false).getIp(), "10.0.0.1");
        }
    }

    void pages() throws Exception {
        for (int i = 0; i < 25; i++) {
            client.registerInstance("java.page." + i, "pages", instance("10.0.0.1", 80));
        }
        Set<String> all = new TreeSet<>();
        for (int page = 1; page <= 4; page++) {
            ListView<String> view = client.getServicesOfServer(page, 10, "pages");
            Checks.same(view.getCount(), 25);
            all.addAll(view.getData());
        }
        Checks.same(all.size(), 25);
    }

    void killed() throws Exception {
        client.subscribe("java.killed", e -> told = shown(((NamingEvent) e).getInstances()));
        Process child = Checks.start("killed", NamingCheck.class, server.address(), "java.killed");
        try {
            Checks.until(30000, "10.0.9.9:99", () -> told);
            Thread.sleep(10000);
            Checks.same(told, "10.0.9.9:99");
        } finally {
            child.destroyForcibly();
        }
        Checks.until(12000, "", () -> shown(all("java.killed")));
    }

    void persistent() throws Exception {
        Instance one = instance("10.0.1.1", 80);
        one.setEphemeral(false);
        client.registerInstance("java.p", one);
        Checks.same(shown(all("java.p")), "10.0.1.1:80");
        client.deregisterInstance("java.p", one);
        Checks.same(shown(all("java.p")), "");
    }

    void subscribes() throws Exception {
        client.subscribe("java.told", e -> told = shown(((NamingEvent) e).getInstances()));
        client.registerInstance("java.told", "10.0.0.1", 80);
        Checks.until(TOLD, "10.0.0.1:80", () -> told);
        client.registerInstance("java.told", "10.0.0.2", 80);
        Checks.until(TOLD, "10.0.0.1:80,10.0.0.2:80", () -> told);
        client.deregisterInstance("java.told", "10.0.0.1", 80);
        Checks.until(TOLD, "10.0.0.2:80", () -> told);
    }

    /** The client asks every ten seconds; the server is to tell it at once, over UDP. */
    void toldAtOnce() throws Exception {
        client.subscribe("java.udp", e -> toldAtOnce = shown(((NamingEvent) e).getInstances()));
        client.registerInstance("java.udp", "10.0.2.1", 80);
        Checks.until(15000, "10.0.2.1:80", () -> toldAtOnce);
        long before = server.number("/nacos/v1/ns/operator/push/state", "succeed");
        String want = "10.0.2.1:80";
        for (int i = 2; i <= 6; i++) {
            client.registerInstance("java.udp", "10.0.2." + i, 80);
            want += ",10.0.2." + i + ":80";
            Checks.until(2000, want, () -> toldAtOnce);
            Thread.sleep(1500); // so that all of them take most of an interval
        }
        long acknowledged = server.number("/nacos/v1/ns/operator/push/state", "succeed") - before;
        if (acknowledged < 5) {
            throw new AssertionError(acknowledged + " of 5 changes were acknowledged");
        }
    }

    void operates() throws Exception {
        operator.createService("java.made", GROUP, 0.5f);
        Service made = operator.queryService("java.made");
        Checks.same(made.getProtectThreshold(), 0.5f);
        operator.updateService("java.made", GROUP, 0.3f, Collections.singletonMap("k", "v"));
        made = operator.queryService("java.made");
        Checks.same(made.getProtectThreshold() + " " + made.getMetadata(), "0.3 {k=v}");
        Checks.same(operator.deleteService("java.made"), true);
        Instance one = instance("10.0.0.1", 80);
        one.setClusterName("c1");
        one.setWeight(5);
        operator.updateInstance("java.a", one);
        Checks.same(all("java.a").get(0).getWeight(), 5.0);
    }

    void restart(boolean force) throws Exception {
        server.end(force);
        server.start();
        Checks.until(20000, "10.0.0.1:80", () -> shown(all("java.a")));
        Checks.same(all("java.a").get(0).getMetadata().get("zone"), "a");
        Checks.until(20000, "10.0.0.1:80,10.0.0.2:80", () -> shown(all("java.clusters")));
    }
}
